"""What a delivery costs, act by act: the Publisher in one thread, intents by 20, outcomes by 200."""

from __future__ import annotations

import cProfile
import pstats
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from _engine_base import Base
from _engine_crew import spread
from _engine_place import soon
from _engine_report import Row, load

from social_scheduler.services.calling import Begun, Ready
from social_scheduler.services.publish import INTENTS_AT_ONCE, Publisher

ACCOUNTS = 500
OUTCOMES = 200
TOP = 14


def acts(base: Base, database: str) -> list[Row]:
    """µs a delivery by act without a profiler, then where the time goes with one."""
    times, repeat = base.of(8, 2), base.of(3, 1)
    spent: dict[str, list[tuple[float, float]]] = {}
    with base.place(database, ACCOUNTS) as place:
        template = place.approved(range(ACCOUNTS))
        publisher = Publisher(place.context, "worker")
        place.context.journal.require(place.context.uid)
        with place.context.journal.alone():
            for _ in range(repeat):
                place.copied(template, times, soon(-1))
                place.settle()
                for act, cost in _drive(publisher).items():
                    spent.setdefault(act, []).append(cost)
            place.copied(template, times, soon(-1))
            place.settle()
            profile = cProfile.Profile(time.process_time)
            profile.enable()
            _drive(publisher)
            profile.disable()
    clock, cpu = (
        [sum(cost[n] for cost in run) for run in zip(*spent.values(), strict=True)] for n in (0, 1)
    )
    by_act = ", ".join(
        f"{act} {statistics.median(c for c, _ in costs):.0f} / "
        f"{statistics.median(p for _, p in costs):.0f}"
        for act, costs in spent.items()
    )
    return [
        Row(
            "a delivery in one thread: time / processor time of ours",
            database,
            f"{spread(clock)} / {spread(cpu)} µs",
            more=[f"by act, µs: {by_act}", *_found(profile, times * ACCOUNTS)],
            load=load(),
        )
    ]


def _drive(publisher: Publisher) -> dict[str, tuple[float, float]]:
    """Publish everything that is due; µs a delivery by act: by the clock, of the processor."""
    spent: dict[str, tuple[float, float]] = {}
    count = 0

    @contextmanager
    def counted(act: str) -> Iterator[None]:
        clock, cpu = time.perf_counter(), time.thread_time()
        yield
        before = spent.get(act, (0.0, 0.0))
        spent[act] = (
            before[0] + time.perf_counter() - clock,
            before[1] + time.thread_time() - cpu,
        )

    while True:
        with counted("claim"):
            turns = publisher.claim_due()
        if not turns:
            return {a: (c / count * 1e6, p / count * 1e6) for a, (c, p) in spent.items()}
        count += len(turns)
        with counted("ready"):
            ready = [publisher.make_ready(turn) or [] for turn in turns]
        for low in range(0, len(ready), OUTCOMES):
            begun: list[Begun] = []
            for first in range(low, min(low + OUTCOMES, len(ready)), INTENTS_AT_ONCE):
                with counted("look, intent, journal"):
                    begun += publisher.begin(_some(ready, first, low + OUTCOMES))
            with counted("call"):
                ended = [(one, publisher.caller.call(one)) for one in begun]
            with counted("outcome: journal"):
                publisher.keep(ended)
            with counted("outcome: database"):
                publisher.settle(ended)


def _some(ready: list[list[Ready]], first: int, end: int) -> list[list[Ready]]:
    return ready[first : min(first + INTENTS_AT_ONCE, end)]


def _found(profile: cProfile.Profile, count: int) -> list[str]:
    """Whose code the time goes to, and the functions with the most time of their own."""
    found = pstats.Stats(profile).get_stats_profile().func_profiles
    whole = sum(each.tottime for each in found.values())
    shares: dict[str, float] = {}
    for name, each in found.items():
        whose = _whose(name, each.file_name)
        shares[whose] = shares.get(whose, 0.0) + each.tottime / whole
    lines = [
        f"cProfile in the same thread: {whole / count * 1e6:.0f} µs of processor a delivery, "
        "the profiler's own work included; of these " + _list(shares)
    ]
    for name, each in sorted(found.items(), key=lambda one: -one[1].tottime)[:TOP]:
        path = Path(each.file_name)
        where = "" if each.file_name == "~" else f" ({path.parent.name}/{path.name})"
        share = each.tottime / whole
        lines.append(f"{share:5.1%} own, {each.cumtime / whole:5.1%} with callees: {name}{where}")
    return [*lines, _next(shares)]


def _whose(name: str, file: str) -> str:
    if any(driver in name + file for driver in ("sqlite3", "psycopg", "greenlet")):
        return "the driver and the database behind it"
    for part, whose in (("sqlalchemy", "SQLAlchemy"), ("social_scheduler", "ours")):
        if part in name + file:
            return whose
    return "Python's own" if "site-packages" not in file else "other libraries"


def _list(shares: dict[str, float]) -> str:
    return ", ".join(f"{n} {s:.0%}" for n, s in sorted(shares.items(), key=lambda one: -one[1]))


def _next(shares: dict[str, float]) -> str:
    least = 1 - shares.get("SQLAlchemy", 0.0)
    return (
        f"The next doubling: SQL written by hand would save SQLAlchemy's share at most (× "
        f"{1 / least:.1f}) and costs one code for two databases; beyond that it takes a second "
        "interpreter: on PostgreSQL another worker on another core, on SQLite a second process "
        "that looks and calls while the first one writes."
    )
