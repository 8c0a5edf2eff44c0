"""People, their passwords, and the tokens by which they act."""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import cached_property

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn
from social_scheduler.services.actor import ROLES, Actor, Right, rights_of
from social_scheduler.services.context import Context
from social_scheduler.services.review import end_approvals_of
from social_scheduler.store import people as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.steps import By, remember
from social_scheduler.store.tables import Person, Token

LOGIN_LASTS = timedelta(days=14)
SESSION_LASTS = timedelta(hours=12)
SESSION_IDLE = timedelta(minutes=30)
LONGEST_TOKEN = timedelta(days=366)
SHORTEST_PASSWORD = 10
AT_ONCE = threading.Semaphore(2)
"""Password checks at one time: each takes 64 MiB, and anybody can ask for one."""
NAME = re.compile(r"^[a-z][a-z0-9_-]{0,39}$")


class Passwords:
    """Argon2id; the cheap profile is for tests only."""

    def __init__(self, *, cheap: bool = False) -> None:
        self._hasher = (
            PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
            if cheap
            else PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        )

    @cached_property
    def _nobody(self) -> str:
        """What a person who does not exist is checked against, so that it takes as long."""
        return self._hasher.hash("nobody has this password")

    def hash(self, password: str) -> str:
        """A salted hash."""
        if len(password) < SHORTEST_PASSWORD:
            raise InvalidInput(
                f"The password has fewer than {SHORTEST_PASSWORD} characters.",
                "Use a longer one; several words are easy to remember.",
            )
        return self._hasher.hash(password)

    def right(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password. Takes as long for people who do not exist."""
        try:
            with AT_ONCE:
                self._hasher.verify(hashed or self._nobody, password)
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None


def add_person(
    context: Context,
    actor: Actor | None,
    name: str,
    *,
    roles: Sequence[str],
    languages: Sequence[str],
    password: str,
) -> None:
    """Enrol somebody. Only an admin may; the very first person needs none and must be one."""
    now = context.now()
    if not NAME.match(name):
        raise InvalidInput(f"{name!r} is no name for a person.", "Use small letters, like amal.")
    if unknown := sorted(set(roles) - set(ROLES)):
        raise InvalidInput(f"There is no role {unknown[0]!r}.", f"Roles: {', '.join(ROLES)}.")
    if "reviewer" in roles and not languages:
        raise InvalidInput(
            f"{name} is to review but reads no language.", "Add --language, once for each."
        )
    hashed = context.passwords.hash(password)
    with context.database.write() as tx:
        if store.everybody(tx):
            if actor is None:
                raise NotSignedIn("Only an admin adds people.", "Sign in: social-scheduler login.")
            actor.require(Right.ADMIN)
        elif "admin" not in roles:
            raise InvalidInput("The first person must be an admin.", "Add --role admin.")
        if store.person_named(tx, name):
            raise Conflict(f"There is a person {name} already.", "Choose another name.")
        store.add_person(
            tx,
            Person(
                name=name,
                password_hash=hashed,
                roles=sorted(set(roles)),
                languages=sorted(set(languages)),
                active=True,
                created_at=now,
            ),
        )
        who = actor.name if actor else name
        remember(tx, By(who, now, f"{name}: {', '.join(sorted(set(roles)))}"), "add_person")


def change_person(
    context: Context,
    actor: Actor,
    name: str,
    *,
    roles: Sequence[str] | None = None,
    languages: Sequence[str] | None = None,
    active: bool | None = None,
) -> None:
    """Change somebody's roles or languages, or end their access; counts from this moment on."""
    actor.require(Right.ADMIN)
    now = context.now()
    if roles is not None and (unknown := sorted(set(roles) - set(ROLES))):
        raise InvalidInput(f"There is no role {unknown[0]!r}.", f"Roles: {', '.join(ROLES)}.")
    with context.database.write() as tx:
        person = _person(tx, name)
        after = set(person.roles if roles is None else roles)
        stays_admin = "admin" in after and (person.active if active is None else active)
        if not stays_admin and not any(
            p.active and "admin" in p.roles and p.id != person.id for p in store.everybody(tx)
        ):
            raise Conflict(f"{name} is the last admin.", "Make somebody else an admin first.")
        values: dict[str, object] = {}
        if roles is not None:
            values["roles"] = sorted(after)
        if languages is not None:
            values["languages"] = sorted(set(languages))
        if active is not None:
            values["active"] = active
        store.change_person(tx, person.id, **values)
        end_approvals_of(tx, person.id, actor.by(now))
        if active is False:
            store.revoke_tokens_of(tx, person.id, now)
        told = ", ".join(f"{key}={value}" for key, value in values.items())
        remember(tx, actor.by(now, f"{name}: {told}"), "change_person")


def list_people(context: Context, actor: Actor) -> list[Person]:
    """Everyone, for those who may read."""
    actor.require(Right.READ)
    with context.database.read() as tx:
        return store.everybody(tx)


def sign_in(context: Context, name: str, password: str, *, kind: str, label: str) -> str:
    """Check a password and answer a new token. Wrong name and wrong password sound the same."""
    now = context.now()
    if not context.throttle.may_try(name):
        raise NotAllowed("Too many wrong passwords.", "Wait a few minutes and try again.")
    with context.database.read() as tx:
        person = store.person_named(tx, name)
    hashed = person.password_hash if person and person.active else None
    if not context.passwords.right(hashed, password) or person is None:
        context.throttle.failed(name)
        raise NotAllowed("The name or the password is wrong.", "Try again, or ask an admin.")
    lasts = SESSION_LASTS if kind == "session" else LOGIN_LASTS
    with context.database.write() as tx:
        token = _new_token(tx, person.id, kind, label, None, now, now + lasts)
        remember(tx, By(name, now, label), "sign_in")
    return token


def make_token(
    context: Context, actor: Actor, name: str, *, rights: Sequence[str], until: datetime, label: str
) -> str:
    """A token for a script: for oneself, or by an admin for anybody. Shown once, never again."""
    now = context.now()
    wanted = _wanted_rights(rights)
    if actor.by_script:
        raise NotAllowed("A script's token makes no tokens.", "Sign in first.")
    if not now < until <= now + LONGEST_TOKEN:
        raise InvalidInput("A token ends after today and within a year.", "Give another --until.")
    with context.database.write() as tx:
        if name != actor.name:
            actor.require(Right.ADMIN)
            if beyond := sorted(wanted - {Right.READ, Right.QUEUE}):
                raise NotAllowed(
                    f"Only {name} can make a token that may {beyond[0]} as {name}.",
                    "Nobody decides in somebody else's name.",
                )
        person = _person(tx, name)
        if beyond := sorted(wanted - rights_of(person.roles)):
            raise NotAllowed(f"{name} has no right to {beyond[0]}.", "Give fewer --right.")
        if name == actor.name and (beyond := sorted(wanted - actor.rights)):
            raise NotAllowed(f"Your own token has no right to {beyond[0]}.", "Sign in first.")
        token = _new_token(
            tx, person.id, "script", label, sorted(str(r) for r in wanted), now, until
        )
        told = f"{name}: {', '.join(sorted(wanted))} until {until:%Y-%m-%d}"
        remember(tx, actor.by(now, told), "make_token")
    return token


def _wanted_rights(rights: Sequence[str]) -> set[Right]:
    try:
        wanted = {Right(right) for right in rights}
    except ValueError:
        raise InvalidInput(
            f"Unknown right among: {', '.join(rights)}.", f"Rights: {', '.join(Right)}."
        ) from None
    if {Right.QUEUE, Right.APPROVE} <= wanted:
        raise NotAllowed("A token that may queue may not approve.", "Make two, for two people.")
    if Right.ADMIN in wanted:
        raise NotAllowed("A script's token cannot be an admin's.", "Sign in to administer.")
    return wanted | {Right.READ}


def actor_for(context: Context, token: str, *, kinds: Sequence[str] | None = None) -> Actor:
    """Who acts with this token. NotSignedIn when it is unknown, ended or revoked."""
    now = context.now()
    with context.database.read() as tx:
        found = store.token_and_person(tx, token_digest(token), now)
    if found is None or (kinds and found[0].kind not in kinds):
        raise NotSignedIn("The sign-in has ended or is unknown.", "Sign in again.")
    row, person = found
    idle = now - row.used_at
    if row.kind == "session" and idle > SESSION_IDLE:
        raise NotSignedIn("You were signed out after 30 idle minutes.", "Sign in again.")
    if idle > timedelta(minutes=1):
        with context.database.write() as tx:
            store.touch_token(tx, row.id, now)
    rights = rights_of(person.roles)
    if row.rights is not None:
        rights &= {Right(right) for right in row.rights}
    return Actor(
        person.id,
        person.name,
        frozenset(person.roles),
        frozenset(person.languages),
        rights,
        row.id,
        by_script=row.kind == "script",
    )


def sign_out(context: Context, actor: Actor) -> None:
    """End the token that is being used."""
    with context.database.write() as tx:
        store.revoke_token(tx, actor.token_id, context.now())


def revoke_tokens(context: Context, actor: Actor, name: str) -> int:
    """End every token of a person; answers how many counted until now."""
    if name != actor.name:
        actor.require(Right.ADMIN)
    now = context.now()
    with context.database.write() as tx:
        person = _person(tx, name)
        ended = len(store.tokens_of(tx, person.id, now))
        store.revoke_tokens_of(tx, person.id, now)
        remember(tx, actor.by(now, name), "revoke_tokens")
    return ended


def token_digest(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _person(tx: Transaction, name: str) -> Person:
    person = store.person_named(tx, name)
    if person is None:
        raise NotFound(f"There is no person {name!r}.", "See social-scheduler people list.")
    return person


def _new_token(
    tx: Transaction,
    person_id: int,
    kind: str,
    label: str,
    rights: list[str] | None,
    now: datetime,
    until: datetime,
) -> str:
    token = f"ss_{secrets.token_urlsafe(32)}"
    store.add_token(
        tx,
        Token(
            person_id=person_id,
            digest=token_digest(token),
            kind=kind,
            label=label,
            rights=rights,
            created_at=now,
            expires_at=until,
            used_at=now,
            revoked_at=None,
        ),
    )
    return token
