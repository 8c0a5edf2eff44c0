"""The last look: whether exactly this may be sent, exactly now.

It runs in the transaction that writes the intent, and again before every part of a thread.
Whatever is missing is a reason; no reason at all is the only permission.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.message import Message, content_digest, part_digest
from social_scheduler.policy import Policy
from social_scheduler.services.approval import judge_language
from social_scheduler.services.hold import told
from social_scheduler.store import gaps as gap_store
from social_scheduler.store import holds as hold_store
from social_scheduler.store import review as review_store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import Looked, look_at
from social_scheduler.store.review import Wording
from social_scheduler.store.tables import AccountState, Gap, Hold
from social_scheduler.store.workspace import standing


@dataclass(frozen=True, slots=True)
class Grounds:
    """Everything that some deliveries are judged by, read in one transaction."""

    deliveries: Mapping[int, Looked]
    wordings: Mapping[tuple[int, int], Wording]
    policy: Policy
    holds: Collection[Hold]
    gaps: Mapping[str, Gap]
    change: int
    """The database's change number."""

    @classmethod
    def read(cls, tx: Transaction, ids: Collection[int], now: datetime) -> Grounds:
        """The grounds for deliveries, by their ids."""
        found = look_at(tx, ids)
        stands = standing(tx)
        digests = {p.digest for looked in found.values() for p in looked.parts}
        return cls(
            found,
            review_store.wordings(
                tx, {(d.delivery.post_id, d.delivery.revision) for d in found.values()}
            ),
            stands.policy,
            hold_store.active(tx, now) if stands.holds else (),
            gap_store.unsettled(tx, digests) if stands.gaps else {},
            stands.change,
        )


@dataclass(frozen=True, slots=True)
class Cleared:
    """What may be sent: the message that people approved, and where it stands."""

    looked: Looked
    message: Message


@dataclass(frozen=True, slots=True)
class Blocked:
    """Why nothing is sent."""

    looked: Looked
    reasons: tuple[str, ...]

    def __str__(self) -> str:
        return "; ".join(self.reasons)


def last_look(
    grounds: Grounds,
    delivery_id: int,
    *,
    fence: int,
    now: datetime,
    server: str | None,
    native_id: str | None,
    intact: Collection[str],
    early: bool = False,
    unclear: bool = False,
) -> Cleared | Blocked:
    """Judge one delivery.

    `server` is where it would be sent, `native_id` whom the network says the keys
    belong to, `intact` the SHA-256 of the pictures whose bytes were just hashed.
    With `early`, it need not be due yet: for preparing what is invisible. With `unclear`, it may
    have been sent: for a call that is made again.
    """
    looked = grounds.deliveries[delivery_id]
    reasons = _of_state(looked, fence, now, early, unclear)
    reasons += [told(hold) for hold in looked.held_by(grounds.holds)]
    rests = looked.account.limited_until
    if rests is not None and rests > now and not early:
        reasons.append(f"{looked.account.name} rests until {rests:%H:%M:%S} UTC")
    message, unsaid = _of_words(looked, grounds)
    reasons += unsaid
    if message is not None:
        reasons += _of_account(looked, message, server, native_id)
        reasons += [
            f"the file {sha256[:12]}… is not the approved one any more"
            for item in message.media
            for sha256 in item.files
            if sha256 not in intact
        ]
    if message is None or reasons:
        return Blocked(looked, tuple(reasons))
    return Cleared(looked, message)


def _of_state(looked: Looked, fence: int, now: datetime, early: bool, unclear: bool) -> list[str]:
    delivery, reasons = looked.delivery, []
    ready = {DeliveryState.LEASED, DeliveryState.SENDING}
    if early:
        ready.add(DeliveryState.SCHEDULED)
    if unclear:
        ready.add(DeliveryState.UNCONFIRMED)
    if delivery.attempt != fence or delivery.state not in ready:
        reasons.append("it was changed or stopped in the meantime")
    if delivery.revision != looked.post.revision and not looked.live:
        reasons.append("the post was edited, and these are its earlier words: queue it again")
    if looked.post.state is not PostState.APPROVED:
        reasons.append(f"the post is {looked.post.state.value.replace('_', ' ')}, not approved")
    if not early and now < max(delivery.due_at, delivery.not_before):
        reasons.append("it is not due yet")
    if now >= delivery.not_after:
        reasons.append("its window has closed")
    return reasons


def _of_words(looked: Looked, grounds: Grounds) -> tuple[Message | None, list[str]]:
    """The approved message, or why its words or its time are not the approved ones."""
    delivery = looked.delivery
    wording = grounds.wordings[delivery.post_id, delivery.revision]
    mine = next((m for m in wording.messages if m.account_id == delivery.account_id), None)
    if mine is None:
        return None, ["its words are missing from the database"]
    verdict = judge_language(
        wording.revision,
        mine.language,
        policy=grounds.policy,
        window=looked.window,
        messages=wording.messages,
        approvals=wording.approvals,
    )
    reasons = []
    digest = content_digest(mine.body)
    if digest != mine.digest:
        reasons.append("the stored words were changed behind the product's back")
    if not verdict.verdict.enough:
        reasons.append(
            f"these words at this time are not approved in {mine.language}: "
            f"{verdict.verdict.missing}"
        )
    try:
        message = Message.from_canonical(mine.body)
    except ValueError:
        return None, [*reasons, "the stored words cannot be read"]
    keys = [part_digest(digest, n) for n in range(1, len(message.parts) + 1)]
    if [p.digest for p in looked.parts] != keys:
        reasons.append("its parts are not those that were approved")
    if gap := next((grounds.gaps[key] for key in keys if key in grounds.gaps), None):
        reasons.append(
            f"before the database was put back, {gap.worker} said or began to say these very "
            f"words (gap {gap.id}): a person settles it first"
        )
    if message.language != delivery.language:
        reasons.append(f"it is written in {message.language}, not {delivery.language}")
    return message, reasons


def _of_account(
    looked: Looked, message: Message, server: str | None, native_id: str | None
) -> list[str]:
    account, reasons = looked.account, []
    if account.state is not AccountState.CONNECTED:
        reasons.append(f"the account {account.name} is suspended: {account.trouble}")
    if not message.account == account.native_id == native_id:
        reasons.append(
            f"the account {account.name} is not the one that was approved "
            f"(approved {message.account}, in the database {account.native_id}, "
            f"the network says {native_id})"
        )
    if (message.platform, message.server) != (account.platform, account.server):
        reasons.append("it was approved for another network or server")
    if account.server != server:
        reasons.append(f"it would be sent to {server}, not to {account.server}")
    return reasons
