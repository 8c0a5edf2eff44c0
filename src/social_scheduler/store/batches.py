"""Queries that fetch what belongs to a whole page of posts at once, however many they are."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.store.database import Transaction
from social_scheduler.store.reading import DeliveryLine, worst_proofs
from social_scheduler.store.review import (
    StoredApproval,
    StoredMessage,
    stored_approvals,
    stored_messages,
)
from social_scheduler.store.tables import (
    Account,
    Approval,
    Delivery,
    MessageRow,
    Part,
    Post,
    Proof,
    Verdict,
)


def current_messages(tx: Transaction, post_ids: Sequence[int]) -> dict[int, list[StoredMessage]]:
    """What every account says in the current revision of several posts, in the accounts' order."""
    found: dict[int, list[StoredMessage]] = {}
    current = (Post.id == MessageRow.post_id) & (Post.revision == MessageRow.revision)
    for row in tx.execute(stored_messages().join(Post, current).where(Post.id.in_(post_ids))):
        found.setdefault(row[0], []).append(StoredMessage(*row[1:]))
    return found


def current_approvals(tx: Transaction, post_ids: Sequence[int]) -> dict[int, list[StoredApproval]]:
    """Every approval given to the current revision of several posts, ended ones too."""
    found: dict[int, list[StoredApproval]] = {}
    current = (Post.id == Approval.post_id) & (Post.revision == Approval.revision)
    rows = tx.execute(stored_approvals().join(Post, current).where(Post.id.in_(post_ids)))
    for given, person in rows:
        found.setdefault(given.post_id, []).append(StoredApproval.of(given, person))
    return found


def states_of(
    tx: Transaction, post_ids: Sequence[int]
) -> dict[int, list[tuple[str, str, DeliveryState]]]:
    """(account, language, state) of every delivery of several posts, in the accounts' order."""
    found: dict[int, list[tuple[str, str, DeliveryState]]] = {}
    query = (
        select(Delivery.post_id, Account.name, Delivery.language, Delivery.state)
        .join(Account, Account.id == Delivery.account_id)
        .where(Delivery.post_id.in_(post_ids))
        .order_by(Delivery.account_id)
    )
    for post_id, account, language, state in tx.execute(query):
        found.setdefault(post_id, []).append((account, language, state))
    return found


def whole_deliveries(
    tx: Transaction, post_id: int, reference: str
) -> list[tuple[DeliveryLine, list[Part]]]:
    """A post's deliveries with all their parts and the worst of their proofs, in one query."""
    query = (
        select(Delivery, Account, Part, Proof)
        .join(Account, Account.id == Delivery.account_id)
        .join(Part, Part.delivery_id == Delivery.id)
        .outerjoin(Proof, (Proof.delivery_id == Part.delivery_id) & (Proof.part == Part.number))
        .where(Delivery.post_id == post_id)
        .order_by(Delivery.account_id, Part.number)
    )
    deliveries: dict[int, tuple[Delivery, Account, list[Part]]] = {}
    proofs: list[Proof] = []
    for delivery, account, part, proof in tx.execute(query):
        deliveries.setdefault(delivery.id, (delivery, account, []))[2].append(part)
        if proof is not None:
            proofs.append(proof)
    worst = worst_proofs(proofs)
    return [
        (_whole_line(reference, delivery, account, parts, *worst.get(id_, (None, ()))), parts)
        for id_, (delivery, account, parts) in deliveries.items()
    ]


def _whole_line(
    reference: str,
    delivery: Delivery,
    account: Account,
    parts: Sequence[Part],
    verdict: Verdict | None,
    fields: tuple[str, ...],
) -> DeliveryLine:
    return DeliveryLine(
        id=delivery.id,
        reference=reference,
        account=account.name,
        platform=account.platform,
        handle=account.handle,
        language=delivery.language,
        state=delivery.state,
        due_at=delivery.due_at,
        trouble=delivery.trouble,
        url=next((p.url for p in parts if p.url), None),
        live_at=min((p.live_at for p in parts if p.live_at), default=None),
        parts=len(parts),
        attempt=delivery.attempt,
        verdict=verdict,
        fields=fields,
    )
