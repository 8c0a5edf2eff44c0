"""Taking what is due: by one worker, an account's posts in order, a group whole or not at all.

A claim is made a moment ahead of the due time, so that at the due time only the last look,
the intent and the call remain. Nothing is sent by a claim.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.services.context import Context
from social_scheduler.services.hold import told
from social_scheduler.services.outcome import miss
from social_scheduler.store import due as store
from social_scheduler.store import holds as hold_store
from social_scheduler.store import publishing
from social_scheduler.store.database import Transaction
from social_scheduler.store.due import DueDelivery
from social_scheduler.store.looking import look
from social_scheduler.store.steps import By, DeliveryStep, remember, step_many
from social_scheduler.store.tables import Hold, HoldScope

LEASE = timedelta(seconds=30)
"""How long a worker may be silent before others take what it had; renewed while it lives."""

BEGUN = frozenset(
    {
        DeliveryState.SENDING,
        DeliveryState.PUBLISHED,
        DeliveryState.UNCONFIRMED,
        DeliveryState.PARTIAL,
        DeliveryState.REMOVED,
    }
)
"""States of which the call was made, or may have been: the barrier of a group is behind it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that this worker has leased; `fence` is its attempt number."""

    delivery_id: int
    fence: int
    account_id: int
    account: str
    platform: str
    server: str
    keys: int = 0
    """The version of the account's keys when it was leased."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What begins at one moment: one delivery, or all of a post that are released together."""

    claims: tuple[Claim, ...]
    at: datetime
    """Not before this."""
    pictures: bool = False
    """Whether something is to be handed over first."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much a worker has room for, so that the rest is left to others."""

    deliveries: int = 500
    accounts: frozenset[int] = frozenset()
    """Accounts that it speaks through already."""
    more: int = 1_000_000
    """How many more accounts it may take."""

    def of(self, due: Sequence[DueDelivery]) -> list[DueDelivery]:
        """What there is room for, of what is due, in order."""
        taken, left = set(self.accounts), self.more
        kept = []
        for delivery in due:
            if delivery.account_id not in taken and not delivery.together:
                if not left:
                    continue
                left -= 1
            taken.add(delivery.account_id)
            kept.append(delivery)
        return kept


@dataclass(frozen=True, slots=True)
class Burst:
    """How many posts may begin within a minute and an hour; 0: any number."""

    account_minute: int = 0
    account_hour: int = 0
    minute: int = 0
    hour: int = 0


NO_LIMIT = Burst()
ALL_THERE_IS = Room()
PAGES = 20
"""How far a claim looks behind deliveries that cannot be taken now."""


@dataclass
class _Taking:
    """One claim under way: what is free to be taken, and what is missed instead."""

    worker: str
    now: datetime
    until: datetime
    holds: Sequence[Hold]
    found: list[DueDelivery]
    free: dict[int, DueDelivery] = field(default_factory=dict)
    missed: dict[int, str] = field(default_factory=dict)


def take_due(
    context: Context,
    worker: str,
    *,
    ahead: timedelta = timedelta(0),
    room: Room = ALL_THERE_IS,
    burst: Burst = NO_LIMIT,
    told: Callable[[str], None] = lambda _: None,
) -> list[Turn]:
    """Lease what is due by now + `ahead`. What is due and held is missed: people decide."""
    for page in range(PAGES):
        turns, more = _take_page(context, worker, ahead, room, page, burst, told)
        if turns or not more:
            break  # behind many that cannot be taken there may be some that can
    return turns


def is_anything_due(context: Context, ahead: timedelta) -> bool:
    """Whether a claim by now + `ahead` would take or miss something."""
    now = context.now()
    until = now + ahead
    with context.database.read() as tx:
        found = [d for d in store.due(tx, now, until, 200) if d.may_speak_at <= until]
        taking = _Taking("", now, until, (), found, {d.id: d for d in found})
        groups = _groups(tx, taking)
    return bool(groups or taking.missed or any(not d.together for d in found))


def _take_page(
    context: Context,
    worker: str,
    ahead: timedelta,
    room: Room,
    page: int,
    burst: Burst,
    told: Callable[[str], None],
) -> tuple[list[Turn], bool]:
    """One page of what is due, and whether there may be another."""
    now = context.now()
    with context.database.work() as tx:
        limit = room.deliveries
        due = store.due(tx, now, now + ahead, limit, worker=worker, offset=page * limit)
        if not due or publishing.is_lost(tx, worker):
            return [], False
        found = _only_mine(tx, room.of(due), worker)
        since = min(d.ready_at for d in due)
        taking = _Taking(worker, now, now + ahead, hold_store.stood(tx, since, now), found)
        _sort_out_holds(taking)
        turns = [[d] for d in taking.free.values() if not d.together]
        turns += _groups(tx, taking)
        turns.sort(key=lambda turn: (turn[0].ready_at, turn[0].id))
        turns = _without_burst(tx, taking, burst, _spaced(tx, turns, taking.until))
        for delivery_id, why in taking.missed.items():
            looked = look(tx, delivery_id)
            miss(tx, looked, why, By(worker, now))
            told(f"{looked.reference} to {looked.account.name}: not sent — {why}")
        leased = context.database.now(tx) or now
        return _lease(tx, turns, By(worker, now), leased + LEASE), len(due) == limit


def _only_mine(tx: Transaction, found: list[DueDelivery], worker: str) -> list[DueDelivery]:
    """Without accounts that another worker is claiming for, or speaks through, just now."""
    accounts = {d.account_id for d in found}
    mine = store.lock_accounts(tx, accounts)
    mine -= store.taken_accounts(tx, accounts, others_than=worker)
    return [d for d in found if d.account_id in mine]


