"""From due to proved: what is sent, in which order things become durable, and what stops it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

import pytest

from social_scheduler.errors import NotSent, RateLimited, Refused, Unauthorized, Unconfirmed
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.message import Attachment
from social_scheduler.platforms import Call, Connection, Published, Upload, may_still_go_out
from social_scheduler.services import hold, review
from social_scheduler.services.calling import INTENT_LASTS
from social_scheduler.services.claim import LEASE, Room, Turn, take_due
from social_scheduler.services.unsent import NOT_HANDED_OVER
from social_scheduler.store import publishing as store
from social_scheduler.store.tables import AccountState, Attempt
from tests.services.desk import WORKER, Desk, whose


def attempts(desk: Desk) -> list[Attempt]:
    with desk.context.database.read() as tx:
        return store.attempts_of(tx, desk.looked().delivery.id)


def thread(desk: Desk, parts: int = 3) -> None:
    desk.ready(desk.post(words={"wire-en": [f"part {n}" for n in range(1, parts + 1)]}))


class TestWhatIsDue:
    def test_an_approved_post_is_said_once_when_it_is_due(self, desk: Desk) -> None:
        desk.ready(desk.post(words={"wire-en": "Good morning", "wire-ar": "صباح الخير"}))

        desk.tick()
        desk.tick()

        assert sorted(desk.wire.texts) == ["Good morning", "صباح الخير"]
        assert desk.state() is desk.state(account="wire-ar") is D.PUBLISHED
        part = desk.looked().parts[0]
        assert (part.remote_id, part.live_at) == ("1000", desk.clock())
        assert part.url == "https://wire.example/id-wire-en/1000"

    def test_nothing_is_said_a_microsecond_early(self, desk: Desk) -> None:
        post = desk.post()
        desk.ready(post)
        desk.clock.at = post.window.due_at - timedelta(microseconds=1)

        desk.tick()
        assert desk.wire.calls == []

        desk.clock.forward(seconds=0.000001)
        desk.tick()
        assert desk.wire.texts == ["opening: good morning"]

    def test_what_nobody_approved_is_never_claimed_and_then_missed(self, desk: Desk) -> None:
        post = desk.post()
        desk.queue(post)
        desk.clock.at = post.window.due_at

        desk.tick()
        assert desk.state() is D.SCHEDULED

        desk.clock.at = post.window.not_after
        desk.tick()
        assert desk.state() is D.MISSED
        assert desk.trouble() == "the window closed; the post was in review"
        assert desk.wire.calls == []

    def test_an_embargo_holds_back_what_is_due(self, desk: Desk) -> None:
        import dataclasses

        post = desk.post()
        embargo = post.window.due_at + timedelta(minutes=5)
        post = dataclasses.replace(
            post, window=dataclasses.replace(post.window, not_before=embargo)
        )
        desk.ready(post)

        desk.tick()
        assert desk.wire.texts == []

        desk.clock.at = embargo
        desk.tick()
        assert len(desk.wire.texts) == 1

    def test_two_workers_never_claim_the_same_delivery(self, desk: Desk) -> None:
        desk.ready(desk.post())
        other = desk.new_publisher("worker-2")

        claims = [*desk.publisher.claim_due(), *other.claim_due()]

        assert len(claims) == 1
        assert desk.looked().delivery.worker == WORKER
        assert desk.looked().delivery.lease_until == desk.clock() + LEASE

    def test_held_ones_in_front_do_not_keep_the_others_waiting(self, desk: Desk) -> None:
        posts = [desk.post(f"a{n}", tags=["slow"]) for n in range(5)]
        desk.ready(*posts, desk.post("last"))
        hold.add_hold(desk.context, desk.actor("dima"), scope="tag", value="slow", reason="wait")

        turns = take_due(desk.context, WORKER, room=Room(1)) + take_due(
            desk.context, WORKER, room=Room(6)
        )

        assert [t.claims[0].delivery_id for t in turns] == [desk.looked("week/last").delivery.id]


class TestOrder:
    def test_the_intent_is_durable_in_database_and_journal_before_the_call(
        self, desk: Desk
    ) -> None:
        desk.ready(desk.post())
        seen: list[object] = []

        def asked(connection: Connection, call: Call) -> None:
            last = list(desk.context.journal.records())[-1]
            seen.append((last["is"], last["part"], last["digest"] == call.key))
            seen.append((desk.state(), desk.parts(), attempts(desk)[0].outcome))

        desk.wire.asked = asked
        desk.tick()

        assert seen == [("intent", 1, True), (D.SENDING, ["sending"], None)]

    def test_every_named_moment_comes_in_its_order(self, desk: Desk) -> None:
        desk.ready(desk.post())

        desk.tick()
        desk.look()

        assert desk.moments == [
            "claimed",
            "looked",
            "intended",
            "journalled",
            "answered",
            "outcome journalled",
            "outcome committed",
            "proved",
        ]

    def test_the_answer_is_in_the_journal_before_the_database_is_told(self, desk: Desk) -> None:
        desk.ready(desk.post())
        seen: list[object] = []

        def at(moment: str) -> None:
            if moment == "outcome journalled":
                seen.extend([o.outcome for o in desk.context.journal.read().outcomes.values()])
                seen.append(desk.state())

        desk.at_moment = at
        desk.tick()

        assert seen == ["published", D.SENDING]

    def test_the_journal_never_holds_a_key(self, desk: Desk) -> None:
        desk.context.vault.put(whose("wire-en"), {"token": "id-wire-en"})
        desk.ready(desk.post())
        desk.tick()

        told = [json.dumps(r) for r in desk.context.journal.records() if r["is"] == "intent"]
        assert told
        assert all("id-wire-en" not in line for line in told)


class TestAnswers:
    def test_what_was_certainly_not_sent_is_tried_again_a_little_later(self, desk: Desk) -> None:
        desk.ready(desk.post())
        due = desk.looked().delivery.due_at
        desk.wire.script = [NotSent("no route"), NotSent("no route")]

        desk.tick()
        assert (desk.state(), desk.parts()) == (D.SCHEDULED, ["waiting"])
        assert desk.looked().delivery.ready_at == desk.clock() + timedelta(seconds=5)
        desk.tick()
        desk.clock.forward(seconds=5)
        desk.tick()
        assert desk.looked().delivery.ready_at == desk.clock() + timedelta(seconds=10)
        desk.clock.forward(seconds=10)
        desk.tick()

        assert desk.state() is D.PUBLISHED
        assert desk.looked().delivery.due_at == due
        assert [a.outcome for a in attempts(desk)] == ["not_sent", "not_sent", "published"]

    def test_a_network_that_is_away_for_hours_is_tried_all_the_while(self, desk: Desk) -> None:
        """Pauses grow to two minutes and no further, however often it is tried."""
        post = desk.post(late=24 * 60)
        desk.ready(post)
        desk.wire.script = [NotSent("no route") for _ in range(50)]

        for _ in range(50):
            desk.clock.forward(minutes=2)
            desk.tick()
        assert desk.wire.script == []
        desk.clock.forward(minutes=2)
        desk.tick()

        assert desk.state() is D.PUBLISHED

    def test_what_cannot_be_tried_again_in_time_is_missed_at_once(self, desk: Desk) -> None:
        post = desk.post(late=10)
        desk.ready(post)
        desk.wire.script = [RateLimited("full", until=post.window.not_after)]

        desk.tick()

        assert desk.state() is D.MISSED
        assert desk.steps()[-2:] == ["postpone", "miss"]

    def test_a_rate_limit_rests_the_account_and_is_obeyed(self, desk: Desk) -> None:
        desk.ready(desk.post(), desk.post("second"))
        until = desk.clock() + timedelta(minutes=3)
        desk.wire.script = [RateLimited("full", until=until)]
        first, second = desk.publisher.claim_due()

        desk.publisher.send(first)
        desk.publisher.send(second)
        desk.tick()
        assert desk.wire.texts == []
        assert desk.looked().account.limited_until == until

        desk.clock.at = until
        desk.tick()
        assert len(desk.wire.texts) == 2

    def test_a_refusal_is_final_until_a_person_says_otherwise(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.wire.script = [Refused("duplicate", evidence="403")]

        desk.tick()
        desk.clock.forward(minutes=2)
        desk.tick()

        assert (desk.state(), desk.parts()) == (D.FAILED, ["refused"])
        assert "duplicate 403" in desk.trouble()
        assert desk.wire.calls.count("publish") == 1

    def test_keys_that_are_not_accepted_suspend_the_account(self, desk: Desk) -> None:
        desk.ready(desk.post(), desk.post("second"))
        desk.wire.script = [Unauthorized("the keys were withdrawn")]

        for _ in range(3):
            desk.tick()
            desk.clock.forward(minutes=1)

        assert desk.looked().account.state is AccountState.SUSPENDED
        assert desk.looked().account.trouble == "the keys were withdrawn"
        assert desk.wire.calls.count("publish") == 1
        assert desk.state() is D.SCHEDULED

    @pytest.mark.parametrize(
        "answer", ["lost", Unconfirmed("no answer"), KeyError("id"), ValueError("html")]
    )
    def test_an_unclear_answer_is_never_repeated(self, desk: Desk, answer: Exception | str) -> None:
        desk.ready(desk.post())
        desk.wire.hidden = True
        desk.wire.script = [answer]

        for _ in range(20):
            desk.tick()
            desk.look()
            desk.clock.forward(minutes=1)

        assert (desk.state(), desk.parts()) == (D.UNCONFIRMED, ["unconfirmed"])
        assert desk.wire.calls.count("publish") == 1

    def test_what_a_module_did_not_foresee_is_kept_as_evidence_without_its_words(
        self, desk: Desk
    ) -> None:
        desk.ready(desk.post())
        desk.wire.script = [KeyError("Bearer secret")]

        desk.tick()

        assert "KeyError" in (attempts(desk)[0].evidence or "")
        assert "secret" not in (attempts(desk)[0].evidence or "") + desk.trouble()

    @pytest.mark.parametrize(("odd", "kept"), [("\0", r"\x00"), ("\ud800", r"\ud800")])
    def test_odd_characters_of_a_network_are_kept_readable_and_stop_nothing(
        self, desk: Desk, odd: str, kept: str
    ) -> None:
        desk.ready(desk.post("one"), desk.post("two"))
        desk.wire.script = [Refused(f"no {odd}", evidence=f"403 {odd}")]
        desk.wire.say = lambda account, call: Published(f"1{odd}", f"https://{odd}")  # type: ignore[method-assign]

        desk.tick()
        desk.restart()

        assert (desk.state("week/one"), desk.state("week/two")) == (D.FAILED, D.PUBLISHED)
        assert desk.trouble("week/one") == f"no {kept} 403 {kept}"
        part = desk.looked("week/two").parts[0]
        assert (part.remote_id, part.url) == (f"1{kept}", f"https://{kept}")

    def test_an_intent_older_than_a_second_is_given_up_as_not_sent(self, desk: Desk) -> None:
        """The computer slept between intent and call: nobody knows what happened meanwhile."""
        desk.ready(desk.post())
        elapsed = [0.0]
        desk.publisher = desk.new_publisher(monotonic=lambda: elapsed[0])

        def sleep(moment: str) -> None:
            elapsed[0] += INTENT_LASTS + 0.1 if moment == "journalled" else 0

        desk.at_moment = sleep
        desk.tick()
        assert (desk.state(), desk.wire.texts) == (D.SCHEDULED, [])
        assert "too long" in desk.trouble()

        desk.at_moment = lambda _: None
        desk.clock.forward(seconds=5)
        desk.tick()
        assert len(desk.wire.texts) == 1


class TestBeforeTheIntent:
    def test_trouble_with_the_identity_sends_nothing(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.wire.troubles = {"identify": [NotSent("no route")]}

        desk.tick()
        assert (desk.state(), desk.wire.texts) == (D.SCHEDULED, [])

        desk.clock.forward(seconds=30)
        desk.tick()
        assert desk.state() is D.PUBLISHED

    def test_a_refused_picture_fails_the_delivery(self, desk: Desk) -> None:
        desk.ready(desk.post(pictures=[desk.picture()]))
        desk.wire.troubles = {"upload": [Refused("not a picture")]}

        desk.tick()

        assert (desk.state(), desk.trouble()) == (D.FAILED, "not a picture")
        assert "publish" not in desk.wire.calls

    def test_keys_that_are_missing_are_told_and_nothing_is_sent(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.lose_keys("wire-en")

        desk.tick()

        assert "no keys for wire-en" in desk.trouble()
        assert desk.wire.calls == []

    def test_keys_of_another_account_send_nothing(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.context.vault.put(whose("wire-en"), {"token": "mallory"})

        desk.tick()

        assert desk.wire.texts == []
        assert "the network says mallory" in desk.trouble()

    def test_the_last_look_judges_the_very_keys_that_the_call_uses(self, desk: Desk) -> None:
        """Also when they are put right between making ready and beginning."""
        desk.ready(desk.post("one"), desk.post("two"))
        desk.context.vault.put(whose("wire-en"), {"token": "mallory"})
        with_wrong_keys, (claim,) = (turn.claims for turn in desk.publisher.claim_due())
        wrong = desk.publisher.make_ready(Turn(with_wrong_keys, desk.clock()))
        desk.context.vault.put(whose("wire-en"), {"token": "id-wire-en"})
        claim = dataclasses.replace(claim, keys=claim.keys + 1)  # claimed after that
        right = desk.publisher.make_ready(Turn((claim,), desk.clock()))

        begun = desk.publisher.begin([each for each in (wrong, right) if each])
        desk.publisher.conclude([(one, desk.publisher.caller.call(one)) for one in begun])

        assert [(s.account, s.text) for s in desk.wire.ledger] == [
            ("id-wire-en", "two: good morning")
        ]
        assert "the network says mallory" in desk.trouble("week/one")

    @pytest.mark.parametrize("call", ["identify", "upload"])
    def test_what_a_module_did_not_foresee_before_the_call_is_asked_again(
        self, desk: Desk, call: str
    ) -> None:
        desk.ready(desk.post(pictures=[desk.picture()]))
        desk.wire.troubles = {call: [KeyError("data")]}

        desk.tick()
        assert (desk.state(), desk.wire.texts) == (D.SCHEDULED, [])
        assert "unforeseen" in desk.trouble()

        desk.clock.forward(minutes=1)
        desk.tick()
        assert desk.state() is D.PUBLISHED

    def test_pictures_are_uploaded_ahead_and_only_once(self, desk: Desk) -> None:
        post = desk.post(pictures=[desk.picture()])
        desk.ready(post)
        desk.clock.at = post.window.due_at - timedelta(minutes=20)

        desk.publisher.reach.prepare_ahead()
        desk.publisher.reach.prepare_ahead()
        assert desk.wire.calls == ["identify", "upload"]

        desk.clock.at = post.window.due_at
        desk.tick()
        assert desk.wire.calls == ["identify", "upload", "publish"]

    def test_pictures_of_what_is_not_approved_never_leave(self, desk: Desk) -> None:
        post = desk.post(pictures=[desk.picture()])
        desk.queue(post)
        desk.clock.at = post.window.due_at - timedelta(minutes=20)

        desk.publisher.reach.prepare_ahead()

        assert desk.wire.calls == []

    def test_pictures_of_what_is_held_never_leave(self, desk: Desk) -> None:
        post = desk.post(pictures=[desk.picture()])
        desk.ready(post)
        desk.clock.at = post.window.due_at - timedelta(minutes=20)
        hold.add_hold(
            desk.context, desk.actor("dima"), scope="everything", value="", reason="flood"
        )

        desk.publisher.reach.prepare_ahead()

        assert "upload" not in desk.wire.calls

    def test_a_picture_that_was_changed_on_disk_is_not_sent(self, desk: Desk) -> None:
        item = desk.picture()
        desk.ready(desk.post(pictures=[item]))
        path = desk.context.media.path(item.sha256)
        path.chmod(0o600)
        path.write_bytes(path.read_bytes() + b"\0")

        desk.tick()

        assert desk.wire.texts == []
        assert "upload" not in desk.wire.calls
        assert "is not the approved one any more" in desk.trouble()

    def test_a_picture_file_that_cannot_be_opened_stops_nothing_but_its_post(
        self, desk: Desk
    ) -> None:
        item = desk.picture()
        desk.ready(desk.post("one", pictures=[item]), desk.post("two"))
        path = desk.context.media.path(item.sha256)
        path.unlink()
        path.mkdir()

        desk.tick()

        assert desk.wire.texts == ["two: good morning"]
        assert desk.state("week/one") is D.SCHEDULED
        assert "is not the approved one any more" in desk.trouble("week/one")

    def test_a_call_never_goes_out_without_its_approved_pictures(self, desk: Desk) -> None:
        """A hold that came and went kept them from being handed over."""
        desk.ready(desk.post(pictures=[desk.picture()]))
        (turn,) = desk.publisher.claim_due()
        placed = hold.add_hold(
            desk.context, desk.actor("dima"), scope="everything", value="", reason="flood"
        )
        ready = desk.publisher.make_ready(turn)
        hold.release_hold(desk.context, desk.actor("dima"), placed.id)

        assert ready is not None
        assert desk.publisher.begin([ready]) == []
        assert (desk.state(), desk.trouble()) == (D.SCHEDULED, NOT_HANDED_OVER)

    def test_a_call_never_goes_out_with_pictures_that_the_network_has_dropped(
        self, desk: Desk
    ) -> None:
        desk.ready(desk.post(late=180, pictures=[desk.picture()]))
        (turn,) = desk.publisher.claim_due()
        ready = desk.publisher.make_ready(turn)
        desk.clock.forward(hours=1)

        assert ready is not None
        assert desk.publisher.begin([ready]) == []
        assert (desk.state(), desk.trouble()) == (D.SCHEDULED, NOT_HANDED_OVER)

    def test_two_workers_that_hand_over_one_picture_do_not_stop_each_other(
        self, desk: Desk
    ) -> None:
        desk.ready(desk.post(pictures=[desk.picture()]))
        desk.clock.forward(minutes=-20)
        other = desk.new_publisher("worker-2")
        alone = desk.wire.upload

        def meanwhile(
            connection: Connection, item: Attachment, files: Mapping[str, BinaryIO]
        ) -> Upload:
            desk.wire.upload = alone  # type: ignore[method-assign]
            other.reach.prepare_ahead()
            return alone(connection, item, files)

        desk.wire.upload = meanwhile  # type: ignore[method-assign]
        desk.publisher.reach.prepare_ahead()
        desk.clock.forward(minutes=20)
        desk.tick()

        assert desk.state() is D.PUBLISHED
        assert desk.wire.calls.count("upload") == 2


class TestALastMoment:
    def test_what_a_module_asks_first_may_not_take_so_long_that_a_stop_is_passed_over(
        self, desk: Desk
    ) -> None:
        desk.ready(desk.post())
        told: list[bool] = []

        def asked(connection: Connection, call: Call) -> None:
            for seconds in (0.5, 1.0):
                desk.clock.forward(seconds=seconds)
                told.append(may_still_go_out.get()())

        desk.wire.asked = asked
        desk.tick()

        assert told == [True, False]
        assert may_still_go_out.get()(), "outside of a call of the worker there is no such limit"


class TestFilms:
    """What a network works on for a while before a post may use it."""

    def test_a_film_that_is_ready_in_time_is_sent_when_due(self, desk: Desk) -> None:
        desk.wire.working_on_uploads = 3
        desk.ready(desk.post(pictures=[desk.picture()]))
        desk.clock.forward(minutes=-20)
        for _ in range(5):
            desk.publisher.reach.prepare_ahead()
            desk.clock.forward(minutes=2)
        desk.clock.forward(minutes=10)
        desk.tick()

        assert desk.state() is D.PUBLISHED
        assert (desk.wire.calls.count("upload"), desk.wire.calls.count("look_at_upload")) == (1, 3)

    def test_while_the_network_works_on_it_when_due_nothing_is_sent_yet(self, desk: Desk) -> None:
        desk.wire.working_on_uploads = 2
        desk.ready(desk.post(pictures=[desk.picture()]))
        desk.tick()
        assert (desk.state(), desk.wire.texts) == (D.SCHEDULED, [])
        assert "still works on a film" in desk.trouble()

        for _ in range(3):
            desk.clock.forward(minutes=1)
            desk.tick()
        assert desk.state() is D.PUBLISHED
        assert desk.wire.calls.count("upload") == 1

    def test_a_film_that_the_network_cannot_use_fails_and_is_handed_over_anew_next_time(
        self, desk: Desk
    ) -> None:
        desk.wire.working_on_uploads = -1
        desk.ready(desk.post(pictures=[desk.picture()]))
        for _ in range(2):
            desk.tick()
            desk.clock.forward(minutes=1)

        assert (desk.state(), desk.wire.texts) == (D.FAILED, [])
        with desk.context.database.read() as tx:
            assert store.uploads_of(tx, desk.looked().delivery.id, desk.clock()) == []


class TestAThreadInOneCall:
    """Bluesky's way: every part goes live in the call of the first, or none."""

    def test_every_part_is_live_after_one_call_and_each_is_proved(self, desk: Desk) -> None:
        desk.wire.whole_thread = True
        thread(desk)

        desk.tick()

        assert (desk.state(), desk.parts()) == (D.PUBLISHED, ["live"] * 3)
        assert desk.wire.calls.count("publish") == 1
        assert [p.remote_id for p in desk.looked().parts] == ["1000", "1001", "1002"]
        assert [row.step for row in desk.history() if row.part == 3] == ["follow"]
        desk.look()
        assert desk.wire.calls.count("read_back") == 3

    def test_when_its_answer_is_lost_all_of_it_is_found(self, desk: Desk) -> None:
        desk.wire.whole_thread = True
        thread(desk)
        desk.wire.script = ["lost"]
        desk.tick()
        assert (desk.state(), desk.parts()) == (
            D.UNCONFIRMED,
            ["unconfirmed", "waiting", "waiting"],
        )

        desk.clock.forward(seconds=10)
        desk.look()

        assert (desk.state(), desk.parts()) == (D.PUBLISHED, ["live"] * 3)
        assert desk.wire.calls.count("publish") == 1

    def test_a_crash_after_the_answer_loses_none_of_it(self, desk: Desk) -> None:
        """The journal tells of the whole thread."""
        desk.wire.whole_thread = True
        thread(desk)

        def crash(moment: str) -> None:
            if moment == "outcome journalled":
                raise KeyboardInterrupt

        desk.at_moment = crash
        with pytest.raises(KeyboardInterrupt):
            desk.tick()
        desk.at_moment = lambda _: None
        desk.restart()

        assert (desk.state(), desk.parts()) == (D.PUBLISHED, ["live"] * 3)
        assert desk.wire.calls.count("publish") == 1


