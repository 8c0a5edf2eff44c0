"""Whose turn it is: one account speaks one post at a time, in the order they were due.

A turn of several accounts (a post released together) begins when it is the first of each of
them. Turns are lined up everywhere in the same order, so no two can wait for each other.
Not safe for threads by itself: the pipeline holds its lock.
"""

from __future__ import annotations

import heapq
import itertools
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from social_scheduler.services.calling import Ready
from social_scheduler.services.claim import Claim, Turn


@dataclass(eq=False, slots=True)
class Waiting:
    """One turn in its lanes. `ready` is set when keys, identity and pictures are at hand."""

    turn: Turn
    ready: list[Ready] | None = None
    chosen: bool = False
    """Whether it is among those that may begin, or has begun."""


@dataclass
class Lanes:
    """Every account's turns, in order."""

    _of: dict[int, deque[Waiting]] = field(default_factory=dict)
    _claims: set[Claim] = field(default_factory=set)
    _may_begin: list[tuple[datetime, int, Waiting]] = field(default_factory=list)
    _number: itertools.count[int] = field(default_factory=itertools.count)

    def __len__(self) -> int:
        """How many accounts have something to say."""
        return len(self._of)

    def line_up(self, turn: Turn) -> Waiting:
        """Put a turn at the end of its accounts' lanes."""
        waiting = Waiting(turn)
        for claim in turn.claims:
            self._of.setdefault(claim.account_id, deque()).append(waiting)
        self._claims.update(turn.claims)
        return waiting

    def is_ready(self, waiting: Waiting, ready: list[Ready]) -> None:
        """Everything for it is at hand."""
        waiting.ready = ready
        self._consider(waiting)

    def earliest(self) -> datetime | None:
        """When the next turn may begin; None when none is ready and first of its lanes."""
        return self._may_begin[0][0] if self._may_begin else None

    def take(self, now: datetime, most: int, hands: int, of_hands: int) -> list[Waiting]:
        """Turns that begin now, the earliest first: at most so many calls, and hands free.

        A group needs all its hands at once (of `of_hands` in all, if it has more than that).
        """
        taken: list[Waiting] = []
        while self._may_begin and self._may_begin[0][0] <= now:
            calls = len(self._may_begin[0][2].turn.claims)
            if min(calls, of_hands) > hands or (taken and calls > most) or most <= 0:
                break
            hands -= calls
            most -= calls
            taken.append(heapq.heappop(self._may_begin)[2])
        return taken

    def end(self, waiting: Waiting, claims: tuple[Claim, ...]) -> None:
        """Some deliveries of a turn are over, whatever became of them."""
        self._claims.difference_update(claims)
        for claim in claims:
            lane = self._of[claim.account_id]
            lane.remove(waiting)
            if lane:
                self._consider(lane[0])
            else:
                del self._of[claim.account_id]

    def accounts(self) -> frozenset[int]:
        """Accounts that have something to say."""
        return frozenset(self._of)

    def claims(self) -> list[Claim]:
        """Everything that is lined up or being said."""
        return list(self._claims)

    def not_begun(self) -> list[Turn]:
        """Turns that have not been taken."""
        left = {id(w): w for lane in self._of.values() for w in lane if not w.chosen}
        left |= {id(w): w for _, _, w in self._may_begin}
        return [w.turn for w in left.values()]

    def _consider(self, waiting: Waiting) -> None:
        if waiting.chosen or waiting.ready is None:
            return
        if all(self._of[c.account_id][0] is waiting for c in waiting.turn.claims):
            waiting.chosen = True
            heapq.heappush(self._may_begin, (waiting.turn.at, next(self._number), waiting))