def _sort_out_holds(taking: _Taking) -> None:
    for delivery in taking.found:
        hold = delivery.held_by(
            [h for h in taking.holds if hold_store.stands(h, taking.now, delivery.ready_at)]
        )
        if hold is None:
            taking.free[delivery.id] = delivery
        elif delivery.ready_at <= taking.now:
            taking.missed[delivery.id] = told(hold)


def _groups(tx: Transaction, taking: _Taking) -> list[list[DueDelivery]]:
    """Posts released together: those of which every delivery can begin, or one has begun."""
    posts = {d.post_id for d in taking.found if d.together}
    if not posts:
        return []
    groups: dict[tuple[int, datetime], list[tuple[DueDelivery, DeliveryState]]] = {}
    for delivery, state in store.siblings(tx, posts):
        if delivery.together and state is not DeliveryState.CANCELLED:
            groups.setdefault((delivery.post_id, delivery.due_at), []).append((delivery, state))
    turns: list[list[DueDelivery]] = []
    for members in groups.values():
        mine = [d for d, _ in members if d.id in taking.free]
        if any(state in BEGUN for _, state in members):
            turns += [[d] for d in mine]
        elif why := _cannot_begin(members, taking):
            scheduled = [d.id for d, state in members if state is DeliveryState.SCHEDULED]
            taking.missed.update({i: why for i in scheduled if i not in taking.missed})
        elif mine and len(mine) == len(members):
            turns.append(mine)
    return turns


def _cannot_begin(members: Iterable[tuple[DueDelivery, DeliveryState]], taking: _Taking) -> str:
    """Why a group that is due will not begin; empty when it can, or may yet."""
    for delivery, state in members:
        if state in (DeliveryState.FAILED, DeliveryState.MISSED):
            return f"released together with {delivery.account}, which is {state.value}"
        if delivery.id in taking.missed:
            return f"released together with {delivery.account}: {taking.missed[delivery.id]}"
    return ""


def _spaced(
    tx: Transaction, turns: list[list[DueDelivery]], until: datetime
) -> list[list[DueDelivery]]:
    """Of accounts that keep a distance between posts only the next one, when it is time."""
    keeping = {d.account_id for turn in turns for d in turn if d.spacing}
    if not keeping:
        return turns
    speaking = store.taken_accounts(tx, keeping, others_than=None)
    kept = []
    for turn in turns:
        spaced = {d.account_id for d in turn if d.spacing}
        if spaced & speaking or any(d.may_speak_at > until for d in turn):
            continue
        speaking |= spaced
        kept.append(turn)
    return kept


def _without_burst(
    tx: Transaction, taking: _Taking, burst: Burst, turns: list[list[DueDelivery]]
) -> list[list[DueDelivery]]:
    """Stop, for people to look at, what would be more than anybody plans.

    What was taken and not begun is stopped with it: the last look sees the hold.
    """
    spans = (
        (timedelta(minutes=1), "minute", burst.account_minute, burst.minute),
        (timedelta(hours=1), "hour", burst.account_hour, burst.hour),
    )
    for span, name, per_account, in_all in spans:
        if not (per_account or in_all) or not turns:
            continue
        if in_all:
            store.lock_bursts(tx)
        begun = Counter(dict(publishing.begun_since(tx, taking.now - span)))
        begun.update(dict(store.leased_by_account(tx)))
        total = sum(begun.values())
        kept: list[list[DueDelivery]] = []
        for turn in turns:
            over = [d for d in turn if per_account and begun[d.account_id] >= per_account]
            if in_all and total + len(turn) > in_all:
                _trip(tx, taking, HoldScope.EVERYTHING, "", f"{in_all} posts in one {name}")
                return kept
            for d in over:
                why = f"{per_account} posts on this account in one {name}"
                _trip(tx, taking, HoldScope.ACCOUNT, d.account, why)
            if not over:
                kept.append(turn)
                begun.update(d.account_id for d in turn)
                total += len(turn)
        turns = kept
    return turns


def _trip(tx: Transaction, taking: _Taking, scope: HoldScope, value: str, limit: str) -> None:
    placed = [*taking.holds]
    standing = [h for h in placed if hold_store.stands(h, taking.now, taking.now)]
    if any(h.scope is scope and h.value == value for h in standing):
        return
    reason = f"burst guard: more than {limit} would have gone out; look before you release"
    hold = hold_store.add(tx, hold_store.new(scope, value, reason, taking.worker, taking.now))
    taking.holds = [*placed, hold]
    remember(tx, By(taking.worker, taking.now, told(hold)), "hold")


def _lease(
    tx: Transaction, turns: Collection[list[DueDelivery]], by: By, until: datetime
) -> list[Turn]:
    rows = [
        DeliveryStep(
            d.id,
            d.post_id,
            DeliveryState.SCHEDULED,
            d.attempt,
            {"attempt": d.attempt + 1, "worker": by.who, "lease_until": until},
        )
        for turn in turns
        for d in turn
    ]
    step_many(tx, by, ("claim", rows))
    return [
        Turn(
            tuple(
                Claim(d.id, d.attempt + 1, d.account_id, d.account, d.platform, d.server, d.keys)
                for d in turn
            ),
            max(d.may_speak_at for d in turn),
            any(d.pictures for d in turn),
        )
        for turn in turns
    ]
