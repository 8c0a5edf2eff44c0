"""Workers that stand still for longer than their leases, while another worker goes on."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from social_scheduler.errors import DatabaseBusy
from trials import evidence
from trials.catalogue import POSTGRESQL, Run, trial
from trials.network import in_flight
from trials.processes import Process, wait_until
from trials.stage import LANGUAGES, Stage, now
from trials.worker import LEASE, STAND_STILL

MOMENTS = ("journalled", "claimed", "answered", "outcome journalled", "intended")
SHORT_LEASE = 4
"""Seconds, in a short run and for a broken engine; else the engine's own 30."""

CUT_OFF = 60
"""Seconds within which PostgreSQL ends a transaction in which nothing happens, and some more."""


@trial(
    "workers stopped (SIGSTOP) at named moments, past their leases, while another goes on; a "
    "person sends again what they had; they are resumed in the middle of its call",
    [POSTGRESQL],
)
def past_its_lease(run: Run) -> None:
    """What they have in mind when they wake up belongs to an attempt that is over."""
    moments = MOMENTS[:2] if run.short else MOMENTS
    with run.stage(accounts=len(moments) + 1, calls=8) as stage:
        for number in range(len(moments)):
            stage.enrol(f"still-{number + 1}")
        lease = {LEASE: str(SHORT_LEASE)} if run.short or run.mutation else {}
        for number in range(1 if run.short else 3):
            run.say(f"round {number + 1}")
            _round(run, stage, moments, lease)
        stage.work()
        run.result.judged(stage.verdict())


def _round(run: Run, stage: Stage, moments: tuple[str, ...], lease: dict[str, str]) -> None:
    stopped = []
    for number, moment in enumerate(moments, 1):
        _posts(stage, account=number)
        environment = {STAND_STILL: moment, **lease}
        worker = stage.worker(name=f"still-{number}", environment=environment)
        wait_until(lambda w=worker: _stands_still(w), f"a worker at “{moment}”", 30)  # type: ignore[misc]
        stopped.append(worker)
        run.result.runs += 1
    _posts(stage, account=len(moments) + 1)
    awake = stage.worker(environment=lease)
    wait_until(lambda: _given_up(stage), "the leases ended", 90)
    time.sleep(1.5)  # it has looked for them on the network by now, and not found them
    asked = [d for d in evidence.final_state(stage.database) if d.state == "unconfirmed"]
    for delivery in asked:
        handle = stage.speakers[delivery.account].handle
        stage.network.fault("slow", account=handle, times=1, seconds=3)
        _at_last(stage.send_again, delivery.post, delivery.account)
    if asked:
        wait_until(lambda: in_flight(stage.network.calls(), time.time()) > 0, "sent again", 30)
    for worker in stopped:
        worker.signal(signal.SIGCONT)
    time.sleep(run.rng.uniform(3, 5))
    for worker in (*stopped, awake):
        worker.kill()
        run.result.killed(worker.where())
    stage.network.no_faults()
    stage.work()
    for number in range(1, len(moments) + 1):
        stage.work(name=f"still-{number}")


def _given_up(stage: Stage) -> bool:
    counts = evidence.states(stage.database)
    return not counts["leased"] and not counts["sending"] and not counts["scheduled"]


def _posts(stage: Stage, account: int) -> None:
    campaign = stage.new_campaign()
    due = now() + timedelta(seconds=0.5)
    posts = [
        stage.plan("text", language, campaign, due=due, account=account, language=language)
        for language in LANGUAGES
    ]
    _at_last(stage.queue, posts)
    for post in posts:
        _at_last(stage.approve, [post])


def _at_last(act: Callable[..., None], *arguments: object) -> None:
    """A worker that stands still in a transaction keeps people waiting, until it is cut off."""
    deadline = time.monotonic() + CUT_OFF
    while True:
        try:
            return act(*arguments)
        except DatabaseBusy:
            if time.monotonic() > deadline:
                raise


def _stands_still(process: Process) -> bool:
    line = Path(f"/proc/{process.pid}/stat").read_text(encoding="utf-8", errors="replace")
    return line.rpartition(")")[2].split()[0] == "T"
