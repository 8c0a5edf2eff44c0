"""Worker processes of `bench/engine.py`, and what they did to a span of deliveries."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from _engine_copies import Span
from _engine_place import Place

HERE = Path(__file__).parent


@dataclass
class Crew:
    """Workers of one place. They begin when told, so that their start is nobody's delay."""

    processes: list[subprocess.Popen[str]]
    found: list[dict[str, Any]] = field(default_factory=list)
    """After the end: what each worker found (see _engine_worker.py)."""

    def go(self) -> None:
        """Begin."""
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write("go\n")
            process.stdin.flush()

    def idle(self) -> None:
        """Wait for every worker's own sign that nothing is due or to be looked at soon."""
        for process in self.processes:
            self._hear(process, "idle")

    def all_run(self) -> bool:
        """Whether no worker has ended by itself."""
        return all(process.poll() is None for process in self.processes)

    def end(self) -> None:
        """Stop them; what they found is in `found`."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            said, _ = process.communicate(timeout=120)
            self.found.append(json.loads(said.splitlines()[-1]))

    def calls(self) -> dict[str, int]:
        """After the end: remote id → when the module was called (POSIX ns)."""
        return {number: at for one in self.found for number, at in one["calls"]}

    @staticmethod
    def _hear(process: subprocess.Popen[str], word: str) -> None:
        assert process.stdout is not None
        said = process.stdout.readline().strip()
        if said != word:
            raise SystemExit(f"a worker said {said!r}, not {word!r}")


@contextmanager
def crew(
    place: Place, names: Sequence[str] = ("worker",), *options: str, go: bool = False
) -> Iterator[Crew]:
    """Workers for as long as the block lasts."""
    processes = [
        subprocess.Popen(
            [sys.executable, str(HERE / "_engine_worker.py"), str(place.root), "--name", name,
             *options],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ,
        )
        for name in names
    ]  # fmt: skip
    working = Crew(processes)
    try:
        for process in processes:
            working._hear(process, "ready")
        if go:
            working.go()
        yield working
    finally:
        for process in processes:
            process.kill()
            process.wait()


def drained(
    place: Place, working: Crew, span: Span, *, within: float = 300, proved: bool = False
) -> None:
    """Wait until nothing of a span is waiting or being sent (or, `proved`, unread)."""
    first, last = span.deliveries
    queries = [
        "SELECT EXISTS (SELECT 1 FROM delivery WHERE id BETWEEN :first AND :last"
        " AND state IN ('scheduled', 'leased', 'sending'))"
    ]
    if proved:
        queries.append(
            "SELECT EXISTS (SELECT 1 FROM delivery d LEFT JOIN proof p ON p.delivery_id = d.id"
            " WHERE d.id BETWEEN :first AND :last AND p.verdict IS NULL)"
        )
    until = time.monotonic() + within
    for query in queries:
        # The last ones first: what is not done yet is found at once there.
        for low in (max(first, last - 20), first):
            while place.value(query, first=low, last=last):
                if time.monotonic() > until or not working.all_run():
                    raise SystemExit(
                        f"a worker ended, or took over {within:.0f} s: {states(place, span)}"
                    )
                time.sleep(0.25)


def states(place: Place, span: Span) -> dict[str, int]:
    """How many deliveries of a span are in which state."""
    rows = place.rows(
        "SELECT state, count(*) FROM delivery WHERE id BETWEEN :first AND :last GROUP BY state",
        first=span.deliveries[0],
        last=span.deliveries[1],
    )
    return {str(row[0]): int(row[1]) for row in rows}


def seconds_taken(place: Place, span: Span, *, proved: bool = False) -> float:
    """From the first claim to the last outcome in the database (or, `proved`, reading back)."""
    last = (
        "max(checked_at) FROM proof WHERE verdict IS NOT NULL AND"
        if proved
        else "max(finished_at) FROM attempt WHERE"
    )
    return float(
        place.value(
            f"SELECT ((SELECT {last} delivery_id BETWEEN :first AND :last)"  # noqa: S608 - ours
            " - (SELECT min(at) FROM history WHERE step = 'claim'"
            " AND delivery_id BETWEEN :first AND :last)) / 1e6",
            first=span.deliveries[0],
            last=span.deliveries[1],
        )
    )


def lateness(place: Place, span: Span, calls: dict[str, int]) -> list[tuple[int, float]]:
    """(account, seconds from due to call) of every delivery of a span, by the call's moment.

    A delivery that was never called is a fault of the measurement, and ends it.
    """
    rows = place.rows(
        "SELECT d.account_id, d.due_at, p.remote_id FROM delivery d JOIN part p"
        " ON p.delivery_id = d.id WHERE d.id BETWEEN :first AND :last",
        first=span.deliveries[0],
        last=span.deliveries[1],
    )
    if missing := [row for row in rows if row[2] not in calls]:
        raise SystemExit(f"{len(missing)} were not called: {states(place, span)}")
    late = [(int(row[0]), (calls[row[2]] - row[1] * 1000) / 1e9) for row in rows]
    return sorted(late, key=lambda one: one[1])


def percentile(values: Sequence[float], percent: float) -> float:
    """The value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def spread(values: Sequence[float], digits: int = 0, unit: str = "") -> str:
    """Median, and in brackets the least and the most."""
    told = f"{statistics.median(values):,.{digits}f}{unit}"
    if len(values) > 1:
        told += f" ({min(values):,.{digits}f}–{max(values):,.{digits}f}, {len(values)} runs)"
    return told
