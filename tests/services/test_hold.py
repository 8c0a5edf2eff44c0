"""Holds: what each stops, who places and who releases them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.services import hold, settle
from social_scheduler.store.tables import Hold
from tests.services.desk import Desk


def place(desk: Desk, scope: str = "everything", value: str = "", by: str = "dima") -> Hold:
    return hold.add_hold(desk.context, desk.actor(by), scope=scope, value=value, reason="a flood")


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        ("everything", ""),
        ("campaign", "week"),
        ("post", "week/opening"),
        ("account", "wire-en"),
        ("language", "en"),
        ("tag", "training"),
        ("kind", "spotlight"),
    ],
)
def test_what_becomes_due_under_a_hold_waits_for_a_person(
    desk: Desk, scope: str, value: str
) -> None:
    desk.ready(desk.post(tags=["training", "loom"]))
    placed = place(desk, scope, value)

    desk.tick()
    assert (desk.state(), desk.wire.calls) == (D.MISSED, [])
    assert "dima holds" in desk.trouble()

    hold.release_hold(desk.context, desk.actor("dima"), placed.id)
    desk.tick()
    assert (desk.state(), desk.wire.calls) == (D.MISSED, [])

    settle.send_again(desk.context, desk.actor("dima"), "week/opening", "wire-en")
    desk.tick()
    assert desk.state() is D.PUBLISHED


def test_what_is_due_after_a_release_goes_out(desk: Desk) -> None:
    desk.ready(desk.post())
    desk.clock.forward(minutes=-5)
    placed = place(desk)
    desk.tick()
    hold.release_hold(desk.context, desk.actor("dima"), placed.id)

    desk.clock.forward(minutes=5)
    desk.tick()

    assert desk.state() is D.PUBLISHED


@pytest.mark.parametrize(
    ("scope", "value"),
    [
        ("campaign", "month"),
        ("account", "wire-ar"),
        ("language", "ar"),
        ("tag", "train"),
        ("kind", "quote"),
    ],
)
def test_a_hold_on_something_else_stops_nothing_here(desk: Desk, scope: str, value: str) -> None:
    desk.queue(desk.post("other", campaign="month", tags=["train"], minutes=600))
    desk.ready(desk.post(tags=["training"]))
    place(desk, scope, value)

    desk.tick()
    assert desk.state() is D.PUBLISHED


@pytest.mark.parametrize(
    ("scope", "written", "meant"),
    [
        ("language", "EN", "en"),
        ("account", "@wire-en ", "wire-en"),
        ("campaign", "Week", "week"),
        ("kind", "Quote", "quote"),
    ],
)
def test_a_hold_is_on_what_was_meant(desk: Desk, scope: str, written: str, meant: str) -> None:
    desk.queue(desk.post())
    assert place(desk, scope, written).value == meant


@pytest.mark.parametrize(
    ("scope", "value"),
    [("language", "english"), ("campaign", "weke"), ("account", "wire"), ("tag", "flod")],
)
def test_a_hold_on_what_there_is_not_says_that_nothing_is_held(
    desk: Desk, scope: str, value: str
) -> None:
    desk.queue(desk.post(tags=["flood"]))
    with pytest.raises(NotFound, match="nothing is held"):
        place(desk, scope, value)


def test_what_lapsed_under_a_hold_is_missed_not_caught_up(desk: Desk) -> None:
    desk.ready(desk.post())
    placed = place(desk)
    desk.clock.forward(minutes=10)

    hold.release_hold(desk.context, desk.actor("dima"), placed.id)
    desk.tick()

    assert (desk.state(), desk.wire.texts) == (D.MISSED, [])


def test_a_hold_ends_by_itself_at_its_end(desk: Desk) -> None:
    desk.ready(desk.post())
    hold.add_hold(
        desk.context,
        desk.actor("dima"),
        scope="everything",
        value="",
        reason="silence",
        until=desk.clock() + timedelta(minutes=5),
    )
    desk.clock.forward(minutes=5)
    desk.tick()
    assert desk.state() is D.MISSED


def test_what_is_due_after_a_hold_has_ended_goes_out(desk: Desk) -> None:
    desk.ready(desk.post(minutes=66))
    desk.clock.forward(minutes=-6)
    hold.add_hold(
        desk.context,
        desk.actor("dima"),
        scope="everything",
        value="",
        reason="silence",
        until=desk.clock() + timedelta(minutes=5),
    )
    desk.clock.forward(minutes=6)
    desk.tick()
    assert desk.state() is D.PUBLISHED


def test_released_without_a_worker_in_between_it_still_waits_for_a_person(desk: Desk) -> None:
    desk.ready(desk.post())
    placed = place(desk)
    desk.clock.forward(seconds=1)
    hold.release_hold(desk.context, desk.actor("dima"), placed.id)

    desk.tick()

    assert (desk.state(), desk.wire.texts) == (D.MISSED, [])


@pytest.mark.parametrize("name", ["rana", "dima", "noor"])
def test_reviewers_duty_and_admins_place_holds(desk: Desk, name: str) -> None:
    assert place(desk, by=name).placed_by == name


def test_authors_do_not(desk: Desk) -> None:
    with pytest.raises(NotAllowed):
        place(desk, by="amal")


def test_a_reviewer_releases_their_own_hold_only(desk: Desk) -> None:
    mine, other = place(desk, by="rana"), place(desk, by="dima")

    hold.release_hold(desk.context, desk.actor("rana"), mine.id)
    with pytest.raises(NotAllowed, match="dima placed this hold"):
        hold.release_hold(desk.context, desk.actor("rana"), other.id)
    hold.release_hold(desk.context, desk.actor("noor"), other.id)

    assert hold.list_holds(desk.context, desk.actor("amal")) == []
    assert len(hold.list_holds(desk.context, desk.actor("amal"), every=True)) == 2


def test_a_hold_is_released_once(desk: Desk) -> None:
    placed = place(desk)
    hold.release_hold(desk.context, desk.actor("dima"), placed.id)

    with pytest.raises(Conflict, match="dima released this hold already"):
        hold.release_hold(desk.context, desk.actor("noor"), placed.id)
    with pytest.raises(NotFound):
        hold.release_hold(desk.context, desk.actor("noor"), 99)


def test_holds_that_make_no_sense_are_refused(desk: Desk) -> None:
    dima = desk.actor("dima")
    for scope, value, reason in (
        ("universe", "", "a flood"),
        ("everything", "en", "a flood"),
        ("language", "", "a flood"),
        ("language", "en", " "),
    ):
        with pytest.raises(InvalidInput):
            hold.add_hold(desk.context, dima, scope=scope, value=value, reason=reason)
    with pytest.raises(InvalidInput, match="ended already"):
        hold.add_hold(
            desk.context, dima, scope="everything", value="", reason="x", until=desk.clock()
        )


def test_placing_and_releasing_are_in_the_history(desk: Desk) -> None:
    hold.release_hold(desk.context, desk.actor("noor"), place(desk).id)

    rows = desk.history()[-2:]
    assert [(r.who, r.step) for r in rows] == [("dima", "hold"), ("noor", "release_hold")]
    assert rows[0].why == "dima holds everything: a flood"
