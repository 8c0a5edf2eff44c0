"""Deliberately broken engines: each must be caught by the judge, or the judge is worth nothing.

A mutation patches the engine inside a trial's worker process, and nowhere else: the product
has no such switch.
"""

from __future__ import annotations

import dataclasses
import functools
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from trials.result import Result


@dataclass(frozen=True)
class Mutation:
    """A named way to break the engine, and the trial that must catch it."""

    about: str
    trial: str
    apply: Callable[[], None]
    kinds: Collection[str]
    """What the judge must find; other findings alone do not count as caught."""
    database: str = "sqlite"
    short: bool = True
    """Whether a sample of the trial shows it; the whole trial shows it more often."""


def _everywhere(original: Any, replacement: Any) -> None:
    """Replace a function in every module of the engine that has imported it."""
    for name, module in list(sys.modules.items()):
        if name.startswith("social_scheduler"):
            for key, value in list(vars(module).items()):
                if value is original:
                    setattr(module, key, replacement)


def _retry_until_success() -> None:
    from social_scheduler.services.calling import Caller

    call = Caller.call

    @functools.wraps(call)
    def again_and_again(self: Caller, begun: Any) -> Any:
        outcome = call(self, begun)
        tries = 0
        while outcome.outcome == "unconfirmed" and tries < 3:
            tries += 1
            fresh = dataclasses.replace(
                begun, written=self.monotonic(), looked_at=self.context.now()
            )
            outcome = call(self, fresh)
        return outcome

    Caller.call = again_and_again  # type: ignore[method-assign]


def _mark_sent_first() -> None:
    from social_scheduler.journal import Outcome
    from social_scheduler.services.publish import Publisher

    begin = Publisher.begin

    @functools.wraps(begin)
    def begin_and_mark(self: Publisher, turns: Any) -> Any:
        begun = begin(self, turns)
        marks = [
            (
                each,
                Outcome(
                    each.ready.claim.delivery_id,
                    each.ready.claim.fence,
                    each.call.number,
                    "published",
                    remote_id="0",
                    url="",
                ),
            )
            for each in begun
        ]
        if marks:
            self.keep(marks)
            self.settle(marks)
        return begun

    def settled_before(self: Publisher, ended: Any) -> list[Any]:
        """Only the address that is known now is added."""
        from sqlalchemy import text

        with self.context.database.work() as tx:
            for _, outcome in ended:
                if outcome.remote_id:
                    tx.execute(
                        text(
                            "UPDATE part SET remote_id = :remote_id, url = :url"
                            " WHERE delivery_id = :delivery AND number = :part"
                        ),
                        {
                            "remote_id": outcome.remote_id,
                            "url": outcome.url,
                            "delivery": outcome.delivery,
                            "part": outcome.part,
                        },
                    )
        return [
            begun.ready.claim
            for begun, outcome in ended
            if outcome.outcome == "published" and begun.call.number < len(begun.call.message.parts)
        ]

    settle = Publisher.settle

    def settle_twice(self: Publisher, ended: Any) -> list[Any]:
        first = all(outcome.remote_id == "0" for _, outcome in ended)
        return settle(self, ended) if first else settled_before(self, ended)

    Publisher.begin = begin_and_mark  # type: ignore[method-assign]
    Publisher.settle = settle_twice  # type: ignore[method-assign]


def _approval_not_checked() -> None:
    from sqlalchemy import true

    from social_scheduler.services import last_look
    from social_scheduler.services.approval import judge_language
    from social_scheduler.store import due

    judge, of_state = judge_language, last_look._of_state

    def content(*arguments: Any, **options: Any) -> Any:
        verdict = judge(*arguments, **options)
        yes = dataclasses.replace(verdict.verdict, required=0, window=True)
        return dataclasses.replace(verdict, verdict=yes)

    def but_for_review(*arguments: Any, **options: Any) -> list[str]:
        reasons = of_state(*arguments, **options)
        return [r for r in reasons if not r.endswith("not approved")]

    due._APPROVED = true()
    _everywhere(judge, content)
    last_look._of_state = but_for_review


