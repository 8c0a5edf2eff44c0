"""How soon a hold holds, with ten workers in the middle of a crowd."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from _engine_base import POSTGRESQL, Base
from _engine_copies import Span
from _engine_crew import Crew, crew, drained, spread, states
from _engine_place import Place, soon
from _engine_punctual import ANSWER
from _engine_rate import TEN
from _engine_report import Row, load

from social_scheduler.services.hold import add_hold, release_hold

ACCOUNTS = 500


@dataclass(frozen=True)
class Held:
    """One hold in a crowd. Moments in POSIX ns."""

    span: Span
    asked: int
    committed: int


def hold(base: Base, database: str) -> list[Row]:
    """Hold committed → the last call that begins after it."""
    names = TEN if database == POSTGRESQL else ["worker"]
    times, repeat = base.of(20, 8), base.of(3, 2)
    with base.place(database, ACCOUNTS) as place:
        if database == POSTGRESQL:
            place.enrol(names)
        template = place.approved(range(ACCOUNTS))
        place.settle()
        with crew(place, names, f"--answer={ANSWER}", go=True) as working:
            rounds = [_round(place, working, template, times) for _ in range(repeat)]
            working.end()
        calls = working.calls()
        found = [_told(place, held, calls) for held in rounds]
    after = [ms for ms, _ in found]
    waited = [(held.committed - held.asked) / 1e6 for held in rounds]
    return [
        Row(
            f"hold committed → last call begun, {len(names)} worker{'s' * (len(names) > 1)}",
            database,
            f"{spread(after)} ms after it; placing it took {spread(waited)} ms",
            "≤ 1,000 ms",
            max(after) <= 1000,
            "A call may begin until one second after its last look, never later.",
            [line for _, line in found],
            load(),
        )
    ]


def _round(place: Place, working: Crew, template: Span, times: int) -> Held:
    span = place.copied(template, times, soon(3), late=60)
    time.sleep(3 + 1.0)  # in the middle of it
    duty = place.actors["noor"]
    asked = time.time_ns()
    placed = add_hold(place.context, duty, scope="everything", value="", reason="bench")
    committed = time.time_ns()
    drained(place, working, span, within=120)
    release_hold(place.context, duty, placed.id)
    return Held(span, asked, committed)


def _told(place: Place, held: Held, calls: dict[str, int]) -> tuple[float, str]:
    """(ms from the commit to the last call, 0 when none began after it; what was under way)."""
    rows = place.rows(
        "SELECT p.remote_id, d.state FROM part p JOIN delivery d ON d.id = p.delivery_id"
        " WHERE d.id BETWEEN :first AND :last AND p.remote_id IS NOT NULL",
        first=held.span.deliveries[0],
        last=held.span.deliveries[1],
    )
    begun = {row[0]: calls[row[0]] for row in rows}
    outcome = {row[0]: row[1] for row in rows}
    under_way = [n for n, at in begun.items() if at <= held.committed < at + ANSWER * 1e9]
    after = [at - held.committed for at in begun.values() if at > held.committed]
    ended = Counter(outcome[n] for n in under_way)
    said = ", ".join(f"{n} {state}" for state, n in ended.items()) or "none"
    return max(after, default=0) / 1e6, (
        f"{len(begun) - len(after)} calls began before the commit; under way then: {said}. "
        f"{len(after)} began after it. All in all: {states(place, held.span)}"
    )