class TestThreads:
    def test_a_thread_is_said_in_order_each_part_in_reply_to_the_one_before(
        self, desk: Desk
    ) -> None:
        thread(desk)

        desk.tick()

        said = desk.wire.ledger
        assert [s.text for s in said] == ["part 1", "part 2", "part 3"]
        assert [s.reply_to for s in said] == [None, "1000", "1001"]
        assert desk.state() is D.PUBLISHED

    def test_a_refusal_with_a_part_live_is_partial(self, desk: Desk) -> None:
        thread(desk)
        desk.wire.script = ["said", Refused("no")]

        desk.tick()

        assert (desk.state(), desk.parts()) == (D.PARTIAL, ["live", "refused", "waiting"])

    def test_a_thread_goes_on_where_it_stood(self, desk: Desk) -> None:
        thread(desk)
        desk.wire.script = ["said", NotSent("no route")]

        desk.tick()
        assert (desk.state(), desk.parts()) == (D.SCHEDULED, ["live", "waiting", "waiting"])

        desk.clock.forward(seconds=5)
        desk.tick()
        assert desk.wire.texts == ["part 1", "part 2", "part 3"]
        assert desk.wire.ledger[1].reply_to == "1000"

    def test_a_hold_stops_a_thread_between_two_parts(self, desk: Desk) -> None:
        thread(desk)

        def at(moment: str) -> None:
            if moment == "outcome committed" and len(desk.wire.ledger) == 1:
                hold.add_hold(
                    desk.context, desk.actor("dima"), scope="language", value="en", reason="flood"
                )

        desk.at_moment = at
        desk.tick()

        assert desk.wire.texts == ["part 1"]
        assert (desk.state(), desk.parts()) == (D.PARTIAL, ["live", "waiting", "waiting"])
        assert "flood" in desk.trouble()

    def test_a_window_that_closes_in_the_middle_of_a_thread_leaves_it_partial(
        self, desk: Desk
    ) -> None:
        thread(desk)
        closing = desk.looked().delivery.not_after
        desk.wire.script = ["said", NotSent("no route")]
        desk.tick()

        desk.clock.at = closing
        desk.tick()

        assert (desk.state(), desk.wire.texts) == (D.PARTIAL, ["part 1"])

    def test_a_rate_limit_beyond_the_window_leaves_a_thread_partial(self, desk: Desk) -> None:
        thread(desk)
        later = datetime(2027, 2, 1, tzinfo=UTC)
        desk.wire.script = ["said", RateLimited("full", until=later)]

        desk.tick()

        assert desk.state() is D.PARTIAL

    def test_a_crash_between_two_parts_goes_on_with_the_next(self, desk: Desk) -> None:
        thread(desk)
        desk.at_moment = crash("outcome committed")
        with pytest.raises(Crashed):
            desk.tick()
        assert desk.state() is D.SENDING

        desk.at_moment = lambda _: None
        desk.restart()
        desk.tick()

        assert desk.wire.texts == ["part 1", "part 2", "part 3"]
        assert desk.state() is D.PUBLISHED


