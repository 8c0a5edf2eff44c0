"""The worker dies at every named moment, for every shape of post; and again while it recovers."""

from __future__ import annotations

from datetime import timedelta

from social_scheduler.services.publish import CRASH_POINTS
from trials import evidence
from trials.catalogue import Run, trial
from trials.processes import SIGKILLED
from trials.stage import SHAPES, Stage, now

PREPARED = "prepared"
"""Only what has a picture passes this one."""


@trial("killed at every named moment, and again during recovery, for every shape of post")
def crash_points(run: Run) -> None:
    """One stage; each pair of moment and shape is a campaign of its own."""
    pairs = [(p, s) for p in CRASH_POINTS for s in SHAPES if p != PREPARED or s == "image"]
    if run.short:
        pairs = run.rng.sample(pairs, run.pairs)
    with run.stage() as stage:
        for number, (point, shape) in enumerate(pairs, 1):
            run.say(f"{number}/{len(pairs)} {shape}, killed at “{point}”")
            if not _one(run, stage, point, shape):
                run.result.failure = f"{shape}: no worker came to the moment “{point}”"
        stage.work()
        run.result.unconfirmed += evidence.steps_taken(stage.database, "lose")
        run.result.judged(stage.verdict())
    run.result.notes.append(
        f"{len(pairs)} pairs of moment and shape, each reached; {run.result.kills} kills in all"
    )


def _one(run: Run, stage: Stage, point: str, shape: str) -> bool:
    """Whether a worker was killed at that very moment; the next one is, at another."""
    times = [1]
    if shape in {"thread", "together"} and run.rng.random() < 0.5:
        times = [run.rng.randint(2, 4), 1]  # of a later part; where there is none, of the first
    run.result.runs += 1
    reached = False
    for time in times:
        campaign = stage.new_campaign()
        stage.ready([stage.plan(shape, "a", campaign, due=now() + timedelta(seconds=0.4))])
        reached = _dies(run, stage, f"{point}:{time}")
        if reached:
            break
    _dies(run, stage, run.rng.choice(CRASH_POINTS))
    stage.work()
    return reached


def _dies(run: Run, stage: Stage, point: str) -> bool:
    worker = stage.worker("--until-idle", "--crash-at", point)
    if worker.wait().code != SIGKILLED:
        return False
    run.result.killed(worker.where())
    return True
