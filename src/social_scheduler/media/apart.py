"""Runs work on films in a process of its own, so that a hostile file harms and delays nothing else."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, Final

from social_scheduler.media.problems import FilmError

Progress = Callable[[float], None]
"""Told now and then how much of the work is done, from 0 to 1."""

MEMORY: Final = 3 << 30
_LINE = 10_000
_CORES = 4
_KEPT = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "SYSTEMROOT", "LD_LIBRARY_PATH", "TMPDIR")
"""Of the environment: no key or token of ours is among it."""
_HARM = "it is damaged, or made to do harm"
_OTHER = "export the film again as MP4 (H.264 and AAC), or use another one"


def work(
    name: str,
    source: BinaryIO,
    wish: dict[str, Any],
    *,
    seconds: float,
    out: int | None = None,
    out_bytes: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Have inside.py do one of its works on an open file; what it came to.

    It is given no keys, and can open no connection and no other file; it has `seconds`, MEMORY, and
    may write `out_bytes` into `out`. Raises FilmError.
    """
    ends = time.monotonic() + seconds
    bounds = {"cpu": int(seconds * _CORES) + 1, "memory": MEMORY, "bytes": out_bytes}
    asked = json.dumps({"work": name, "bounds": bounds, "out": out, "wish": wish})
    source.seek(0)
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "social_scheduler.media.inside", asked],
        stdin=source.fileno(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=() if out is None else (out,),
        env={key: value for key, value in os.environ.items() if key in _KEPT},
        start_new_session=True,
    )
    result: dict[str, Any] = {}
    late = True
    try:
        with contextlib.suppress(_LateError, subprocess.TimeoutExpired):
            result = _listen(process, progress, ends)
            process.wait(max(0.0, ends - time.monotonic()))
            late = False
    finally:
        _stop(process)
    return _judged(result, late, process.returncode, seconds)


class _LateError(Exception):
    """Its time is over, and somebody may still say something."""


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End it and what it has started: its group is its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left of it
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _lines(process: subprocess.Popen[bytes], ends: float) -> Iterator[bytes]:
    """What it says, line by line, until nobody is left who could say more."""
    pipe = process.stdout.fileno() if process.stdout else -1
    rest = b""
    with selectors.DefaultSelector() as waiting:
        waiting.register(pipe, selectors.EVENT_READ)
        while (left := ends - time.monotonic()) > 0 and waiting.select(left):
            if not (said := os.read(pipe, _LINE)):
                return
            *lines, rest = (rest + said).split(b"\n")
            yield from lines
            if len(rest) > _LINE:
                yield rest  # too long to be a line of ours
                return
    raise _LateError


def _listen(
    process: subprocess.Popen[bytes], progress: Progress | None, ends: float
) -> dict[str, Any]:
    """The last line that says what it came to; told shares are passed on."""
    result: dict[str, Any] = {}
    for line in _lines(process, ends):
        try:
            told = json.loads(line)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise FilmError(_HARM, _OTHER)
        share = told.get("done")
        if isinstance(share, (int, float)):
            if progress:
                progress(min(1.0, max(0.0, float(share))))
        else:
            result = told
    return result


def _judged(result: dict[str, Any], late: bool, code: int, seconds: float) -> dict[str, Any]:
    if isinstance(result.get("problem"), str):
        raise FilmError(result["problem"], str(result.get("remedy") or _OTHER))
    if late or (code != 0 and -code in (24, 9)):  # SIGXCPU, SIGKILL
        raise FilmError(f"working on it took longer than {seconds:,.0f} seconds", _OTHER)
    if code > 0:  # it ended with an error of ours, or could not begin
        raise FilmError(
            "the process that works on films failed",
            "see that social-scheduler[video] is installed whole, or export the film again",
        )
    if code != 0 or not result:
        raise FilmError(_HARM, _OTHER)
    return result
