"""What review reads and writes: revisions, messages and approvals."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Select, bindparam, insert, select, update

from social_scheduler.lifecycle import PostState
from social_scheduler.policy import Policy
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import (
    Account,
    Approval,
    Campaign,
    Delivery,
    MessageRow,
    Person,
    Post,
    Revision,
    Workspace,
)


@dataclass(frozen=True, slots=True)
class StoredMessage:
    """One account's words in one revision, with what is needed to verify them."""

    account_id: int
    account: str
    native_id: str
    server: str
    language: str
    digest: str
    body: bytes


@dataclass(frozen=True, slots=True)
class StoredApproval:
    """An approval with what its giver may do today."""

    id: int
    language: str
    content_digest: str
    window_digest: str
    window_only: bool
    person_id: int
    person: str
    roles: tuple[str, ...]
    languages: tuple[str, ...]
    active: bool
    given_at: datetime
    ended_at: datetime | None
    ended_why: str | None

    @classmethod
    def of(cls, given: Approval, person: Person) -> StoredApproval:
        """From the two rows."""
        return cls(
            given.id,
            given.language,
            given.content_digest,
            given.window_digest,
            given.window_only,
            person.id,
            person.name,
            tuple(person.roles),
            tuple(person.languages),
            person.active,
            given.given_at,
            given.ended_at,
            given.ended_why,
        )


def policy(tx: Transaction) -> Policy:
    """The policy in force. Without one nothing is allowed."""
    stored = tx.scalar(select(Workspace.policy).where(Workspace.id == 1))
    return Policy(rules=[]) if stored is None else Policy.model_validate(stored)


def post_by_reference(tx: Transaction, campaign: str, key: str) -> Post | None:
    """The post `campaign/key`."""
    return tx.scalars(
        select(Post).join(Campaign).where(Campaign.name == campaign, Post.key == key)
    ).one_or_none()


def get_post(tx: Transaction, post_id: int) -> Post:
    """The post of that id."""
    return tx.get_one(Post, post_id)


def revision_of(tx: Transaction, post_id: int, number: int) -> Revision:
    """One revision of a post."""
    return tx.scalars(
        select(Revision).where(Revision.post_id == post_id, Revision.number == number)
    ).one()


class RevisionNow(NamedTuple):
    """Of a revision's row, what decides whether it is approved."""

    post_id: int
    number: int
    kind: str
    owner: str
    due_at: datetime
    not_before: datetime
    not_after: datetime
    authors: list[int]


@dataclass(frozen=True, slots=True)
class Wording:
    """One revision with every account's words and every approval given to it."""

    revision: RevisionNow
    messages: tuple[StoredMessage, ...]
    approvals: tuple[StoredApproval, ...]


def wordings(
    tx: Transaction, wanted: Collection[tuple[int, int]]
) -> Mapping[tuple[int, int], Wording]:
    """Revisions whole, by (post, number)."""
    connection = tx.connection()
    posts = {"posts": list({post_id for post_id, _ in wanted})}
    messages: dict[tuple[int, int], list[StoredMessage]] = {}
    for row in connection.execute(_MESSAGES, posts):
        messages.setdefault((row[0], row[-1]), []).append(StoredMessage(*row[1:-1]))
    approvals: dict[tuple[int, int], list[StoredApproval]] = {}
    for row in connection.execute(_APPROVALS, posts):
        values: list[Any] = [*row[2:]]
        values[7], values[8] = tuple(values[7]), tuple(values[8])
        given = StoredApproval(*values)
        approvals.setdefault((row[0], row[1]), []).append(given)
    return {
        key: Wording(
            RevisionNow._make(row), tuple(messages.get(key, ())), tuple(approvals.get(key, ()))
        )
        for row in connection.execute(_REVISIONS, posts)
        if (key := (row[0], row[1])) in wanted
    }


def stored_messages() -> Select[int, int, str, str, str, str, str, bytes]:
    """(post, then a StoredMessage's fields), for every message, in the accounts' order."""
    return (
        select(
            MessageRow.post_id,
            MessageRow.account_id,
            Account.name,
            Account.native_id,
            Account.server,
            MessageRow.language,
            MessageRow.digest,
            MessageRow.body,
        )
        .join(Account, Account.id == MessageRow.account_id)
        .order_by(MessageRow.account_id)
    )


