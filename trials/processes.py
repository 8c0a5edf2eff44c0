"""Starts commands of the program as processes, kills them, stops and resumes them.

They are forked from a server that has the program loaded: loading takes longer than most of
what a trial wants to see. With `fresh` a new Python is started, for libraries that are
preloaded (a false clock).
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from trials import trace
from trials.trace import Where
from trials.worker import Orders, become

PATIENCE = 120.0
"""Seconds after which something that should have happened counts as not happening."""
SIGKILLED = -signal.SIGKILL
"""What a killed process ends with."""
_NUMBERS = itertools.count(1)
_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(
    [
        "trials.worker",
        "social_scheduler.cli",
        "social_scheduler.cli.workspace",
        "social_scheduler.worker",
        "social_scheduler.platforms.x.wire",
        "requests_oauthlib",
        "tweepy",
        "PIL.Image",
        "apscheduler.schedulers.background",
    ]
)


class NotInTime(Exception):
    """Something a trial waited for did not happen; the message says what."""


@dataclass(frozen=True)
class Done:
    """A command that ended: its exit code (-9: it was killed) and what it said."""

    code: int
    out: str
    err: str


class Process:
    """One command that is running."""

    def __init__(
        self,
        arguments: list[str],
        environment: dict[str, str],
        logs: Path,
        *,
        traced: bool = False,
        mutation: str = "",
        file_size: int = 0,
        fresh: bool = False,
    ) -> None:
        logs.mkdir(parents=True, exist_ok=True)
        base = logs / f"{next(_NUMBERS):05}-{arguments[0]}"
        self._out, self._err = base.with_suffix(".out"), base.with_suffix(".err")
        self.trace: Path | None = base.with_suffix(".trace") if traced else None
        if self.trace:
            trace.fresh(self.trace)
        self._process: subprocess.Popen[bytes] | multiprocessing.process.BaseProcess
        if fresh:
            command = [sys.executable, "-m", "trials.worker", str(self.trace or ""), mutation]
            with self._out.open("wb") as out, self._err.open("wb") as err:
                self._process = subprocess.Popen(
                    [*command, *arguments],
                    env=environment,
                    cwd=Path(__file__).resolve().parent.parent,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                )
        else:
            orders = Orders(
                arguments,
                environment,
                str(self._out),
                str(self._err),
                str(self.trace or ""),
                mutation,
                file_size,
            )
            self._process = _LOADED.Process(target=become, args=(orders,), daemon=True)
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def said(self) -> str:
        """What it wrote to standard error so far."""
        return _text(self._err)

    def running(self) -> bool:
        """Whether it has not ended yet."""
        process = self._process
        if isinstance(process, subprocess.Popen):
            return process.poll() is None
        return process.is_alive()

    def kill(self) -> None:
        """SIGKILL, as the kernel or a power cut would; returns when it is dead."""
        self._process.kill()
        self.wait()

    def signal(self, number: signal.Signals) -> None:
        """SIGSTOP, SIGCONT, SIGTERM."""
        os.kill(self.pid, number)

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """While the block runs, the process does not."""
        self.signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal(signal.SIGCONT)

    def where(self) -> Where:
        """Where it was when it died."""
        assert self.trace is not None
        return trace.where(self.trace)

    def wait_for(self, moment: str, patience: float = PATIENCE) -> bool:
        """Return when it has passed a named moment, has ended, or patience has; whether it has."""
        path = self.trace
        assert path is not None
        deadline = time.monotonic() + patience
        while self.running() and time.monotonic() < deadline:
            if trace.has_passed(path, moment):
                return True
            time.sleep(0.004)
        return False

    def wait(self, patience: float = PATIENCE) -> Done:
        """Its end; NotInTime (and its death) when it does not come."""
        process = self._process
        if isinstance(process, subprocess.Popen):
            try:
                code: int | None = process.wait(patience)
            except subprocess.TimeoutExpired:
                code = None
        else:
            process.join(patience)
            code = process.exitcode
        if code is None:
            process.kill()
            raise NotInTime(f"a command did not end: {self.said()[-2000:]}")
        return Done(code, _text(self._out), self.said())


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def wait_until(
    happened: Callable[[], bool], what: str, patience: float = PATIENCE, every: float = 0.02
) -> None:
    """Return as soon as it happened; NotInTime when it does not. Asks `every` so many seconds."""
    deadline = time.monotonic() + patience
    while not happened():
        if time.monotonic() > deadline:
            raise NotInTime(f"this did not happen: {what}")
        time.sleep(every)
