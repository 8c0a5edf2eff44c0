"""How much it carries: deliveries a second, with one worker and many, and in a queue that grows."""

from __future__ import annotations

import statistics
from contextlib import ExitStack

from _engine_base import POSTGRESQL, SQLITE, Base
from _engine_copies import Span
from _engine_crew import Crew, crew, drained, seconds_taken, spread, states
from _engine_peer import pgqueuer
from _engine_place import Place, soon
from _engine_punctual import TEMPLATE, queued
from _engine_report import Row, load

ACCOUNTS = 500
BARS = {SQLITE: 5000, POSTGRESQL: 3000}
TEN = [f"worker-{n}" for n in range(1, 11)]


def rate(base: Base, database: str) -> list[Row]:
    """Everything is due; from the first claim to the last outcome, reading back meanwhile."""
    count, repeat = base.of(10_000, 2_000), base.of(3, 2)
    # An account is one worker's at a time: many workers need many accounts.
    accounts = ACCOUNTS if database == SQLITE else base.of(2_000, 1_000)
    rows = []
    with base.place(database, accounts) as place:
        template, times = place.approved(range(accounts)), count // accounts
        rows.append(_rate_row(place, database, template, times, repeat, ["worker"]))
        if database == POSTGRESQL:
            place.enrol(TEN)
            rows.append(_rate_row(place, database, template, times, repeat, TEN[:2]))
            rows.append(_ten_row(place, template, times))
            rows.append(_peer_row(base, base.of(10_000, 4_000)))
    return rows


def _rate_row(
    place: Place, database: str, template: Span, times: int, repeat: int, names: list[str]
) -> Row:
    rates, proved, shares, used = [], [], "", 0.0
    for _ in range(repeat):
        span, working = _publish(place, template, times, names, "--threads")
        rates.append(len(span) / seconds_taken(place, span))
        proved.append(len(span) / seconds_taken(place, span, proved=True))
        shares, used = _threads(working, len(span))
    workers = "one worker" if len(names) == 1 else f"{len(names)} workers"
    bar = BARS[database]
    judged = len(names) == 1
    return Row(
        f"full pipeline, a module that does nothing, {workers}",
        database,
        f"{spread(rates)} deliveries/s; until read back too {statistics.median(proved):,.0f}/s",
        f"≥ {bar:,}/s" if judged else "",
        statistics.median(rates) >= bar if judged else None,
        _limit(used * statistics.median(rates), len(names)),
        [f"processor time of each thread, µs a delivery (last run): {shares}"] if shares else [],
        load(),
    )


def _limit(busy: float, workers: int) -> str:
    """Whether its own Python is what limits, or something it waits for. `busy` is in cores."""
    told = (
        f"The workers used {busy:.0%} of a core: "
        if workers > 1
        else f"It used {busy:.0%} of a core: "
    )
    if busy / workers >= 0.7:
        return told + (
            "one interpreter runs one thread at a time, so what a delivery costs in Python is "
            "what limits (see the profile)."
        )
    return told + (
        "it mostly waited, for a processor that others used (see the load), for the disk, or "
        "for its next claim."
    )


def _threads(working: Crew, count: int) -> tuple[str, float]:
    """Each thread's share in words; seconds of all of them for one delivery."""
    told: dict[str, float] = {}
    for one in working.found:
        for name, seconds in one["threads"].items():
            told[name] = told.get(name, 0.0) + seconds
    words = ", ".join(f"{name} {s / count * 1e6:.0f}" for name, s in told.items() if s)
    return words, sum(told.values()) / count


def _publish(
    place: Place, template: Span, times: int, names: list[str], *options: str
) -> tuple[Span, Crew]:
    span = place.copied(template, times, soon(-1))
    place.settle()
    with crew(place, names, *options, go=True) as working:
        drained(place, working, span, proved=True)
        working.end()
    return span, working


def _ten_row(place: Place, template: Span, times: int) -> Row:
    """Ten workers: how much, and whether anything was said twice."""
    span, working = _publish(place, template, times, TEN)
    calls = [number for one in working.found for number, _ in one["calls"]]
    kept = [
        row[0]
        for row in place.rows(
            "SELECT remote_id FROM part WHERE delivery_id BETWEEN :first AND :last",
            first=span.deliveries[0],
            last=span.deliveries[1],
        )
    ]
    doubled = len(calls) - len(set(kept) & set(calls))
    lost = len(span) - len(set(kept) & set(calls))
    spoke = sum(bool(one["calls"]) for one in working.found)
    return Row(
        f"ten workers, {len(span):,} posts: said twice, not said",
        POSTGRESQL,
        f"{doubled} doubled, {lost} not said; {len(span) / seconds_taken(place, span):,.0f} "
        f"deliveries/s by {spoke} workers",
        "0 doubled",
        doubled == 0 and lost == 0,
        "",
        [f"{len(calls):,} calls, {len(set(kept)):,} different answers in the database, "
         f"states {states(place, span)}"],
        load(),
    )  # fmt: skip


def _peer_row(base: Base, count: int) -> Row:
    server = base.server()
    rates = []
    for _ in range(base.of(2, 1)):
        name = server.create()
        try:
            rates.append(pgqueuer(server.address(name), count))
        finally:
            server.drop(name)
    return Row(
        "for orientation: pgqueuer, jobs that do nothing, batches of 100 (it repeats a job that "
        "was cut off; no approvals, journal or proofs)",
        POSTGRESQL,
        f"{spread(rates)} jobs/s",
        load=load(),
    )


def growth(base: Base, database: str) -> list[Row]:
    """What a post costs among few and among many, in turns, so that both see the same weather."""
    sizes = [1_000, base.of(100_000, 20_000)] + [1_000_000] * base.million
    times, repeat = base.of(20, 5), base.of(5, 3)
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    with ExitStack() as stack:
        places = []
        for size in sizes:
            place = stack.enter_context(base.place(database, TEMPLATE))
            queued(place, size)
            places.append((size, place, place.approved(range(TEMPLATE))))
        for _ in range(repeat):
            for size, place, template in places:
                span, _ = _publish(place, template, times, ["worker"])
                costs[size].append(seconds_taken(place, span) / len(span) * 1e6)
    few = statistics.median(costs[sizes[0]])
    rows = []
    for size in sizes[1:]:
        ratio = statistics.median(costs[size]) / few
        judged = size != 1_000_000
        rows.append(
            Row(
                f"cost of a post, {sizes[0]:,} → {size:,} queued",
                database,
                f"{ratio:.2f} × ({spread(costs[sizes[0]])} → {spread(costs[size])} µs)",
                "≤ 1.3 ×" if judged else "",
                ratio <= 1.3 if judged else None,
                "Indexes and tables that outgrow what the processor keeps near.",
                load=load(),
            )
        )
    return rows
