"""Taking down what is live, and what a crash in the middle of it leaves."""

from __future__ import annotations

import pytest

from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotSent
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.services.remove import remove
from tests.services.desk import Desk

POST = ("week/opening", "wire-en")
THREAD = {"wire-en": ["part 1", "part 2", "part 3"]}


def live(desk: Desk) -> None:
    desk.ready(desk.post(words=THREAD))
    desk.tick()
    assert desk.state() is D.PUBLISHED


def test_a_thread_is_taken_down_from_its_end(desk: Desk) -> None:
    live(desk)
    taken = remove(desk.context, desk.actor("dima"), *POST, "wrong figure")

    assert taken == 3
    assert desk.wire.texts == []
    removed = [row.part for row in desk.history() if row.step == "remove" and row.part]
    assert removed == [3, 2, 1]
    assert (desk.state(), desk.parts()) == (D.REMOVED, ["removed"] * 3)
    assert desk.history()[-1].why == "wrong figure"


def test_what_was_interrupted_is_run_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    live(desk)
    whole = desk.wire.remove

    def cut_off(connection: object, remote_id: str) -> None:
        if desk.wire.texts == ["part 1"]:
            raise NotSent("The network cannot be reached.")
        whole(connection, remote_id)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.wire, "remove", cut_off)
    with pytest.raises(NotSent):
        remove(desk.context, desk.actor("dima"), *POST, "wrong figure")
    assert (desk.state(), desk.parts()) == (D.PUBLISHED, ["live", "removed", "removed"])

    monkeypatch.undo()
    assert remove(desk.context, desk.actor("dima"), *POST, "wrong figure") == 1
    assert desk.state() is D.REMOVED


def test_only_whoever_settles_may_and_only_with_a_reason(desk: Desk) -> None:
    live(desk)
    for name in ("amal", "noor"):
        with pytest.raises(NotAllowed):
            remove(desk.context, desk.actor(name), *POST, "wrong figure")
    with pytest.raises(InvalidInput, match="needs a reason"):
        remove(desk.context, desk.actor("dima"), *POST, " ")
    assert desk.wire.texts == THREAD["wire-en"]


def test_what_is_not_live_cannot_be_taken_down(desk: Desk) -> None:
    desk.queue(desk.post(words=THREAD))
    with pytest.raises(Conflict, match="nothing to take down"):
        remove(desk.context, desk.actor("dima"), *POST, "wrong figure")
