"""What only a person decides: it is live, send it again, let it be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from social_scheduler.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    Refused,
    Stale,
)
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.services import hold, inbox, review, settle
from social_scheduler.services.people import change_person
from social_scheduler.store import publishing, reading
from tests.services.desk import MONDAY, Desk

URL = "https://wire.example/id-wire-en/777"
POST = ("week/opening", "wire-en")


def lost(desk: Desk, words: str | list[str] = "Good morning", before: int = 0) -> None:
    desk.ready(desk.post(words={"wire-en": words}))
    desk.wire.hidden = True
    desk.wire.script = [*["said"] * before, "lost"]
    desk.tick()
    assert desk.state() is D.UNCONFIRMED
    desk.clock.forward(minutes=1)


def failed(desk: Desk) -> None:
    desk.ready(desk.post())
    desk.wire.script = [Refused("no")]
    desk.tick()
    desk.clock.forward(minutes=1)


class TestItIsLive:
    def test_a_person_gives_the_address(self, desk: Desk) -> None:
        lost(desk)

        settle.it_is_live(desk.context, desk.actor("dima"), *POST, URL)

        part = desk.looked().parts[0]
        assert (desk.state(), part.url, part.remote_id) == (D.PUBLISHED, URL, "777")
        assert desk.history()[-1].who == "dima"

    def test_a_thread_goes_on_after_the_part_that_was_unclear(self, desk: Desk) -> None:
        lost(desk, ["part 1", "part 2"])

        settle.it_is_live(desk.context, desk.actor("rana"), *POST, URL)
        desk.tick()

        assert desk.wire.texts == ["part 1", "part 2"]
        assert desk.wire.ledger[1].reply_to == "777"
        assert desk.state() is D.PUBLISHED

    def test_only_an_address_is_an_address(self, desk: Desk) -> None:
        lost(desk)
        for text in ("777", "", "javascript:alert(1)", "ftp://wire.example/777"):
            with pytest.raises(InvalidInput):
                settle.it_is_live(desk.context, desk.actor("dima"), *POST, text)

    def test_what_was_missed_may_be_live_after_all(self, desk: Desk) -> None:
        """An earlier call got through, or somebody said it by hand."""
        desk.ready(desk.post())
        desk.clock.forward(minutes=10)
        desk.tick()
        assert desk.state() is D.MISSED

        settle.it_is_live(
            desk.context, desk.actor("dima"), "week/opening", "wire-en", "https://wire.example/77"
        )

        assert (desk.state(), desk.parts()) == (D.PUBLISHED, ["live"])

    def test_a_thread_that_was_missed_whole_is_not_live_by_one_address(self, desk: Desk) -> None:
        desk.ready(desk.post(words={"wire-en": ["part 1", "part 2"]}))
        desk.clock.forward(minutes=10)
        desk.tick()

        with pytest.raises(Conflict):
            settle.it_is_live(
                desk.context,
                desk.actor("dima"),
                "week/opening",
                "wire-en",
                "https://wire.example/7",
            )

    def test_what_is_live_or_still_to_come_needs_no_address(self, desk: Desk) -> None:
        desk.ready(desk.post())
        dima, address = desk.actor("dima"), "https://wire.example/1"
        with pytest.raises(Conflict, match="is scheduled"):
            settle.it_is_live(desk.context, dima, "week/opening", "wire-en", address)
        desk.tick()
        with pytest.raises(Conflict, match="is published"):
            settle.it_is_live(desk.context, dima, "week/opening", "wire-en", address)


class TestSendAgain:
    @pytest.mark.parametrize("make", [failed, lost])
    def test_the_same_words_go_out_in_a_new_window_in_that_persons_name(
        self,
        desk: Desk,
        make: Callable[[Desk], None],
    ) -> None:
        make(desk)
        said = len(desk.wire.ledger)

        settle.send_again(desk.context, desk.actor("dima"), *POST)
        desk.tick()

        assert desk.state() is D.PUBLISHED
        assert len(desk.wire.ledger) == said + 1
        assert ("dima", "send_again") in [(r.who, r.step) for r in desk.history()]

    def test_what_was_missed_goes_out_later(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.clock.forward(hours=5)
        desk.tick()
        at = desk.clock() + timedelta(hours=1)

        window = settle.send_again(desk.context, desk.actor("dima"), *POST, at=at)
        desk.tick()
        assert desk.wire.texts == []
        assert (window.due_at, window.not_after) == (at, at + timedelta(minutes=10))

        desk.clock.at = at
        desk.tick()
        assert len(desk.wire.texts) == 1

    def test_it_approves_the_time_and_never_the_words(self, desk: Desk) -> None:
        desk.queue(desk.post())
        desk.clock.forward(hours=2)
        desk.tick()
        assert desk.state() is D.MISSED

        settle.send_again(desk.context, desk.actor("dima"), *POST)
        desk.tick()
        assert desk.wire.texts == []

        desk.approve()
        desk.tick()
        assert len(desk.wire.texts) == 1

    def test_it_stops_counting_when_that_person_may_no_longer_settle(self, desk: Desk) -> None:
        failed(desk)
        settle.send_again(desk.context, desk.actor("dima"), *POST)
        change_person(desk.context, desk.actor("noor"), "dima", roles=["author"])

        desk.tick()

        assert desk.wire.texts == []
        assert "the new time awaits one approval" in desk.trouble()

    def test_it_goes_on_counting_when_something_else_about_that_person_changes(
        self, desk: Desk
    ) -> None:
        failed(desk)
        settle.send_again(desk.context, desk.actor("dima"), *POST)
        change_person(desk.context, desk.actor("noor"), "dima", languages=["fr"])

        desk.tick()

        assert desk.state() is D.PUBLISHED

    def test_what_is_live_of_a_thread_is_not_said_again(self, desk: Desk) -> None:
        desk.ready(desk.post(words={"wire-en": ["part 1", "part 2"]}))
        desk.wire.script = ["said", Refused("no")]
        desk.tick()

        settle.send_again(desk.context, desk.actor("rana"), *POST)
        desk.tick()

        assert desk.wire.texts == ["part 1", "part 2"]

    def test_a_withdrawn_post_is_not_sent(self, desk: Desk) -> None:
        failed(desk)
        review.withdraw(desk.context, desk.actor("amal"), "week/opening", "")

        with pytest.raises(Conflict, match="is withdrawn"):
            settle.send_again(desk.context, desk.actor("dima"), *POST)

    def test_a_time_that_is_past_is_refused(self, desk: Desk) -> None:
        failed(desk)
        with pytest.raises(InvalidInput, match="is past"):
            settle.send_again(
                desk.context,
                desk.actor("dima"),
                *POST,
                at=desk.clock() - timedelta(minutes=2),
            )

    def test_what_is_live_or_still_to_come_is_not_sent_again(self, desk: Desk) -> None:
        desk.ready(desk.post())
        for state in ("scheduled", "published"):
            with pytest.raises(Conflict, match=f"is {state}"):
                settle.send_again(desk.context, desk.actor("dima"), *POST)
            desk.tick()
        assert len(desk.wire.texts) == 1

    def test_it_is_refused_while_it_would_only_be_missed_again(self, desk: Desk) -> None:
        failed(desk)
        dima = desk.actor("dima")
        hold.add_hold(desk.context, dima, scope="account", value="wire-en", reason="a flood")
        with pytest.raises(Conflict, match="dima holds account wire-en: a flood"):
            settle.send_again(desk.context, dima, *POST)

        tomorrow = desk.clock() + timedelta(days=1)
        assert settle.send_again(desk.context, dima, *POST, at=tomorrow).due_at == tomorrow

    def test_a_suspended_account_is_connected_again_first(self, desk: Desk) -> None:
        failed(desk)
        with desk.context.database.write() as tx:
            publishing.suspend_account(tx, desk.looked().account.id, "the key was taken back")
        with pytest.raises(Conflict, match="is suspended: the key was taken back"):
            settle.send_again(desk.context, desk.actor("dima"), *POST)

    def test_earlier_words_of_which_nothing_is_live_are_not_sent_again(self, desk: Desk) -> None:
        words = {"wire-en": "Good morning", "wire-ar": "صباح الخير"}
        desk.ready(desk.post(words=words))
        desk.wire.hidden = True
        desk.wire.script = ["lost", Refused("no")]
        desk.tick()
        desk.queue(desk.post(words={"wire-en": "Good evening", "wire-ar": "مساء الخير"}))
        with desk.context.database.read() as tx:
            states = {
                (line.account, line.state): line.revision
                for line in reading.delivery_lines(tx, states=[D.UNCONFIRMED])
            }
        ((account, _),) = states

        with pytest.raises(Conflict, match="these are its earlier words"):
            settle.send_again(desk.context, desk.actor("dima"), POST[0], account)

    def test_after_it_expires_nothing_of_it_goes_out(self, desk: Desk) -> None:
        ends = MONDAY + timedelta(minutes=75)
        desk.ready(desk.post(expires=ends))
        desk.clock.forward(minutes=10)
        desk.tick()
        dima = desk.actor("dima")

        with pytest.raises(InvalidInput, match="expires at 2027-01-11 08:15 UTC"):
            settle.send_again(desk.context, dima, "week/opening", "wire-en", at=ends)
        window = settle.send_again(desk.context, dima, "week/opening", "wire-en")

        assert window.not_after == ends

    def test_years_ahead_is_a_slip_of_the_pen(self, desk: Desk) -> None:
        failed(desk)
        with pytest.raises(InvalidInput, match="more than a year"):
            settle.send_again(
                desk.context, desk.actor("dima"), *POST, at=desk.clock() + timedelta(days=400)
            )

    def test_several_accounts_go_again_in_one_window_or_not_at_all(self, desk: Desk) -> None:
        desk.ready(desk.post(words={"wire-en": "Good morning", "wire-ar": "صباح الخير"}))
        desk.clock.forward(hours=5)
        desk.tick()
        dima = desk.actor("dima")

        with pytest.raises(Stale):
            settle.send_rest_again(desk.context, dima, POST[0], {"wire-en": None, "wire-ar": 99})
        assert desk.state() is D.MISSED
        settle.send_rest_again(desk.context, dima, POST[0], {"wire-en": None, "wire-ar": None})
        desk.tick()

        assert sorted(desk.wire.texts) == ["Good morning", "صباح الخير"]


class TestAcknowledge:
    def test_what_stays_in_part_leaves_the_inbox_with_a_name_and_a_reason(self, desk: Desk) -> None:
        lost(desk, ["part 1", "part 2"], before=1)
        dima = desk.actor("dima")
        settle.drop(desk.context, dima, *POST, "enough")
        assert inbox.alarm_counts(desk.context, dima) == [(D.PARTIAL, 1)]

        settle.acknowledge(desk.context, dima, *POST, "half will do")

        assert desk.state() is D.PARTIAL
        assert inbox.alarm_counts(desk.context, dima) == []
        last = desk.history()[-1]
        assert (last.who, last.step, last.why) == ("dima", "acknowledge", "half will do")
        with pytest.raises(Conflict, match="does not wait for anybody"):
            settle.acknowledge(desk.context, dima, *POST, "again")

    def test_what_is_as_approved_needs_nobody(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.tick()
        with pytest.raises(Conflict, match="does not wait for anybody"):
            settle.acknowledge(desk.context, desk.actor("dima"), *POST, "fine")

    def test_what_can_still_be_settled_is(self, desk: Desk) -> None:
        lost(desk)
        with pytest.raises(Conflict, match="is unconfirmed"):
            settle.acknowledge(desk.context, desk.actor("dima"), *POST, "fine")


class TestDrop:
    @pytest.mark.parametrize("make", [failed, lost])
    def test_nothing_more_is_sent(
        self,
        desk: Desk,
        make: Callable[[Desk], None],
    ) -> None:
        make(desk)

        settle.drop(desk.context, desk.actor("dima"), *POST, "let it be")
        desk.tick()

        assert desk.state() is D.CANCELLED
        assert desk.history()[-1].why == "let it be"

    def test_what_is_live_is_not_dropped(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.tick()
        with pytest.raises(Conflict, match="is published"):
            settle.drop(desk.context, desk.actor("dima"), *POST, "")


@pytest.mark.parametrize("name", ["amal", "noor"])
def test_authors_and_admins_settle_nothing(desk: Desk, name: str) -> None:
    lost(desk)
    actor = desk.actor(name)
    with pytest.raises(NotAllowed):
        settle.it_is_live(desk.context, actor, *POST, URL)
    with pytest.raises(NotAllowed):
        settle.send_again(desk.context, actor, *POST)
    with pytest.raises(NotAllowed):
        settle.drop(desk.context, actor, *POST, "")
    with pytest.raises(NotAllowed):
        settle.acknowledge(desk.context, actor, *POST, "seen")


def test_an_account_that_a_post_does_not_go_to_is_told(desk: Desk) -> None:
    lost(desk)
    with pytest.raises(NotFound, match="does not go to wire-ar"):
        settle.drop(desk.context, desk.actor("dima"), "week/opening", "wire-ar", "")


def test_letting_an_unclear_thread_be_keeps_what_is_live_of_it_in_sight(desk: Desk) -> None:
    lost(desk, ["part 1", "part 2"], before=1)

    settle.drop(desk.context, desk.actor("dima"), *POST, "enough")

    assert (desk.state(), desk.parts()) == (D.PARTIAL, ["live", "unconfirmed"])


def test_two_people_with_one_stale_page_send_it_again_once(desk: Desk) -> None:
    lost(desk)
    shown = desk.looked().delivery.attempt
    settle.send_again(desk.context, desk.actor("dima"), *POST, shown=shown)
    desk.wire.script = ["lost"]
    desk.tick()
    assert desk.state() is D.UNCONFIRMED

    with pytest.raises(Stale, match="tried again since"):
        settle.send_again(desk.context, desk.actor("rana"), *POST, shown=shown)
