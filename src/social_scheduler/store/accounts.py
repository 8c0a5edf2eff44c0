"""Connected accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Account, Delivery


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
