"""What it takes when nothing is due: processor time of the worker, memory of worker and desk."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from _engine_base import Base
from _engine_place import Place
from _engine_punctual import queued
from _engine_report import Row, load

PAGES = ("/", "/inbox", "/holds")


def idle(base: Base, database: str) -> list[Row]:
    """The real commands `work` and `serve`, with 1,000 posts queued for next week."""
    seconds = base.of(60, 15)
    with base.place(database, 50) as place:
        queued(place, 1000)
        place.settle()
        with (
            _command(place, "work") as worker,
            _command(place, "serve", "--port=0", "--json") as desk,
        ):
            _read_pages(place, desk)
            _wait_for_beat(place)
            time.sleep(5)  # its first looks are over
            used = _cpu(worker.pid)
            begun = time.monotonic()
            time.sleep(seconds)
            share = (_cpu(worker.pid) - used) / (time.monotonic() - begun)
            memory = [_pss(worker.pid), _pss(desk.pid)]
    return [
        Row(
            f"idle worker over {seconds} s, 1,000 posts queued for next week",
            database,
            f"{share:.2%} of a core",
            "< 0.5 %",
            share < 0.005,
            "Each second a tick reads one line of moments, and another asks what is to be looked "
            "at: what they cost is Python between the clock and the database.",
            load=load(),
        ),
        _memory_row(database, memory),
    ]


def _memory_row(database: str, memory: list[float | None]) -> Row:
    known = [each for each in memory if each is not None]
    if len(known) < len(memory):
        return Row("memory of worker and desk", database, "only Linux tells", load=load())
    return Row(
        "memory of worker and desk together (PSS), after a few pages",
        database,
        f"{sum(known):.0f} MB (worker {known[0]:.0f}, desk {known[1]:.0f})",
        "< 250 MB",
        sum(known) < 250,
        "Each is an interpreter with the libraries it needs.",
        load=load(),
    )


@contextmanager
def _command(place: Place, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "social_scheduler", *arguments, "--workspace", str(place.root)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def _read_pages(place: Place, desk: subprocess.Popen[str]) -> None:
    assert desk.stdout is not None
    said = desk.stdout.readline() + desk.stdout.readline()  # one JSON object
    found = re.search(r"http://[^\s\"]+", said)
    if found is None:
        raise SystemExit(f"the desk did not start: {said}")
    for page in PAGES:
        asked = urllib.request.Request(  # noqa: S310 - our own desk
            found[0].rstrip("/") + page, headers={"Cookie": f"session={place.session}"}
        )
        with urllib.request.urlopen(asked) as answer:  # noqa: S310
            answer.read()


def _wait_for_beat(place: Place) -> None:
    until = time.monotonic() + 30
    while not place.value("SELECT count(*) FROM worker WHERE heartbeat_at IS NOT NULL"):
        if time.monotonic() > until:
            raise SystemExit("the worker did not start")
        time.sleep(0.2)


def _cpu(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def _pss(pid: int) -> float | None:
    """MB: its own memory, and its share of what it has in common with others."""
    try:
        told = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return None
    found = re.search(r"^Pss:\s+(\d+) kB", told, re.M)
    return int(found[1]) / 1024 if found else None
