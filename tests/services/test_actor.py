"""Rights come from roles, and nobody has one that is not named."""

from __future__ import annotations

import pytest

from social_scheduler.errors import NotAllowed
from social_scheduler.services.actor import ROLES, Actor, Right, rights_of


def test_no_role_both_writes_and_approves() -> None:
    for name, rights in ROLES.items():
        assert not {Right.QUEUE, Right.APPROVE} <= rights, name


def test_an_admin_neither_writes_nor_approves_nor_settles() -> None:
    assert not ROLES["admin"] & {Right.QUEUE, Right.APPROVE, Right.SETTLE}


def test_everybody_with_a_role_reads_and_nobody_without_one() -> None:
    assert all(Right.READ in rights for rights in ROLES.values())
    assert rights_of([]) == frozenset()
    assert rights_of(["boss", ""]) == frozenset()


def test_roles_add_up() -> None:
    assert rights_of(["author", "duty"]) == ROLES["author"] | ROLES["duty"]


def test_a_missing_right_names_the_person_the_right_and_whom_to_ask() -> None:
    actor = Actor(1, "amal", frozenset({"author"}), frozenset(), rights_of(["author"]), 0)

    actor.require(Right.QUEUE)
    with pytest.raises(NotAllowed, match=r"amal may not .* approve.*author.*Ask an admin"):
        actor.require(Right.APPROVE)
