"""Starts the public commands as processes of their own, and says what came of them.

Most are forked from a process that has the program loaded, because loading takes far longer
than what the command does; `fresh` starts a new Python, as people's shells do.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

PATIENCE = 90.0
"""Seconds after which something that should have happened counts as not happening."""

_LOADED = multiprocessing.get_context("forkserver")
_LOADED.set_forkserver_preload(
    ["social_scheduler.cli", "social_scheduler.worker", "tweepy", "requests_oauthlib", "PIL.Image"]
)


@dataclass(frozen=True)
class Done:
    """A command that ended: its exit code (-9: it was killed) and what it said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON document it printed."""
        return json.loads(self.out)


class Started:
    """A command that is running; `pid` is its process."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, *, fresh: bool
    ) -> None:
        self._out, self._err = log.with_suffix(".out"), log.with_suffix(".err")
        self._process: subprocess.Popen[bytes] | multiprocessing.process.BaseProcess
        if fresh:
            command = [sys.executable, "-m", "social_scheduler", *arguments]
            with self._out.open("wb") as out, self._err.open("wb") as err:
                self._process = subprocess.Popen(
                    command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
                )
        else:
            told = (list(arguments), dict(environment), str(self._out), str(self._err))
            self._process = _LOADED.Process(target=_command, args=told)
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def said(self) -> str:
        """What it wrote to standard error so far."""
        return self._err.read_text(encoding="utf-8") if self._err.exists() else ""

    def running(self) -> bool:
        """Whether it has not ended yet."""
        process = self._process
        if isinstance(process, subprocess.Popen):
            return process.poll() is None
        return process.is_alive()

    def kill(self) -> None:
        """SIGKILL, as the kernel or a power cut would."""
        self._process.kill()

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """While the block runs, the process does not: what happens meanwhile comes before it."""
        os.kill(self.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.pid, signal.SIGCONT)

    def wait(self) -> Done:
        """Its end."""
        process = self._process
        if isinstance(process, subprocess.Popen):
            code = process.wait(PATIENCE)
        else:
            process.join(PATIENCE)
            if process.exitcode is None:
                process.kill()
                raise AssertionError(f"a command did not end: {self.said()}")
            code = process.exitcode
        return Done(code, self._out.read_text(encoding="utf-8"), self.said())


def wait_until(happened: Callable[[], bool], what: str) -> None:
    """Return as soon as it happened; fails when it does not."""
    deadline = time.monotonic() + PATIENCE
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"this did not happen: {what}")
        time.sleep(0.02)


def wait_until_past(moment: datetime) -> None:
    """Return when this moment has come."""
    wait_until(lambda: datetime.now(UTC) > moment, f"it became {moment}")


def _command(arguments: Sequence[str], environment: Mapping[str, str], out: str, err: str) -> None:
    """In the new process: become the command."""
    for path, number in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    sys.stderr.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["social-scheduler", *arguments]
    from social_scheduler.cli import main

    main()
