"""Sealed secrets by their place, and the public key they are sealed to. Nothing here can open one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update

from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Account, AccountState, NetworkApp, SealingKey, Secret


def public_key(tx: Transaction) -> bytes | None:
    """What secrets are sealed to; None in a workspace from before there were any."""
    return tx.scalar(select(SealingKey.public_key))


def set_public_key(tx: Transaction, key: bytes, now: datetime) -> None:
    """From now on secrets are sealed to this key."""
    tx.merge(SealingKey(id=1, public_key=key, made_at=now))
    tx.flush()


def secret_at(tx: Transaction, place: str) -> Secret | None:
    """What is kept there."""
    return tx.get(Secret, place, populate_existing=True)


def every(tx: Transaction) -> list[Secret]:
    """Everything that is kept, by place."""
    return list(tx.scalars(select(Secret).order_by(Secret.place)))


def places(tx: Transaction) -> set[str]:
    """Where something is kept."""
    return set(tx.scalars(select(Secret.place)))


def add(tx: Transaction, place: str, version: int, sealed: bytes, now: datetime) -> None:
    """The first secret of a place."""
    tx.add(Secret(place=place, version=version, sealed=sealed, kept_at=now))
    tx.flush()


def replace(
    tx: Transaction, place: str, before: int, version: int, sealed: bytes, now: datetime
) -> bool:
    """The version that follows `before`; False when somebody else was quicker."""
    done = tx.execute(
        update(Secret)
        .where(Secret.place == place, Secret.version == before)
        .values(version=version, sealed=sealed, kept_at=now)
    )
    return _changed(done) == 1


def reseal(tx: Transaction, boxes: Iterable[tuple[str, bytes]]) -> None:
    """The same secrets, sealed to another key."""
    for place, sealed in boxes:
        tx.execute(update(Secret).where(Secret.place == place).values(sealed=sealed))


def forget(tx: Transaction, place: str) -> None:
    """Keep nothing there any more."""
    tx.execute(delete(Secret).where(Secret.place == place))


def forget_all(tx: Transaction, why: str) -> int:
    """Drop every secret, our apps' too, for none can be opened; how many accounts lost theirs."""
    done = tx.execute(
        update(Account)
        .where(Account.keys_version > 0)
        .values(
            state=AccountState.SUSPENDED, trouble=why, keys_version=Account.keys_version + 1
        )  # counted on, so that no worker takes what it remembers for the newest
    )
    tx.execute(delete(Secret))
    tx.execute(delete(NetworkApp))
    return _changed(done)


def forget_account(tx: Transaction, account: str, why: str) -> None:
    """One account's keys are gone: nothing goes out until it is connected again."""
    tx.execute(
        update(Account)
        .where(Account.name == account)
        .values(
            state=AccountState.SUSPENDED,
            trouble=why,
            ends_at=None,
            keys_version=Account.keys_version + 1,  # as above
        )
    )


def forget_app(tx: Transaction, platform: str, server: str = "") -> None:
    """A server does not know our app any more."""
    tx.execute(
        delete(NetworkApp).where(NetworkApp.platform == platform, NetworkApp.server == server)
    )


def version_of(tx: Transaction, account: str) -> int:
    """The newest version of an account's keys that workers were told of; 0: none."""
    return tx.scalar(select(Account.keys_version).where(Account.name == account)) or 0


def set_version(tx: Transaction, account: str, version: int) -> None:
    """Tell workers which version of an account's keys is the newest."""
    tx.execute(update(Account).where(Account.name == account).values(keys_version=version))


def app_of(tx: Transaction, platform: str, server: str) -> NetworkApp | None:
    """Our app at a server of a network."""
    return tx.get(NetworkApp, (platform, server), populate_existing=True)


def apps(tx: Transaction) -> list[NetworkApp]:
    """Our apps, by network and server."""
    return list(tx.scalars(select(NetworkApp).order_by(NetworkApp.platform, NetworkApp.server)))


def keep_app(
    tx: Transaction, platform: str, server: str, public: Mapping[str, str], who: str, now: datetime
) -> None:
    """What is no secret of our app."""
    tx.merge(
        NetworkApp(platform=platform, server=server, public=dict(public), kept_by=who, kept_at=now)
    )
    tx.flush()


def take_renewal(tx: Transaction, account: str, now: datetime, until: datetime) -> bool:
    """Be the one who asks for newer keys of an account until then; False: somebody else is."""
    done = tx.execute(
        update(Account)
        .where(
            Account.name == account,
            (Account.renewing_until.is_(None)) | (Account.renewing_until <= now),
        )
        .values(renewing_until=until)
    )
    return _changed(done) == 1


def end_renewal(tx: Transaction, account: str, until: datetime, **values: Any) -> None:
    """The network was asked; nobody asks again before then."""
    tx.execute(
        update(Account).where(Account.name == account).values(renewing_until=until, **values)
    )


def _changed(done: Any) -> int:
    return int(done.rowcount)