class Crashed(BaseException):
    """The process died here."""


def crash(point: str):  # type: ignore[no-untyped-def]
    """Die at a moment."""

    def at(moment: str) -> None:
        if moment == point:
            raise Crashed(point)

    return at


class TestCrashes:
    """A worker dies at each named moment; another one takes over. Nothing is ever said twice."""

    @pytest.mark.parametrize(
        ("point", "state", "said"),
        [
            ("claimed", D.PUBLISHED, 1),
            ("looked", D.PUBLISHED, 1),
            ("intended", D.UNCONFIRMED, 0),
            ("journalled", D.UNCONFIRMED, 0),
            ("answered", D.PUBLISHED, 1),
            ("outcome journalled", D.PUBLISHED, 1),
            ("outcome committed", D.PUBLISHED, 1),
        ],
    )
    def test_what_a_crash_leaves_behind_is_settled(
        self, desk: Desk, point: str, state: D, said: int
    ) -> None:
        desk.ready(desk.post())
        desk.at_moment = crash(point)
        with pytest.raises(Crashed):
            desk.tick()
        desk.at_moment = lambda _: None

        desk.restart()
        for _ in range(5):
            desk.tick()
            desk.look()
            desk.clock.forward(seconds=30)

        assert (desk.state(), len(desk.wire.texts)) == (state, said)

    def test_a_refusal_that_only_the_journal_knows_is_not_repeated(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.wire.script = [Refused("no")]
        desk.at_moment = crash("outcome journalled")
        with pytest.raises(Crashed):
            desk.tick()
        desk.at_moment = lambda _: None

        desk.restart()
        desk.tick()

        assert desk.state() is D.FAILED
        assert desk.wire.calls.count("publish") == 1

    def test_what_a_worker_that_is_alive_holds_is_left_to_it(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.new_publisher("worker-2").claim_due()

        desk.restart()

        assert desk.state() is D.LEASED


class TestStopped:
    """Between claim and intent anything may happen; the last look sees it."""

    def stopped(self, desk: Desk) -> None:
        assert desk.wire.texts == []
        assert all(r["is"] != "intent" for r in desk.context.journal.records())

    def test_a_hold_that_comes_after_the_claim_stops_it(self, desk: Desk) -> None:
        desk.ready(desk.post())
        claim = desk.claimed()
        hold.add_hold(
            desk.context, desk.actor("rana"), scope="everything", value="", reason="flood"
        )

        desk.send(claim)

        self.stopped(desk)
        assert desk.state() is D.MISSED
        assert desk.trouble() == "rana holds everything: flood"

    def test_a_withdrawal_after_the_claim_stops_it_for_good(self, desk: Desk) -> None:
        desk.ready(desk.post())
        claim = desk.claimed()
        review.withdraw(desk.context, desk.actor("amal"), "week/opening", "wrong")

        desk.send(claim)

        self.stopped(desk)
        assert desk.state() is D.CANCELLED

    def test_an_edit_after_the_claim_stops_it(self, desk: Desk) -> None:
        desk.ready(desk.post())
        claim = desk.claimed()
        desk.queue(desk.post(words={"wire-en": "other words"}))

        desk.send(claim)

        self.stopped(desk)
        assert desk.state() is D.SCHEDULED

    def test_an_edit_of_what_was_claimed_and_approved_again_is_not_sent_by_the_old_lease(
        self, desk: Desk
    ) -> None:
        desk.ready(desk.post())
        claim = desk.claimed()
        desk.queue(desk.post(words={"wire-en": "other words"}))
        desk.approve()

        desk.send(claim)
        self.stopped(desk)

        desk.tick()
        assert desk.wire.texts == ["other words"]

    def test_a_request_for_changes_after_the_claim_stops_it(self, desk: Desk) -> None:
        desk.ready(desk.post())
        claim = desk.claimed()
        review.request_changes(desk.context, desk.actor("rana"), "week/opening", "a typo")

        desk.send(claim)

        self.stopped(desk)
        assert "changes requested, not approved" in desk.trouble()


class TestPromise:
    """What a hostile review found, and must not come back."""

    def test_a_stall_between_the_look_and_the_call_sends_nothing_late(self, desk: Desk) -> None:
        desk.ready(desk.post())

        def sleep_for_hours(moment: str) -> None:
            if moment == "journalled":
                desk.clock.forward(hours=8)

        desk.at_moment = sleep_for_hours

        desk.tick()

        assert desk.wire.texts == []
        assert desk.state() is D.MISSED

    def test_earlier_words_are_not_sent_after_an_edit_that_came_during_the_call(
        self, desk: Desk
    ) -> None:
        both = {"wire-en": "Minister Smyth", "wire-ar": "الوزير سميث"}
        right = {"wire-en": "Minister Smith", "wire-ar": "الوزير سميث!"}
        desk.ready(desk.post(words=both))

        def edit(_connection: object, call: Call) -> None:
            if call.text == "Minister Smyth":
                desk.queue(desk.post(words=right))

        desk.wire.asked = edit
        desk.wire.script = [NotSent("unreachable")] * 2
        desk.tick()
        desk.approve()
        desk.clock.forward(minutes=1)
        desk.tick()
        assert "Minister Smyth" not in desk.wire.texts

        desk.queue(desk.post(words=right))
        desk.approve()
        desk.clock.forward(minutes=1)
        desk.tick()
        assert "Minister Smith" in desk.wire.texts
        assert "Minister Smyth" not in desk.wire.texts

    def test_a_lease_that_ran_out_is_given_back(self, desk: Desk) -> None:
        desk.ready(desk.post(late=30))
        assert desk.publisher.claim_due()
        assert desk.state() is D.LEASED

        desk.clock.forward(minutes=3)
        desk.tick()

        assert desk.state() is D.PUBLISHED

    def test_keys_that_cannot_be_read_stop_their_own_account_only(self, desk: Desk) -> None:
        desk.ready(desk.post(words={"wire-en": "Good morning", "wire-ar": "صباح الخير"}))
        desk.spoil_keys("wire-en")

        desk.tick()

        assert desk.wire.texts == ["صباح الخير"]
        assert "cannot be read" in desk.trouble()