def _fence_not_checked() -> None:
    from sqlalchemy import text

    from social_scheduler.services import last_look, outcome
    from social_scheduler.store import steps

    one, many = steps.step_delivery, steps.step_many
    apply, look = outcome.apply_outcomes, last_look.last_look

    def attempt(tx: Any, delivery: int) -> int:
        found = tx.execute(text("SELECT attempt FROM delivery WHERE id = :id"), {"id": delivery})
        return int(found.scalar_one())

    def step_delivery(tx: Any, delivery: int, step: str, by: Any, **values: Any) -> bool:
        values.pop("fence", None)
        return one(tx, delivery, step, by, **values)

    def unfenced(tx: Any, row: Any) -> Any:
        whole = isinstance(row, steps.DeliveryStep)
        return dataclasses.replace(row, fence=attempt(tx, row.id)) if whole else row

    def step_many(tx: Any, by: Any, *taken: Any, **more: Any) -> None:
        rows = ((step, [unfenced(tx, row) for row in rows]) for step, rows in taken)
        many(tx, by, *rows, **more)

    def apply_outcomes(tx: Any, context: Any, ended: Any, by: Any, *more: Any) -> Any:
        current = [dataclasses.replace(o, attempt=attempt(tx, o.delivery)) for o in ended]
        return apply(tx, context, current, by, *more)

    def any_fence(grounds: Any, delivery: int, *, fence: int, **options: Any) -> Any:
        fence = grounds.deliveries[delivery].delivery.attempt
        return look(grounds, delivery, fence=fence, **options)

    _everywhere(one, step_delivery)
    _everywhere(many, step_many)
    _everywhere(apply, apply_outcomes)
    _everywhere(look, any_fence)


def _journal_not_read() -> None:
    from social_scheduler.journal import Journal, Past

    def nothing(self: Journal) -> Past:
        return Past(last_seen=None, intents=[], outcomes={}, stops=[], last_stop=0)

    Journal.read = nothing  # type: ignore[method-assign]


def _synchronous_normal() -> None:
    from social_scheduler.store import engines

    set_up = engines._set_up_sqlite

    def carelessly(connection: Any, record: object) -> None:
        set_up(connection, record)
        connection.execute("PRAGMA synchronous=NORMAL")

    engines._set_up_sqlite = carelessly


def _synchronous_normal_unread() -> None:
    _synchronous_normal()
    _journal_not_read()


MUTATIONS: dict[str, Mutation] = {
    "retry-until-success": Mutation(
        "a call without an answer is made again, up to three times",
        "answers-lost",
        _retry_until_success,
        {"doubled"},
        short=False,
    ),
    "mark-sent-first": Mutation(
        "what came of a call is written down before it is made",
        "random-kills",
        _mark_sent_first,
        {"lost", "unexplained"},
    ),
    "approval-not-checked": Mutation(
        "neither the claim nor the last look asks whether somebody approved",
        "approvals-race",
        _approval_not_checked,
        {"unexplained"},
    ),
    "fence-not-checked": Mutation(
        "a step or an answer of an earlier attempt counts as one of the present attempt",
        "past-its-lease",
        _fence_not_checked,
        {"doubled"},
        "postgresql",
        short=False,
    ),
    "journal-not-read": Mutation(
        "the worker starts without reading its journal",
        "older-copy",
        _journal_not_read,
        {"doubled"},
    ),
    "synchronous-normal": Mutation(
        "SQLite commits without waiting for the disk, and the journal is not read: after a power "
        "cut its last commits are gone",
        "power-cuts",
        _synchronous_normal_unread,
        {"doubled"},
    ),
    "synchronous-normal-alone": Mutation(
        "the same with the journal read: the worker sees that commits are gone, and refuses",
        "power-cuts",
        _synchronous_normal,
        {"lost"},
    ),
}


def caught(result: Result) -> str:
    """By what a broken engine was caught, in words; empty when it slipped through."""
    wanted = MUTATIONS[result.mutation].kinds
    found = [f for f in result.findings if f.kind in wanted]
    if result.failure or not found:
        return ""
    return f"caught in {result.name} on {result.database}: {len(found)} × {found[0].kind}"
