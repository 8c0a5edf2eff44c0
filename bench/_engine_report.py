"""What a run of `bench/engine.py` found: lines for the terminal, and the page docs/engine-speed.md."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


@dataclass
class Row:
    """One figure beside its bar."""

    what: str
    database: str
    figure: str
    bar: str = ""
    met: bool | None = None
    """None where there is no bar."""
    limit: str = ""
    """When it is not met: what limits it."""
    more: list[str] = field(default_factory=list)
    """Lines below the table."""
    load: str = ""

    @property
    def verdict(self) -> str:
        """In words."""
        return {None: "", True: "met", False: "**not met**"}[self.met]


def load() -> str:
    """The machine's load average over the last minute."""
    return f"{os.getloadavg()[0]:.1f}"


def show(rows: Sequence[Row]) -> None:
    """On the terminal, as soon as it is known."""
    for row in rows:
        met = {None: "", True: "met", False: "NOT MET"}[row.met]
        bar = f"  [bar: {row.bar}]" if row.bar else ""
        print(f"  {row.what}, {row.database}: {row.figure}{bar} {met}  (load {row.load})")
        for line in row.more:
            print(f"      {line}")
        if row.met is False and row.limit:
            print(f"      {row.limit}")
    sys.stdout.flush()


def machine() -> dict[str, str]:
    """What the figures depend on."""
    return {
        "processor cores": str(os.cpu_count()),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}, {platform.machine()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "SQLAlchemy": version("sqlalchemy"),
        "psycopg": version("psycopg"),
        "flushes of the disk (fdatasync of 4 kB)": f"{_flushes():,.0f} a second",
        "load at the start": load(),
    }


def _memory() -> str:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return f"{total / 2**30:.0f} GB"


def _flushes(seconds: float = 1.0) -> float:
    with tempfile.TemporaryFile() as file:
        begun, count = time.monotonic(), 0
        while time.monotonic() - begun < seconds:
            os.pwrite(file.fileno(), b"x" * 4096, count % 256 * 4096)
            getattr(os, "fdatasync", os.fsync)(file.fileno())
            count += 1
        return count / (time.monotonic() - begun)


def write_page(path: Path, facts: dict[str, str], rows: Sequence[Row], options: str) -> None:
    """The page of one run."""
    with_bar = [row for row in rows if row.met is not None]
    missed = [row for row in with_bar if row.met is False]
    command = " ".join(["python3 dev.py bench engine --write", options]).strip()
    parts = [
        "# How fast the engine is",
        "<!-- Written by `python3 dev.py bench engine --write`; do not edit. -->",
        "Every figure below was measured in one run, with the real worker, all its evidence "
        "(intents, journal, history, proofs) and every flush of the disk; only the network is "
        "one that says everything at once, or after a set time. Workers, database and what "
        "measures share this machine.",
        f"{len(with_bar) - len(missed)} of {len(with_bar)} bars were met.",
        "| | |\n| --- | --- |\n"
        + "\n".join(f"| {name} | {value} |" for name, value in facts.items()),
        "## Figures",
        "| what | database | measured | bar | | load |\n| --- | --- | --- | --- | --- | ---: |\n"
        + "\n".join(
            f"| {r.what} | {r.database} | {r.figure} | {r.bar} | {r.verdict} | {r.load} |"
            for r in rows
        ),
        "*Load* is the machine's load average when the measurement ended; above the number of "
        "cores, others were waiting for the processor too. Where something was repeated, the "
        "median is given, and in brackets the least and the most.",
    ]
    if missed:
        parts += ["## What limits it", "\n".join(f"- {_said(row)}" for row in missed)]
    if told := [row for row in rows if row.more]:
        parts.append("## More of the same run")
        parts += [f"{r.what}, {r.database}:\n\n" + "\n".join(_indented(r)) for r in told]
    parts += [
        "## Again",
        f"This run: `{command}`, at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. "
        "`--quick` is smaller, `--only NAME` repeats one measurement, `--million` adds a queue "
        "of 1,000,000. [How the engine works](engine.md).",
    ]
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _said(row: Row) -> str:
    return f"{row.what}, {row.database}: {row.figure} (bar: {row.bar}). {row.limit}".strip()


def _indented(row: Row) -> list[str]:
    return [f"    {line}" for line in row.more]
