"""The one row that says what this database belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from social_scheduler.policy import Policy
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Gap, History, Hold, Workspace

_STANDING = select(
    select(Workspace.policy).where(Workspace.id == 1).scalar_subquery(),
    select(Hold.id).where(Hold.released_at.is_(None)).exists(),
    select(Gap.id).where(Gap.settled_at.is_(None)).exists(),
    select(func.max(History.id)).scalar_subquery(),
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands for every delivery, in one query; of most there is nothing."""

    policy: Policy
    holds: bool
    gaps: bool
    change: int
    """The newest history row's number."""


def standing(tx: Transaction) -> Standing:
    """The policy in force, and whether there is any hold or gap to be looked at."""
    policy, holds, gaps, change = tx.connection().execute(_STANDING).one()
    rules = Policy(rules=[]) if policy is None else Policy.model_validate(policy)
    return Standing(rules, bool(holds), bool(gaps), change or 0)


def find(tx: Transaction) -> Workspace | None:
    """The workspace, when there is one."""
    return tx.scalars(select(Workspace)).one_or_none()


def create(tx: Transaction, *, uid: str, kind: str, policy: Policy, now: datetime) -> None:
    """Make this the database of a new workspace."""
    tx.add(
        Workspace(
            id=1,
            uid=uid,
            kind=kind,
            created_at=now,
            policy=policy.model_dump(mode="json"),
            restored_to=None,
        )
    )
