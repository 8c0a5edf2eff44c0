"""Connected accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import aliased

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Account, AccountState, Delivery


def account_named(tx: Transaction, name: str) -> Account | None:
    """The account of that name."""
    return tx.scalars(select(Account).where(Account.name == name)).one_or_none()


def accounts(tx: Transaction) -> list[Account]:
    """Every account, in the order they were connected."""
    return list(tx.scalars(select(Account).order_by(Account.id)))


def told(tx: Transaction, account_id: int) -> Mapping[str, int]:
    """What the network says of this very account."""
    return tx.scalar(select(Account.told).where(Account.id == account_id)) or {}


def keep_account(tx: Transaction, name: str, **values: Any) -> Account:
    """Add an account, or connect it anew."""
    account = account_named(tx, name)
    if account is None:
        account = Account(name=name, **values)
        tx.add(account)
    else:
        for key, value in values.items():
            setattr(account, key, value)
    tx.flush()
    return account


def keep_news(
    tx: Transaction, account_id: int, version: int, *, resume: bool = False, **values: Any
) -> bool:
    """What the network told of an account when it was asked with keys of that version.

    With `resume` it speaks again, for they are new; True: it was suspended until now.
    """
    row = tx.execute(
        select(Account.state, Account.keys_version).where(Account.id == account_id)
    ).one()
    if row.keys_version != version:
        return False  # an admin has connected it anew meanwhile, and that asked too
    back = resume and row.state is AccountState.SUSPENDED
    freed = {"state": AccountState.CONNECTED, "trouble": None} if back else {}
    tx.execute(update(Account).where(Account.id == account_id).values(**values, **freed))
    return back


def count_open(tx: Transaction, account_id: int) -> int:
    """Deliveries to an account that are not final."""
    final = [DeliveryState.PUBLISHED, DeliveryState.CANCELLED, DeliveryState.REMOVED]
    return (
        tx.scalar(
            select(func.count())
            .select_from(Delivery)
            .where(Delivery.account_id == account_id, Delivery.state.not_in(final))
        )
        or 0
    )


def count_bound(tx: Transaction, account_id: int) -> int:
    """Deliveries to other accounts that are not begun and go out with one to this account."""
    this = aliased(Delivery)
    together = select(this.id).where(
        this.post_id == Delivery.post_id,
        this.due_at == Delivery.due_at,
        this.account_id == account_id,
        this.state == DeliveryState.SCHEDULED,
        this.together,
    )
    return (
        tx.scalar(
            select(func.count())
            .select_from(Delivery)
            .where(
                Delivery.account_id != account_id,
                Delivery.state == DeliveryState.SCHEDULED,
                Delivery.together,
                together.exists(),
            )
        )
        or 0
    )
