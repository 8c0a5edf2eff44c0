"""Another schema under a running worker, and programs that meet a schema not theirs."""

from __future__ import annotations

import time
from datetime import timedelta

from sqlalchemy import text

from social_scheduler.store.database import SCHEMA
from trials import evidence
from trials.catalogue import Run, trial
from trials.oracle import Finding
from trials.processes import wait_until
from trials.stage import Stage, now

BEAT = 10
"""Seconds between two beats of a worker; at each it looks at the schema."""
ENDING = 5
"""Seconds that its last calls may take."""


@trial("the schema is raised under a running worker; programs meet an older and a newer schema")
def migration(run: Run) -> None:
    """It stops within a beat, and says why; nothing runs on a schema that it was not built for."""
    with run.stage(accounts=1) as stage:
        for number in range(1 if run.short else 3):
            run.say(f"round {number + 1}")
            _posts(run, stage)
            worker = stage.worker()
            worker.wait_for("calling", patience=10)
            time.sleep(run.rng.uniform(0, 0.4))
            _set_schema(stage, f"{int(SCHEMA) + 1:04}")
            begun = time.monotonic()
            wait_until(lambda w=worker: not w.running(), "the worker stops", 60)  # type: ignore[misc]
            taken = time.monotonic() - begun
            done = worker.wait()
            if taken > BEAT + ENDING:
                _find(run, f"the worker went on for {taken:.0f} s on another schema")
            if done.code == 0 or "schema" not in done.err:
                _find(run, f"the worker did not say why it stopped: {done.err[-200:]!r}")
            run.result.notes.append(f"stopped {taken:.1f} s after the schema was raised")
            for other in (f"{int(SCHEMA) + 1:04}", f"{int(SCHEMA) - 1:04}"):
                _set_schema(stage, other)
                done = stage.worker("--until-idle").wait()
                if done.code == 0 or "init --upgrade" not in done.err:
                    _find(run, f"the program worked on schema {other}: {done.err[-200:]!r}")
            _set_schema(stage, SCHEMA)
            run.result.runs += 1
            stage.work()
        run.result.judged(stage.verdict())


def _posts(run: Run, stage: Stage) -> None:
    campaign = stage.new_campaign()
    begin = now() + timedelta(seconds=0.8)
    stage.ready(
        [
            stage.plan(
                "text",
                f"p{n}",
                campaign,
                due=begin + timedelta(milliseconds=300 * n),
                language=run.rng.choice(("en", "ar", "fr")),
            )
            for n in range(60)
        ]
    )


def _set_schema(stage: Stage, number: str) -> None:
    engine = evidence.engine(stage.database)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :n"), {"n": number})
    engine.dispose()


def _find(run: Run, what: str) -> None:
    run.result.findings.append(Finding("unexplained", what))
