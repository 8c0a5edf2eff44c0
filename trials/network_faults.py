"""The network misbehaves: answers lost, late, garbled; errors, limits, redirects, and silence."""

from __future__ import annotations

import socket
import threading
import time
from datetime import datetime, timedelta
from typing import Any

from social_scheduler.planning import PlannedPost
from trials import evidence
from trials.catalogue import Run, trial
from trials.stage import Stage, now

POSTS = 36


@trial("answers lost, cut off, garbled or replaced by an error after the post was accepted")
def answers_lost(run: Run) -> None:
    """Nothing of it may be repeated; most is found again."""
    _storm(run, ["answer_lost", "error_after", "malformed"])


@trial("answers that come after nobody waits for them any more")
def answers_late(run: Run) -> None:
    """The call is given up as unconfirmed, and found."""
    _storm(run, ["slow"], read_timeout=0.5, seconds=1.5)


@trial("errors and cut connections before anything was accepted")
def errors_before(run: Run) -> None:
    """A person is asked; nothing is assumed."""
    _storm(run, ["error_before", "reset_before"])


@trial("a storm of 429, with resets inside and beyond the window")
def rate_limits(run: Run) -> None:
    """Waited for inside the window, missed at once beyond it; never a burst afterwards."""
    _storm(run, ["rate_limited"], seconds=2)


@trial("one account's keys refused, while others go on")
def keys_refused(run: Run) -> None:
    """The account is suspended, its posts stay in sight."""
    with run.stage(accounts=2) as stage:
        posts = _posts(run, stage, 12)
        stage.network.fault("unauthorized", account=stage.speakers["x-en1"].handle)
        stage.ready(posts)
        _until(stage, posts[-1].window.due_at)
        stage.work()
        stage.network.no_faults()
        # Suspended until it is connected again: held by its own trouble, in everybody's sight.
        number, held = stage.hold("account", "x-en1")
        _finish(run, stage)
        stage.release(number, held)


@trial("every fault at once, answers slow, and the worker killed now and then")
def everything_at_once(run: Run) -> None:
    """What adds up on a bad day."""
    with run.stage(accounts=3, read_timeout=1) as stage:
        for fault in ("answer_lost", "error_after", "malformed", "error_before", "reset_before"):
            for _ in range(3):
                _one_fault(run, stage, fault, {})
        stage.network.fault("slow", account=stage.speakers["x-ar1"].handle, seconds=1.4)
        stage.network.fault("slow", seconds=0.1)
        posts = _posts(run, stage, 6 if run.short else POSTS)
        stage.ready(posts)
        for _ in range(2 if run.short else 12):
            worker = stage.worker()
            worker.wait_for("calling", patience=3)
            time.sleep(run.rng.uniform(0, 0.6))
            worker.kill()
            run.result.killed(worker.where())
        stage.network.no_faults()
        _finish(run, stage)


@trial("redirected to another address, which listens: no token and no word may reach it")
def redirects(run: Run) -> None:
    """A port of ours writes down whatever comes in."""
    with _Ear() as ear, run.stage() as stage:
        stage.network.fault("redirect", location=f"{ear.url}/2/tweets")
        for route in ("me", "timeline"):
            stage.network.fault("redirect", location=f"{ear.url}/{route}", route=route, times=3)
        stage.ready(_posts(run, stage, 6))
        stage.work()
        stage.network.no_faults()
        if ear.heard:
            run.result.failure = f"the other address was told: {ear.heard[0][:200]!r}"
        _finish(run, stage)


@trial("the network is away for a while, in the middle of everything")
def network_away(run: Run) -> None:
    """Connections are refused, then it is back where it was."""
    with run.stage(accounts=2) as stage:
        posts = _posts(run, stage, 8 if run.short else POSTS)
        stage.network.fault("slow", seconds=0.2)
        stage.ready(posts)
        worker = stage.worker()
        worker.wait_for("calling")
        stage.network.stop()
        time.sleep(run.rng.uniform(0.5, 3))
        stage.network.start()
        stage.network.no_faults()
        time.sleep(1)
        worker.kill()
        run.result.killed(worker.where())
        _finish(run, stage)


def _storm(run: Run, faults: list[str], *, read_timeout: float = 10, **options: Any) -> None:
    """Seeded faults hit about every third call."""
    with run.stage(accounts=3, read_timeout=read_timeout) as stage:
        count = 8 if run.short else POSTS
        for _ in range(count // 3):
            _one_fault(run, stage, run.rng.choice(faults), options)
        posts = _posts(run, stage, count)
        stage.ready(posts)
        _until(stage, posts[-1].window.due_at)
        stage.work()
        stage.network.no_faults()
        _try_again(stage)
        _finish(run, stage)


def _try_again(stage: Stage) -> None:
    """What certainly was not sent rests before its next try: longer than `work` waits for."""
    ends = now() + timedelta(seconds=90)
    stage.work()
    while now() < ends and any(
        delivery.state == "scheduled" for delivery in evidence.final_state(stage.database)
    ):
        time.sleep(1)
        stage.work()


def _one_fault(run: Run, stage: Stage, fault: str, options: dict[str, Any]) -> None:
    account = run.rng.choice(sorted(s.handle for s in stage.speakers.values()))
    stage.network.fault(fault, account=account, times=1, after=run.rng.randint(0, 2), **options)


def _posts(run: Run, stage: Stage, count: int) -> list[PlannedPost]:
    campaign = stage.new_campaign()
    accounts = len(stage.speakers) // 3
    begin = now() + timedelta(seconds=0.3 + 0.02 * count)
    return [
        stage.plan(
            run.rng.choice(("text", "text", "thread")),
            f"p{number}",
            campaign,
            due=begin + timedelta(milliseconds=30 * number),
            account=number % accounts + 1,
            language=run.rng.choice(("en", "ar", "fr")),
        )
        for number in range(count)
    ]


def _until(stage: Stage, moment: datetime) -> None:
    time.sleep(max(0.0, (moment - now()).total_seconds()))


def _finish(run: Run, stage: Stage) -> None:
    """Work to the end; dana sends again what only she can; judge."""
    stage.work()
    run.result.unconfirmed += evidence.steps_taken(stage.database, "lose")
    for delivery in evidence.final_state(stage.database):
        if delivery.state == "unconfirmed" and run.rng.random() < 0.5:
            stage.send_again(delivery.post, delivery.account)
    stage.work()
    run.result.runs += 1
    run.result.judged(stage.verdict())


class _Ear:
    """A port that listens and remembers every byte."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> _Ear:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(2)
                try:
                    self.heard.append(connection.recv(65536))
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                except OSError:
                    self.heard.append(b"a connection")
