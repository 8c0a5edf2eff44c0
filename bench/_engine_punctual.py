"""How punctual it is: one post in a long queue, a thousand accounts at once, ten posts in a row."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from _engine_base import Base
from _engine_copies import Span
from _engine_crew import crew, drained, lateness, percentile, spread
from _engine_place import Place, soon
from _engine_report import Row, load

ANSWER = 0.1
"""Seconds a call takes, where it takes any."""
STEP = timedelta(milliseconds=97)
"""Between single posts: no divisor of the clock's second."""
TEMPLATE = 100
"""Posts that people approve before they are copied."""
LONG = 3600.0
"""Seconds of a window that does not matter."""


def queued(place: Place, count: int) -> None:
    """So many posts for next week."""
    accounts = [n % 50 for n in range(TEMPLATE)]
    template = place.approved(accounts)
    if count > TEMPLATE:
        place.copied(template, count // TEMPLATE - 1, soon(7 * 24 * 3600))


def one(base: Base, database: str) -> list[Row]:
    """Single posts, due → called, with many others queued."""
    others, count = base.of(100_000, 5_000), base.of(300, 60)
    with base.place(database, 50) as place:
        queued(place, others)
        template = place.approved([0])
        first = soon(15 + count * 0.02)
        spans = [place.copied(template, 1, first + STEP * n) for n in range(count)]
        place.settle()
        with crew(place, ["worker"], "--tell-idle", go=True) as working:
            working.idle()
            last = first + STEP * count
            time.sleep((last - datetime.now(UTC)).total_seconds())  # asks nothing meanwhile
            drained(place, working, _all(spans))
            working.end()
        calls = working.calls()
        late = [s * 1000 for _, s in lateness(place, _all(spans), calls)]
    p50, p99 = percentile(late, 50), percentile(late, 99)
    return [
        Row(
            f"one post, due → called, {others:,} others queued",
            database,
            f"p50 {p50:.1f} ms, p99 {p99:.1f} ms (least {min(late):.1f}, most {max(late):.1f}; "
            f"{len(late)} posts)",
            "p50 ≤ 5 ms, p99 ≤ 20 ms, never early",
            p50 <= 5 and p99 <= 20 and min(late) >= 0,
            "At the due time the last look, the intent's commit and the journal's flush remain; "
            "each waits for a processor when others use it.",
            load=load(),
        )
    ]


def _all(spans: list[Span]) -> Span:
    return Span((spans[0].posts[0], spans[-1].posts[1]), (spans[0].deliveries[0], spans[-1].deliveries[1]))  # fmt: skip


def crowd(base: Base, database: str) -> list[Row]:
    """Many accounts, one post each, all due at the same moment; answers take their time."""
    accounts, rounds = base.of(1000, 200), 3
    with base.place(database, accounts, calls_at_once=512) as place:
        template = place.approved(range(accounts))
        # The first round is a worker's first word on each account: it asks whose keys they are.
        first, apart = soon(12), timedelta(seconds=base.of(15, 10))
        spans = [place.copied(template, 1, first + apart * n) for n in range(rounds)]
        place.settle()
        with crew(place, ["worker"], f"--answer={ANSWER}", go=True) as working:
            for span in spans:
                drained(place, working, span)
            working.end()
        calls = working.calls()
        late = [[s * 1000 for _, s in lateness(place, span, calls)] for span in spans]
    p99s = [percentile(each, 99) for each in late[1:]]
    halves = [percentile(each, 50) for each in late[1:]]
    what = f"{accounts:,} accounts, one post each due in the same second, answers in 100 ms"
    cold = late[0]
    return [
        Row(
            what,
            database,
            f"p99 {spread(p99s)} ms after due; p50 {spread(halves)} ms; "
            f"least {min(min(each) for each in late):.0f} ms",
            "p99 ≤ 500 ms, never early",
            max(p99s) <= 500 and min(min(each) for each in late) >= 0,
            "Everything is claimed ahead; what remains is the last look and intent of each, by "
            "20 a commit in one thread, while the threads that call want the same processor.",
            load=load(),
        ),
        Row(
            f"the same, first word of a worker that has just started ({accounts:,} × whose keys?)",
            database,
            f"p50 {percentile(cold, 50):,.0f} ms, p99 {percentile(cold, 99):,.0f} ms",
            load=load(),
        ),
    ]


def row_of_ten(base: Base, database: str) -> list[Row]:
    """Ten posts on one account, due at one moment: each begins when the one before is over."""
    rounds = base.of(5, 3)
    with base.place(database, 10) as place:
        template = place.approved([0] * 10)
        first = soon(10)
        spans = [place.copied(template, 1, first + timedelta(seconds=4 * n)) for n in range(rounds)]
        place.settle()
        with crew(place, ["worker"], f"--answer={ANSWER}", go=True) as working:
            drained(place, working, _all(spans))
            working.end()
        calls = working.calls()
        over = [
            max((s - k * ANSWER) * 1000 for k, (_, s) in enumerate(lateness(place, span, calls)))
            for span in spans
        ]
    return [
        Row(
            "ten posts on one account, same second: start beyond k × answer time, k = 0…9",
            database,
            f"{spread(over)} ms at most",
            "≤ 100 ms",
            max(over) <= 100,
            "Between two posts of an account lie the outcome's journal line and commit, and the "
            "next one's last look and intent.",
            load=load(),
        )
    ]
