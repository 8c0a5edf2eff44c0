"""Somebody acting: the rights their roles give today, narrowed by those of their token.

Deny by default: every service names the right it needs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from social_scheduler.errors import NotAllowed
from social_scheduler.store.steps import By


class Right(StrEnum):
    """What a person or token may do."""

    READ = "read"
    QUEUE = "queue"
    APPROVE = "approve"
    HOLD = "hold"
    SETTLE = "settle"
    ADMIN = "admin"


ROLES: dict[str, frozenset[Right]] = {
    "author": frozenset({Right.READ, Right.QUEUE}),
    "reviewer": frozenset({Right.READ, Right.APPROVE, Right.HOLD, Right.SETTLE}),
    "duty": frozenset({Right.READ, Right.HOLD, Right.SETTLE}),
    "admin": frozenset({Right.READ, Right.HOLD, Right.ADMIN}),
}
"""What each role may do. Nobody gets a right that is not here."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody acting now."""

    id: int
    name: str
    roles: frozenset[str]
    languages: frozenset[str]
    rights: frozenset[Right]
    token_id: int
    by_script: bool = False
    """Acts with a script's token, not as a person who signed in."""

    def require(self, right: Right) -> None:
        """NotAllowed unless this person, with this token, has the right."""
        if right not in self.rights:
            raise NotAllowed(
                f"{self.name} may not do this: it needs the right to {right}.",
                f"Roles here: {', '.join(sorted(self.roles)) or 'none'}. Ask an admin.",
            )

    def by(self, at: datetime, why: str | None = None) -> By:
        """This person as the one who takes a step."""
        return By(self.name, at, why)


def rights_of(roles: Sequence[str]) -> frozenset[Right]:
    """The rights that roles give together."""
    return frozenset(right for role in roles for right in ROLES.get(role, frozenset()))
