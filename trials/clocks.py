"""Clocks that jump: processes under libfaketime, and nights when the clocks are changed."""

from __future__ import annotations

import importlib.util
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from trials.catalogue import SQLITE, NotRun, Run, trial
from trials.stage import Stage
from trials.stage import now as real_now

STEPS = (3600, -3600, 120, -120)
"""Seconds by which a worker's clock is set wrong, and right again a little later."""
NIGHTS = (
    ("Europe/Paris", datetime(2027, 3, 28, 1, tzinfo=UTC)),
    ("Europe/Paris", datetime(2027, 10, 31, 1, tzinfo=UTC)),
    ("Australia/Lord_Howe", datetime(2027, 4, 3, 15, tzinfo=UTC)),
    ("America/New_York", datetime(2027, 3, 14, 7, tzinfo=UTC)),
)
"""Zone of the machine, and the moment at which its wall clock jumps."""


class Clock:
    """A false clock for processes: seconds beside the true time, kept in a file."""

    def __init__(self, folder: Path, zone: str = "UTC") -> None:
        self.file = folder / "clock"
        self.zone = zone
        self.offset = timedelta(0)
        self.set(timedelta(0))

    def set(self, offset: timedelta) -> None:
        """From now on their clocks are this far from the true one."""
        draft = self.file.with_suffix(".new")
        draft.write_text(f"{offset.total_seconds():+.6f}\n", encoding="ascii")
        draft.replace(self.file)
        self.offset = offset

    def __call__(self) -> datetime:
        """What such a process takes the time for."""
        return real_now() + self.offset

    def environment(self) -> dict[str, str]:
        """What a process needs to believe it."""
        return {
            "LD_PRELOAD": str(library()),
            "FAKETIME_TIMESTAMP_FILE": str(self.file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "TZ": self.zone,
        }


def library() -> Path:
    """Where libfaketime is; NotRun where it is not."""
    found = importlib.util.find_spec("libfaketime")
    if found is None or found.origin is None:
        raise NotRun("libfaketime is not installed")
    path = Path(found.origin).parent / "vendor/libfaketime/src/libfaketime.so.1"
    if not path.exists():
        raise NotRun(f"libfaketime is installed without its library {path.name}")
    return path


@trial("the worker's clock jumps by an hour or two minutes, and back, while posts go out")
def clock_steps(run: Run) -> None:
    """Nothing doubled or lost. With SQLite there is no other clock to tell that it is wrong."""
    with run.stage(accounts=2) as stage:
        clock = Clock(stage.root.parent)
        for number, seconds in enumerate(STEPS[:1] if run.short else STEPS * 2, 1):
            run.say(f"step {number}: {seconds:+} s")
            _posts(run, stage, 24)
            worker = stage.worker(fresh=True, environment=clock.environment())
            worker.wait_for("calling", patience=20)
            clock.set(timedelta(seconds=seconds))
            time.sleep(run.rng.uniform(1, 3))
            clock.set(timedelta(0))
            time.sleep(run.rng.uniform(0.2, 1))
            worker.kill()
            run.result.killed(worker.where())
            run.result.runs += 1
            stage.reconnect()  # signed an hour off, calls are refused, and the accounts suspended
        stage.work()
        run.result.judged(stage.verdict(clocks_lie=True))


@trial("posts due around the moment at which the wall clock of the machine jumps", [SQLITE])
def daylight_saving(run: Run) -> None:
    """Worker and network in that night and zone; every post goes out in its window, once."""
    for number, (zone, moment) in enumerate(NIGHTS[:1] if run.short else NIGHTS):
        run.say(f"{zone}, {moment:%Y-%m-%d %H:%M} UTC")
        clock = Clock(run.new_folder(), zone)
        with run.stage(accounts=1, clock=clock) as stage:
            clock.set(moment - timedelta(seconds=4) - real_now())
            begin = clock() + timedelta(seconds=1)
            campaign = stage.new_campaign()
            stage.ready(
                [
                    stage.plan(
                        "text",
                        f"p{n}",
                        campaign,
                        due=begin + timedelta(milliseconds=400 * n),
                        late=timedelta(seconds=60),
                        language=run.rng.choice(("en", "ar", "fr")),
                    )
                    for n in range(20)
                ]
            )
            worker = stage.worker(fresh=True)
            time.sleep(run.rng.uniform(4, 8))
            worker.kill()
            run.result.killed(worker.where())
            stage.work(fresh=True)
            run.result.runs += 1
            verdict = stage.verdict()
            run.result.judged(verdict)
            run.result.notes.append(f"night {number + 1}, {zone}: {verdict.said} of 20 said")


def _posts(run: Run, stage: Stage, count: int) -> None:
    campaign = stage.new_campaign()
    begin = real_now() + timedelta(seconds=1)
    stage.ready(
        [
            stage.plan(
                "text",
                f"p{n}",
                campaign,
                due=begin + timedelta(milliseconds=150 * n),
                late=timedelta(minutes=run.rng.choice((1, 10, 120))),
                account=n % 2 + 1,
                language=run.rng.choice(("en", "ar", "fr")),
            )
            for n in range(count)
        ]
    )