# Made once, for the last look: building a statement takes longer than running it.
_POSTS: BindParameter[Any] = bindparam("posts", expanding=True)
_MESSAGES = stored_messages().add_columns(MessageRow.revision).where(MessageRow.post_id.in_(_POSTS))
_APPROVALS = (
    select(
        Approval.post_id,
        Approval.revision,
        Approval.id,
        Approval.language,
        Approval.content_digest,
        Approval.window_digest,
        Approval.window_only,
        Approval.person_id,
        Person.name,
        Person.roles,
        Person.languages,
        Person.active,
        Approval.given_at,
        Approval.ended_at,
        Approval.ended_why,
    )
    .join(Person, Person.id == Approval.person_id)
    .where(Approval.post_id.in_(_POSTS))
    .order_by(Approval.id)
)
_REVISIONS = select(*(getattr(Revision, name) for name in RevisionNow._fields)).where(
    Revision.post_id.in_(_POSTS)
)


def messages_of(tx: Transaction, post_id: int, revision: int) -> list[StoredMessage]:
    """What every account says in a revision, in the accounts' order."""
    mine = stored_messages().where(MessageRow.post_id == post_id, MessageRow.revision == revision)
    return [StoredMessage(*row[1:]) for row in tx.execute(mine)]


def deliveries_of(tx: Transaction, post_id: int) -> list[Delivery]:
    """A post's deliveries, in the accounts' order."""
    return list(
        tx.scalars(
            select(Delivery).where(Delivery.post_id == post_id).order_by(Delivery.account_id)
        )
    )


def stored_approvals() -> Select[Approval, Person]:
    """Every approval with its giver, oldest first."""
    return (
        select(Approval, Person).join(Person, Person.id == Approval.person_id).order_by(Approval.id)
    )


def approvals_of(tx: Transaction, post_id: int, revision: int) -> list[StoredApproval]:
    """Every approval ever given to a revision, ended ones too, oldest first."""
    mine = stored_approvals().where(Approval.post_id == post_id, Approval.revision == revision)
    return [StoredApproval.of(given, person) for given, person in tx.execute(mine)]


def add_approvals(tx: Transaction, rows: Sequence[Mapping[str, object]]) -> None:
    """Approvals just given."""
    tx.execute(insert(Approval), rows)


def end_approvals(tx: Transaction, ids: Sequence[int], at: datetime, why: str) -> None:
    """End approvals for good."""
    tx.execute(
        update(Approval)
        .where(Approval.id.in_(ids), Approval.ended_at.is_(None))
        .values(ended_at=at, ended_why=why)
    )


def standing_approvals_by(tx: Transaction, person_id: int) -> list[tuple[int, int, str, bool]]:
    """(approval, post, language, window only) of everything a person approved that has not ended."""
    return [
        (row.id, row.post_id, row.language, row.window_only)
        for row in tx.execute(
            select(Approval.id, Approval.post_id, Approval.language, Approval.window_only).where(
                Approval.person_id == person_id, Approval.ended_at.is_(None)
            )
        )
    ]


def standing_approvals_of_post(tx: Transaction, post_id: int) -> list[int]:
    """Approvals of a post, of whichever revision, that have not ended."""
    mine = select(Approval.id).where(Approval.post_id == post_id, Approval.ended_at.is_(None))
    return list(tx.scalars(mine))


def posts_in(tx: Transaction, states: Sequence[PostState]) -> list[int]:
    """Posts in any of these states, the earliest due first."""
    return list(
        tx.scalars(
            select(Post.id)
            .join(Revision, (Revision.post_id == Post.id) & (Revision.number == Post.revision))
            .where(Post.state.in_(states))
            .order_by(Revision.due_at, Post.id)
        )
    )


def keep_policy(tx: Transaction, new: Policy) -> None:
    """Put another policy in force."""
    tx.execute(
        update(Workspace).where(Workspace.id == 1).values(policy=new.model_dump(mode="json"))
    )
