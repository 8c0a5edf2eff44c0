"""A worker of a trial: the public command `work` in its own process, with a probe in it.

The probe leaves every named moment in a shared file (trace.py), so that a trial knows where
its kill hit. A mutation, if one is named, breaks the engine in this process and nowhere else.
"""

from __future__ import annotations

import functools
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from trials.trace import Tracer

NEVER = "claimed:1000000000"
STAND_STILL = "TRIALS_STAND_STILL"
"""The variable that names a moment at which the worker is to stop (SIGSTOP)."""
LEASE = "TRIALS_LEASE"
"""The variable that gives shorter leases, in seconds, so that a short run need not wait for them."""


@dataclass(frozen=True)
class Orders:
    """What a new process is to become. `file_size`: RLIMIT_FSIZE in bytes."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    out: str
    err: str
    trace: str = ""
    mutation: str = ""
    file_size: int = 0
    more: Mapping[str, str] = field(default_factory=dict)


def become(orders: Orders) -> None:
    """In the new process: be that command."""
    for path, number in ((orders.out, 1), (orders.err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(orders.environment)
    if orders.file_size:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (orders.file_size, orders.file_size))
    arguments = list(orders.arguments)
    if orders.trace:
        arguments += prepare(Path(orders.trace), arguments)
    if orders.mutation:
        from trials.mutations import MUTATIONS

        MUTATIONS[orders.mutation].apply()
    sys.argv = ["social-scheduler", *arguments]
    from social_scheduler.cli import main

    main()


def prepare(trace: Path, arguments: Sequence[str]) -> list[str]:
    """Put the probe in; answers the options that make the command use it."""
    from social_scheduler import worker
    from social_scheduler.platforms.x import X

    if seconds := os.environ.get(LEASE):
        _lease_for(int(seconds))
    tracer = Tracer(trace)
    tracer.pass_by("started")
    crash_at = worker.crash_at

    stand_still = _stand_still_at(os.environ.get(STAND_STILL, ""))

    def traced(point: str) -> Callable[[str], None]:
        crash = crash_at(point)

        def probe(moment: str) -> None:
            tracer.pass_by(moment)
            stand_still(moment)
            crash(moment)

        return probe

    worker.crash_at = traced
    _around(worker.Worker, "start", tracer, "recovering", "recovered")
    _around(X, "publish", tracer, "calling", "called")
    _around(X, "find", tracer, "looking for it", "looked for it")
    _around(X, "read_back", tracer, "reading it back", "read it back")
    return [] if "--crash-at" in arguments else ["--crash-at", NEVER]


def _stand_still_at(point: str) -> Callable[[str], None]:
    """SIGSTOP at a named moment, `intended` or `intended:3`; somebody else lets it go on."""
    name, _, count = point.partition(":")
    left = int(count or 1)

    def probe(moment: str) -> None:
        nonlocal left
        if moment == name:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGSTOP)

    return probe


def _lease_for(seconds: int) -> None:
    from social_scheduler.services import claim
    from social_scheduler.worker import process

    for module, name, value in (
        (claim, "LEASE", timedelta(seconds=seconds)),
        (process, "LEASE", timedelta(seconds=seconds)),
        (process, "BEAT", 1),
    ):
        setattr(module, name, value)


def _around(kind: type, name: str, tracer: Tracer, before: str, after: str) -> None:
    inner = getattr(kind, name)

    @functools.wraps(inner)
    def outer(*arguments: Any, **options: Any) -> Any:
        tracer.pass_by(before)
        try:
            return inner(*arguments, **options)
        finally:
            tracer.pass_by(after)

    setattr(kind, name, outer)


def main() -> None:
    """`python -m trials.worker TRACE MUTATION ARGUMENT…`: for processes that cannot be forked."""
    trace, mutation, *arguments = sys.argv[1:]
    if trace:
        arguments += prepare(Path(trace), arguments)
    if mutation:
        from trials.mutations import MUTATIONS

        MUTATIONS[mutation].apply()
    sys.argv = ["social-scheduler", *arguments]
    from social_scheduler.cli import main as command

    command()


if __name__ == "__main__":
    main()
