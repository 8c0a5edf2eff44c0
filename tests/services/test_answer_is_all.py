"""A network that keeps nothing unseen and shows nothing again: files in the call, proof in the answer."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest

from social_scheduler.errors import Unconfirmed
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.platforms import Call, Connection, Published, Recovery, RecoveryKind
from social_scheduler.services import settle
from social_scheduler.store import reading as reading_store
from social_scheduler.store.tables import Proof, Verdict
from tests.services.desk import Desk


@pytest.fixture
def handed_over(desk: Desk) -> dict[str, bytes]:
    """The network is such a one; what its calls handed over, by SHA-256."""
    wire, found = desk.wire, dict[str, bytes]()
    wire.sends_files, wire.reads_back = True, False
    wire.recovery = Recovery(RecoveryKind.NONE)
    say = wire.say

    def told(account: str, call: Call) -> Published:
        return dataclasses.replace(say(account, call), seen=wire.as_seen(call))

    def asked(_: Connection, call: Call) -> None:
        found.update({sha256: file.read() for sha256, file in call.files.items()})

    wire.say = told  # type: ignore[method-assign]
    wire.asked = asked
    return found


def proof(desk: Desk) -> Proof:
    with desk.context.database.read() as tx:
        found = tx.get(Proof, (desk.looked().delivery.id, 1))
    assert found is not None
    return found


def alarms(desk: Desk) -> int:
    with desk.context.database.read() as tx:
        return len(reading_store.alarms(tx))


def crash_at(desk: Desk, wanted: str) -> None:
    def crash(moment: str) -> None:
        if moment == wanted:
            raise KeyboardInterrupt

    desk.at_moment = crash
    with pytest.raises(KeyboardInterrupt):
        desk.tick()
    desk.at_moment = lambda _: None


class TestFiles:
    def test_they_go_out_with_the_words_and_never_before(
        self, desk: Desk, handed_over: dict[str, bytes]
    ) -> None:
        items = [desk.picture("red"), desk.picture("green")]
        post = desk.post(pictures=items)
        desk.ready(post)
        desk.clock.at = post.window.due_at - timedelta(minutes=20)

        desk.publisher.reach.prepare_ahead()
        assert (desk.wire.calls, handed_over) == ([], {})

        desk.clock.at = post.window.due_at
        desk.tick()

        assert desk.wire.calls == ["identify", "publish"]
        assert handed_over == {
            item.sha256: desk.context.media.path(item.sha256).read_bytes() for item in items
        }
        assert desk.state() is D.PUBLISHED

    def test_each_part_of_a_thread_has_its_own(
        self, desk: Desk, handed_over: dict[str, bytes]
    ) -> None:
        given: list[list[str]] = []
        before = desk.wire.asked

        def asked(connection: Connection, call: Call) -> None:
            given.append(list(call.files))
            before(connection, call)

        desk.wire.asked = asked
        item = desk.picture()
        desk.ready(desk.post(words={"wire-en": ["one", "two"]}, pictures=[item]))

        desk.tick()

        assert given == [[item.sha256], []]

    def test_one_changed_between_the_last_look_and_the_call_is_not_sent(
        self, desk: Desk, handed_over: dict[str, bytes]
    ) -> None:
        item = desk.picture()
        path = desk.context.media.path(item.sha256)
        original = path.read_bytes()
        desk.ready(desk.post(pictures=[item]))

        def at(moment: str) -> None:
            if moment == "journalled":
                path.chmod(0o600)
                path.write_bytes(original + b"\0")

        desk.at_moment = at
        desk.tick()

        assert (desk.wire.texts, handed_over) == ([], {})
        assert desk.state() is D.SCHEDULED
        assert "cannot be read as it was approved" in desk.trouble()

        desk.at_moment = lambda _: None
        path.write_bytes(original)
        desk.clock.forward(minutes=1)
        desk.tick()
        assert desk.state() is D.PUBLISHED
        assert handed_over == {item.sha256: original}

    def test_one_changed_before_the_last_look_blocks_it(
        self, desk: Desk, handed_over: dict[str, bytes]
    ) -> None:
        item = desk.picture()
        desk.ready(desk.post(pictures=[item]))
        desk.context.media.path(item.sha256).unlink()

        desk.tick()

        assert "publish" not in desk.wire.calls
        assert "is not the approved one any more" in desk.trouble()


@pytest.mark.usefixtures("handed_over")
class TestProof:
    def test_an_answer_that_shows_what_was_approved_is_the_proof(self, desk: Desk) -> None:
        desk.ready(desk.post())

        desk.tick()
        desk.look()

        assert "read_back" not in desk.wire.calls
        assert (proof(desk).verdict, proof(desk).next_look_at) == (Verdict.EQUAL, None)
        assert [row.why for row in desk.history() if row.step == "prove"] == ["as answered: equal"]
        assert alarms(desk) == 0

    def test_an_answer_that_shows_other_words_is_told_to_people(self, desk: Desk) -> None:
        said = desk.wire.say

        def other(account: str, call: Call) -> Published:
            live = said(account, call)
            assert live.seen is not None
            return dataclasses.replace(live, seen=dataclasses.replace(live.seen, text="Other."))

        desk.wire.say = other  # type: ignore[method-assign]
        desk.ready(desk.post())

        desk.tick()

        assert desk.state() is D.PUBLISHED
        assert (proof(desk).verdict, proof(desk).fields) == (Verdict.DIFFERS, ["text"])
        assert alarms(desk) == 1

    @pytest.mark.parametrize("moment", ["outcome journalled", "outcome committed"])
    def test_what_the_answer_showed_outlives_a_crash(self, desk: Desk, moment: str) -> None:
        desk.ready(desk.post())
        crash_at(desk, moment)

        desk.restart()
        desk.look()

        assert desk.state() is D.PUBLISHED
        assert proof(desk).verdict is Verdict.EQUAL
        assert "read_back" not in desk.wire.calls

    def test_what_a_person_found_is_read_back_by_nobody_and_alarms_nobody(self, desk: Desk) -> None:
        desk.wire.script = [Unconfirmed("lost")]
        desk.ready(desk.post())
        desk.tick()
        desk.clock.forward(hours=1)
        desk.look()
        assert desk.state() is D.UNCONFIRMED
        assert "find" not in desk.wire.calls, "nobody can look"

        url = "https://wire.example/id/77"
        settle.it_is_live(desk.context, desk.actor("dima"), "week/opening", "wire-en", url)
        desk.look()

        assert desk.state() is D.PUBLISHED
        assert "read_back" not in desk.wire.calls
        assert (proof(desk).verdict, proof(desk).next_look_at) == (None, None)
        assert alarms(desk) == 0
