"""People and the tokens by which they act."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update

from social_scheduler.store.database import Transaction
from social_scheduler.store.tables import Person, Token


def person_named(tx: Transaction, name: str) -> Person | None:
    """The person of that name, active or not."""
    return tx.scalars(select(Person).where(Person.name == name)).one_or_none()


def everybody(tx: Transaction) -> list[Person]:
    """Everyone, by name."""
    return list(tx.scalars(select(Person).order_by(Person.name)))


def names_by_id(tx: Transaction) -> dict[int, str]:
    """Every person's name."""
    return {row.id: row.name for row in tx.execute(select(Person.id, Person.name))}


def add_person(tx: Transaction, person: Person) -> Person:
    """Keep a new person."""
    tx.add(person)
    tx.flush()
    return person


def change_person(tx: Transaction, person_id: int, **values: object) -> None:
    """Set columns of a person."""
    tx.execute(update(Person).where(Person.id == person_id).values(**values))


def add_token(tx: Transaction, token: Token) -> Token:
    """Keep a new token."""
    tx.add(token)
    tx.flush()
    return token


def token_and_person(tx: Transaction, digest: str, now: datetime) -> tuple[Token, Person] | None:
    """A token that counts now, and whose it is."""
    row = tx.execute(
        select(Token, Person)
        .join(Person, Person.id == Token.person_id)
        .where(
            Token.digest == digest,
            Token.revoked_at.is_(None),
            Token.expires_at > now,
            Person.active.is_(True),
        )
    ).one_or_none()
    return None if row is None else (row[0], row[1])


def tokens_of(tx: Transaction, person_id: int, now: datetime) -> list[Token]:
    """The tokens of a person that still count, newest first."""
    return list(
        tx.scalars(
            select(Token)
            .where(Token.person_id == person_id, Token.revoked_at.is_(None), Token.expires_at > now)
            .order_by(Token.created_at.desc())
        )
    )


def touch_token(tx: Transaction, token_id: int, now: datetime) -> None:
    """Note that a token was used."""
    tx.execute(update(Token).where(Token.id == token_id).values(used_at=now))


def revoke_token(tx: Transaction, token_id: int, now: datetime) -> None:
    """End a token."""
    tx.execute(update(Token).where(Token.id == token_id).values(revoked_at=now))


def revoke_tokens_of(tx: Transaction, person_id: int, now: datetime) -> None:
    """End every token of a person."""
    tx.execute(
        update(Token)
        .where(Token.person_id == person_id, Token.revoked_at.is_(None))
        .values(revoked_at=now)
    )
