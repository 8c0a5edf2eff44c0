"""People and tokens: deny by default, and what ends, ends at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound, NotSignedIn
from social_scheduler.services import people
from social_scheduler.services.actor import Actor, Right
from social_scheduler.store.tables import Base
from tests.services.desk import PASSWORD, Desk


def sign_in(desk: Desk, name: str = "rana", kind: str = "login") -> str:
    return people.sign_in(desk.context, name, PASSWORD, kind=kind, label="a test")


def acting(desk: Desk, token: str) -> Actor:
    return people.actor_for(desk.context, token)


def token(desk: Desk, by: str, *rights: str, name: str = "", days: float = 30) -> str:
    return people.make_token(
        desk.context,
        desk.actor(by),
        name or by,
        rights=rights,
        until=desk.clock() + timedelta(days=days),
        label="cron",
    )


class TestEnrolling:
    def add(self, desk: Desk, by: str | None, name: str = "zaid", **values: object) -> None:
        people.add_person(
            desk.context,
            desk.actor(by) if by else None,
            name,
            **{"roles": ["author"], "languages": [], "password": PASSWORD, **values},  # type: ignore[arg-type]
        )

    def test_only_an_admin_enrols_people(self, desk: Desk) -> None:
        for name in ("amal", "rana", "dima"):
            with pytest.raises(NotAllowed, match="right to admin"):
                self.add(desk, name)
        with pytest.raises(NotSignedIn):
            self.add(desk, None)

        self.add(desk, "noor")
        assert acting(desk, sign_in(desk, "zaid")).roles == {"author"}

    @pytest.mark.parametrize(
        ("values", "told"),
        [
            ({"name": "Zaid"}, "is no name"),
            ({"name": "../zaid"}, "is no name"),
            ({"name": ""}, "is no name"),
            ({"roles": ["boss"]}, "no role 'boss'"),
            ({"roles": ["reviewer"]}, "reads no language"),
            ({"password": "short"}, "fewer than 10 characters"),
        ],
    )
    def test_what_cannot_be_is_refused_in_words(
        self, desk: Desk, values: dict[str, object], told: str
    ) -> None:
        with pytest.raises(InvalidInput, match=told):
            self.add(desk, "noor", **values)  # type: ignore[arg-type]

    def test_a_name_is_for_one_person(self, desk: Desk) -> None:
        with pytest.raises(Conflict, match="person amal already"):
            self.add(desk, "noor", "amal")

    def test_the_last_admin_stays_one(self, desk: Desk) -> None:
        noor = desk.actor("noor")
        for change in ({"roles": ["author"]}, {"active": False}):
            with pytest.raises(Conflict, match="last admin"):
                people.change_person(desk.context, noor, "noor", **change)

    def test_nobody_gives_themselves_a_role(self, desk: Desk) -> None:
        for name in ("amal", "rana", "dima"):
            with pytest.raises(NotAllowed):
                people.change_person(desk.context, desk.actor(name), name, roles=["admin"])

    def test_a_role_that_is_not_there_is_refused(self, desk: Desk) -> None:
        with pytest.raises(InvalidInput, match="no role"):
            people.change_person(desk.context, desk.actor("noor"), "amal", roles=["boss"])
        with pytest.raises(NotFound):
            people.change_person(desk.context, desk.actor("noor"), "nobody", roles=["duty"])


class TestSigningIn:
    def test_a_password_gives_a_token_that_acts(self, desk: Desk) -> None:
        actor = acting(desk, sign_in(desk))

        assert (actor.name, set(actor.languages)) == ("rana", {"en", "ar"})
        assert actor.rights == {Right.READ, Right.APPROVE, Right.HOLD, Right.SETTLE}

    def test_a_wrong_name_and_a_wrong_password_sound_the_same(self, desk: Desk) -> None:
        told = set()
        for name, password in (("rana", "wrong password"), ("nobody", PASSWORD), ("rana", "")):
            with pytest.raises(NotAllowed) as problem:
                people.sign_in(desk.context, name, password, kind="login", label="")
            told.add(str(problem.value))
        assert len(told) == 1

    def test_guessing_is_slowed_down_even_for_the_right_password(self, desk: Desk) -> None:
        for _ in range(10):
            with pytest.raises(NotAllowed, match="is wrong"):
                people.sign_in(desk.context, "rana", "a wrong one", kind="login", label="")

        with pytest.raises(NotAllowed, match="Too many"):
            sign_in(desk)
        assert sign_in(desk, "sami")

    def test_a_sign_in_ends_after_two_weeks(self, desk: Desk) -> None:
        given = sign_in(desk)
        desk.clock.forward(days=13.99)
        assert acting(desk, given).name

        desk.clock.forward(days=0.02)
        with pytest.raises(NotSignedIn):
            acting(desk, given)

    def test_a_browser_session_ends_when_idle_for_half_an_hour(self, desk: Desk) -> None:
        given = sign_in(desk, kind="session")
        for _ in range(4):
            desk.clock.forward(minutes=29)
            assert acting(desk, given).name

        desk.clock.forward(minutes=31)
        with pytest.raises(NotSignedIn, match="30 idle minutes"):
            acting(desk, given)

    def test_a_browser_session_ends_after_twelve_hours_however_busy(self, desk: Desk) -> None:
        given = sign_in(desk, kind="session")
        for _ in range(35):
            desk.clock.forward(minutes=20)
            acting(desk, given)

        desk.clock.forward(minutes=20)
        with pytest.raises(NotSignedIn):
            acting(desk, given)

    def test_signing_out_ends_this_token_only(self, desk: Desk) -> None:
        one, two = sign_in(desk), sign_in(desk)
        people.sign_out(desk.context, acting(desk, one))

        assert acting(desk, two).name
        with pytest.raises(NotSignedIn):
            acting(desk, one)

    def test_a_token_of_one_kind_is_not_taken_for_another(self, desk: Desk) -> None:
        given = sign_in(desk, kind="session")
        with pytest.raises(NotSignedIn):
            people.actor_for(desk.context, given, kinds=["login", "script"])

    def test_tokens_that_were_never_given_are_unknown(self, desk: Desk) -> None:
        for text in ("", "ss_", "ss_" + "a" * 43, people.token_digest(sign_in(desk))):
            with pytest.raises(NotSignedIn):
                acting(desk, text)

    def test_somebody_who_left_is_signed_out_everywhere(self, desk: Desk) -> None:
        given = sign_in(desk)
        people.change_person(desk.context, desk.actor("noor"), "rana", active=False)

        with pytest.raises(NotSignedIn):
            acting(desk, given)
        with pytest.raises(NotAllowed, match="name or the password"):
            sign_in(desk)

    def test_rights_follow_the_roles_of_today(self, desk: Desk) -> None:
        given = sign_in(desk)
        people.change_person(desk.context, desk.actor("noor"), "rana", roles=["duty"])

        assert acting(desk, given).rights == {Right.READ, Right.HOLD, Right.SETTLE}

    def test_the_database_keeps_no_token(self, desk: Desk) -> None:
        given = sign_in(desk)
        with desk.context.database.read() as tx:
            kept = repr([tx.execute(select(t)).all() for t in Base.metadata.sorted_tables])
        files = [p for p in desk.context.root.rglob("social-scheduler.db*") if p.is_file()]

        assert "login" in kept
        assert given not in kept
        assert all(given.encode() not in p.read_bytes() for p in files)


class TestScriptTokens:
    def test_a_token_has_the_rights_it_was_given_and_may_read(self, desk: Desk) -> None:
        assert acting(desk, token(desk, "rana", "hold")).rights == {Right.READ, Right.HOLD}

    def test_a_token_that_may_queue_may_not_approve(self, desk: Desk) -> None:
        people.change_person(desk.context, desk.actor("noor"), "rana", roles=["author", "reviewer"])
        with pytest.raises(NotAllowed, match="may queue may not approve"):
            token(desk, "rana", "queue", "approve")
        assert token(desk, "rana", "queue")

    def test_no_token_is_an_admins(self, desk: Desk) -> None:
        with pytest.raises(NotAllowed, match="cannot be an admin's"):
            token(desk, "noor", "admin")

    def test_nobody_gives_more_than_the_person_has(self, desk: Desk) -> None:
        with pytest.raises(NotAllowed, match="amal has no right to approve"):
            token(desk, "amal", "approve")
        with pytest.raises(NotAllowed, match="rana has no right to queue"):
            token(desk, "noor", "queue", name="rana")
        with pytest.raises(InvalidInput, match="Unknown right"):
            token(desk, "amal", "fly")

    def test_a_narrow_token_does_not_make_a_wider_one(self, desk: Desk) -> None:
        narrow = acting(desk, token(desk, "rana", "hold"))
        with pytest.raises(NotAllowed, match="makes no tokens"):
            people.make_token(
                desk.context,
                narrow,
                "rana",
                rights=["approve"],
                until=desk.clock() + timedelta(days=1),
                label="",
            )

    def test_only_an_admin_makes_tokens_for_others(self, desk: Desk) -> None:
        with pytest.raises(NotAllowed, match="right to admin"):
            token(desk, "rana", "queue", name="amal")
        assert acting(desk, token(desk, "noor", "queue", name="amal")).name == "amal"

    def test_nobody_makes_a_token_that_approves_in_somebody_elses_name(self, desk: Desk) -> None:
        with pytest.raises(NotAllowed, match="Only rana"):
            token(desk, "noor", "approve", name="rana")
        assert Right.APPROVE in acting(desk, token(desk, "rana", "approve")).rights

    def test_it_ends_on_its_day(self, desk: Desk) -> None:
        given = token(desk, "amal", "queue", days=2)
        desk.clock.forward(days=1.9)
        assert acting(desk, given).name

        desk.clock.forward(days=0.2)
        with pytest.raises(NotSignedIn):
            acting(desk, given)
        with pytest.raises(InvalidInput, match="within a year"):
            token(desk, "amal", "queue", days=0)

    def test_it_is_narrowed_when_its_owner_is(self, desk: Desk) -> None:
        given = token(desk, "rana", "approve", "hold")
        people.change_person(desk.context, desk.actor("noor"), "rana", roles=["duty"])

        assert acting(desk, given).rights == {Right.READ, Right.HOLD}

    def test_revoking_ends_every_token_of_a_person(self, desk: Desk) -> None:
        given = [token(desk, "amal", "queue"), sign_in(desk, "amal")]

        with pytest.raises(NotAllowed):
            people.revoke_tokens(desk.context, desk.actor("rana"), "amal")
        assert people.revoke_tokens(desk.context, desk.actor("noor"), "amal") == 2

        for one in given:
            with pytest.raises(NotSignedIn):
                acting(desk, one)


def test_a_cheap_hash_is_still_salted_and_checked(desk: Desk) -> None:
    passwords = desk.context.passwords

    assert passwords.hash(PASSWORD) != passwords.hash(PASSWORD)
    assert passwords.right(passwords.hash(PASSWORD), PASSWORD)
    assert not passwords.right(passwords.hash(PASSWORD), PASSWORD + " ")
    assert not passwords.right(None, "nobody has this password")
    assert not passwords.right("not a hash", PASSWORD)


def test_people_are_listed_for_those_who_may_read(desk: Desk) -> None:
    assert people.list_people(desk.context, desk.actor("amal"))[0].name == "amal"
