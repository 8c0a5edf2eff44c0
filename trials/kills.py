"""kill -9 at random moments, while many posts go out and while what was cut is recovered."""

from __future__ import annotations

import time
from datetime import timedelta

from trials import evidence
from trials.catalogue import Run, trial
from trials.network import in_flight
from trials.oracle import Finding
from trials.result import PER_KILL
from trials.stage import Stage, now

BATCH = 96
"""Posts queued at once, when the ones before run out."""
LONGEST = 0.5
"""Seconds that a worker lives at most after its recovery."""
SOON = 0.03
ACCOUNTS = 8
CALLS = 6


@trial("kill -9 at random moments under load, with slow answers; recovery is killed too")
def random_kills(run: Run) -> None:
    """One stage serves every kill: a worker runs some milliseconds, dies, the next takes over."""
    with run.stage(accounts=ACCOUNTS, calls=CALLS) as stage:
        for name in stage.speakers:
            handle = stage.speakers[name].handle
            stage.network.fault("slow", account=handle, seconds=run.rng.uniform(0.05, 0.4))
        supply = _Supply(run, stage)
        supply.fill()
        startup = _startup(stage)
        moments = []
        for number in range(1, run.kills + 1):
            supply.fill()
            worker = stage.worker()
            if run.short and number % 2:
                moment, longest = "calling", SOON  # so that a few kills suffice to cut a call
            else:
                moment, longest = run.rng.choice(
                    (("started", 2 * startup), ("recovered", LONGEST), ("calling", LONGEST))
                )
            worker.wait_for(moment, patience=3.0)
            time.sleep(run.rng.uniform(0.0, longest))
            moments.append(time.time())
            worker.kill()
            run.result.killed(worker.where())
            if number % 50 == 0 or number == run.kills:
                run.say(f"{number}/{run.kills} kills, {run.result.in_flight} calls cut")
        run.result.runs += run.kills
        stage.network.no_faults()
        run.say("the last worker clears up")
        stage.work(patience=1800)
        run.result.judged(stage.verdict())
        _bounded(run, stage, moments)


class _Supply:
    """Keeps some posts ahead of the workers, spread over every account."""

    def __init__(self, run: Run, stage: Stage) -> None:
        self.run, self.stage = run, stage

    def fill(self) -> None:
        counts = evidence.states(self.stage.database)
        if counts["scheduled"] + counts["leased"] > BATCH / 4:
            return
        stage, rng = self.stage, self.run.rng
        campaign = stage.new_campaign()
        due = now() + timedelta(seconds=0.5)
        posts = []
        for number in range(BATCH // ACCOUNTS):
            for account in range(1, ACCOUNTS + 1):
                shape = "thread" if rng.random() < 0.05 else "text"
                language = rng.choice(("en", "ar", "fr"))
                posts.append(
                    stage.plan(
                        shape,
                        f"p{number}-{account}",
                        campaign,
                        due=due,
                        account=account,
                        language=language,
                    )
                )
        stage.ready(posts)


def _startup(stage: Stage) -> float:
    """Seconds that a worker's recovery takes."""
    worker = stage.worker()
    worker.wait_for("started")
    begun = time.monotonic()
    worker.wait_for("recovered")
    taken = time.monotonic() - begun
    worker.kill()
    return taken


def _bounded(run: Run, stage: Stage, moments: list[float]) -> None:
    """Unconfirmed ≤ calls in flight + 20 per kill; and a run that never cut a call proves nothing."""
    calls = stage.network.calls()
    cut = sum(in_flight(calls, at) for at in moments)
    lost = evidence.steps_taken(stage.database, "lose")
    run.result.unconfirmed += lost
    run.result.in_flight = max(run.result.in_flight, cut)
    bound = run.result.in_flight + PER_KILL * run.kills
    run.result.notes.append(f"{lost} unconfirmed of at most {bound}; {cut} calls cut")
    if lost > bound:
        run.result.findings.append(Finding("unexplained", f"{lost} unconfirmed, at most {bound}"))
    if cut == 0:
        run.result.failure = "no kill ever cut a call in flight: this run proves nothing"
