"""Queueing: what changes, what stays as it was said, and what is refused."""

from __future__ import annotations

from datetime import timedelta

import pytest

from social_scheduler.errors import Conflict, NotAllowed, NotSent, Refused
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.lifecycle import PostState as P
from social_scheduler.message import Window
from social_scheduler.planning import PlannedPost
from social_scheduler.platforms import Call
from social_scheduler.services import enqueue as service
from social_scheduler.services import review, settle
from social_scheduler.services.compare import Change, compare
from social_scheduler.services.compare import ChangeKind as C
from social_scheduler.store import people as people_store
from social_scheduler.store import queue as store
from tests.services.desk import MONDAY, Desk

BOTH = {"wire-en": "Good morning", "wire-ar": "صباح الخير"}


def resubmitted(desk: Desk, post: PlannedPost) -> Change:
    (change,) = service.enqueue(
        desk.context, desk.actor("amal"), desk.facts(), [post], resubmit=True
    )
    return change


def counts(desk: Desk) -> int:
    return len(desk.history())


def test_a_new_post_waits_for_review_with_one_delivery_for_each_account(desk: Desk) -> None:
    assert desk.queue(desk.post(words=BOTH)) == {"opening": C.NEW}

    assert desk.post_state() is P.IN_REVIEW
    assert desk.state() is desk.state(account="wire-ar") is D.SCHEDULED
    assert desk.parts() == ["waiting"]


def test_queueing_the_same_again_changes_nothing(desk: Desk) -> None:
    desk.queue(desk.post(words=BOTH))
    before = counts(desk)

    assert desk.queue(desk.post(words=BOTH)) == {"opening": C.UNCHANGED}
    assert counts(desk) == before


def test_comparing_writes_nothing(desk: Desk) -> None:
    before = counts(desk)

    changes = compare(desk.context, desk.actor("rana"), "week", [desk.post()])

    assert [(c.reference, c.kind) for c in changes] == [("week/opening", C.NEW)]
    assert counts(desk) == before


def test_only_authors_queue(desk: Desk) -> None:
    for name in ("rana", "dima", "noor"):
        with pytest.raises(NotAllowed, match="right to queue"):
            desk.queue(desk.post(), by=name)


def test_one_mistake_in_a_file_leaves_all_of_it_out(desk: Desk) -> None:
    late = desk.post("late", due=MONDAY - timedelta(hours=1))

    with pytest.raises(Conflict, match="Nothing of this file was queued"):
        desk.queue(desk.post(), late)
    with desk.context.database.read() as tx:
        assert store.known_posts(tx, "week") == {}


class TestEdits:
    def test_other_words_are_a_new_revision_that_nobody_has_approved(self, desk: Desk) -> None:
        desk.ready(desk.post())

        assert desk.queue(desk.post(words={"wire-en": "Good evening"})) == {"opening": C.EDITED}

        assert desk.post_state() is P.IN_REVIEW
        assert desk.approvals() == []
        assert desk.looked().delivery.revision == 2
        desk.tick()
        assert desk.wire.texts == []

    def test_going_back_to_earlier_words_needs_a_new_approval(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.queue(desk.post(words={"wire-en": "Good evening"}))
        desk.queue(desk.post())

        assert desk.post_state() is P.IN_REVIEW
        assert desk.approvals() == []

    @pytest.mark.parametrize("change", [{"tags": ["flood"]}, {"kind": "quote"}, {"owner": "badr"}])
    def test_what_decides_who_approves_and_what_is_held_is_part_of_a_revision(
        self, desk: Desk, change: dict[str, object]
    ) -> None:
        desk.ready(desk.post())

        assert desk.queue(desk.post(**change)) == {"opening": C.EDITED}  # type: ignore[arg-type]
        assert desk.post_state() is P.IN_REVIEW
        assert desk.looked().delivery.tags == change.get("tags", [])
        assert desk.looked().delivery.kind == change.get("kind", "spotlight")

    def test_the_fence_goes_up_so_that_a_leased_worker_fails(self, desk: Desk) -> None:
        desk.ready(desk.post())
        claim = desk.claimed()
        desk.queue(desk.post(words={"wire-en": "Good evening"}))

        assert desk.state() is D.SCHEDULED
        assert desk.looked().delivery.attempt > claim.fence
        assert desk.looked().delivery.worker is None

    def test_what_is_live_stays_and_the_rest_goes_on_as_the_new_revision(self, desk: Desk) -> None:
        desk.ready(desk.post(words=BOTH))
        desk.wire.script = ["said", NotSent("no route")]
        desk.tick()
        live, waiting = sorted(BOTH, key=lambda a: desk.state(account=a) is not D.PUBLISHED)

        changed = {a: f"{t}!" for a, t in BOTH.items()}
        (change,) = service.enqueue(
            desk.context, desk.actor("amal"), desk.facts(), [desk.post(words=changed)]
        )

        assert change.kind is C.EDITED
        assert change.note.startswith(f"{live}: already live since 2027-01-11 08:00 UTC")
        assert "write a correction" in change.note
        assert desk.looked(account=live).delivery.revision == 1
        assert desk.state(account=live) is D.PUBLISHED
        assert desk.looked(account=waiting).delivery.revision == 2
        language = "ar" if waiting == "wire-ar" else "en"
        assert set(desk.shown("week/opening")) == {language}

    def test_words_of_what_is_live_everywhere_cannot_change(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.tick()
        before = counts(desk)

        changes = desk.queue(desk.post(words={"wire-en": "Good evening"}))

        assert changes == {"opening": C.LIVE}
        assert counts(desk) == before
        assert desk.queue(desk.post(minutes=600)) == {"opening": C.UNCHANGED}

    def test_a_call_that_is_under_way_keeps_what_it_says(self, desk: Desk) -> None:
        desk.ready(desk.post(words=BOTH))
        done: list[str] = []

        def asked(connection: object, call: object) -> None:
            if not done:
                done.append("edited")
                desk.queue(desk.post(words={a: f"{t}!" for a, t in BOTH.items()}))

        desk.wire.asked = asked
        desk.tick()

        assert len(desk.wire.texts) == 1
        assert desk.wire.texts[0] in BOTH.values()

    def test_a_thread_with_a_part_live_is_never_reworded(self, desk: Desk) -> None:
        words = {"wire-en": ["part 1", "part 2"]}
        desk.ready(desk.post(words=words))
        desk.wire.script = ["said", NotSent("no route")]
        desk.tick()
        before = desk.looked().parts[0]

        desk.queue(desk.post(words={"wire-en": ["other 1", "other 2"]}))

        assert desk.parts() == ["live", "waiting"]
        assert desk.looked().parts[0].remote_id == before.remote_id
        assert desk.looked().delivery.revision == 1

    def test_parts_that_are_or_may_be_live_are_never_dropped(self, desk: Desk) -> None:
        for script in (["said"], ["lost"]):
            key = f"post-{script[0]}"
            desk.ready(desk.post(key, minutes=60, late=600))
            desk.wire.script = list(script)
            desk.tick()
            delivery = desk.looked(f"week/{key}").delivery.id
            with (
                pytest.raises(ValueError, match="are or may be live"),
                desk.context.database.write() as tx,
            ):
                store.forget_parts(tx, delivery)

    def test_what_was_refused_is_said_in_other_words(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.wire.script = [Refused("too rude")]
        desk.tick()
        assert desk.state() is D.FAILED

        desk.queue(desk.post(words={"wire-en": "Good morning, please"}))
        desk.approve()
        desk.tick()

        assert desk.wire.texts == ["Good morning, please"]

    def test_an_account_that_is_no_longer_meant_is_cancelled_and_a_new_one_added(
        self, desk: Desk
    ) -> None:
        desk.ready(desk.post(words={"wire-en": "Good morning"}))

        desk.queue(desk.post(words={"wire-ar": "صباح الخير"}))

        assert desk.state(account="wire-en") is D.CANCELLED
        assert desk.state(account="wire-ar") is D.SCHEDULED

    def test_an_edit_that_comes_too_late_is_refused(self, desk: Desk) -> None:
        post = desk.post()
        desk.queue(post)
        desk.clock.at = post.window.not_after

        assert desk.queue(desk.post()) == {"opening": C.UNCHANGED}
        with pytest.raises(Conflict, match="is past"):
            desk.queue(desk.post(words={"wire-en": "Good evening"}))


class TestMoves:
    def test_another_time_keeps_the_approval_of_the_words(self, desk: Desk) -> None:
        desk.queue(desk.post(kind="quote"))
        desk.approve(by="rana")
        desk.approve(by="sami")
        assert desk.post_state() is P.APPROVED

        assert desk.queue(desk.post(kind="quote", minutes=120)) == {"opening": C.MOVED}
        assert desk.post_state() is P.IN_REVIEW
        assert desk.looked().delivery.due_at == MONDAY + timedelta(minutes=120)
        assert desk.looked().delivery.revision == 1

        assert desk.approve(by="rana") == {"en": ""}
        assert desk.post_state() is P.APPROVED

    def test_nothing_goes_out_at_the_old_time_or_at_an_unapproved_new_one(self, desk: Desk) -> None:
        desk.queue(desk.post())
        desk.approve()
        desk.queue(desk.post(minutes=120))

        for minutes in (60, 120):
            desk.clock.at = MONDAY + timedelta(minutes=minutes)
            desk.tick()
        assert desk.wire.texts == []

    def test_whoever_moves_a_post_is_one_of_its_authors(self, desk: Desk) -> None:
        with desk.context.database.write() as tx:
            rana = desk.actor("rana")
            people_store.change_person(tx, rana.id, roles=["author", "reviewer"])
        desk.queue(desk.post())
        desk.approve()
        desk.queue(desk.post(minutes=120), by="rana")

        with pytest.raises(NotAllowed, match="rana wrote"):
            desk.approve(by="rana")
        assert desk.approve(by="sami") == {"en": ""}

    def test_the_fence_goes_up(self, desk: Desk) -> None:
        desk.ready(desk.post(late=60))
        claim = desk.claimed()
        desk.queue(desk.post(minutes=90, late=60))

        desk.send(claim)

        assert (desk.wire.texts, desk.state()) == ([], D.SCHEDULED)

    def test_a_time_that_was_approved_before_is_approved_anew(self, desk: Desk) -> None:
        """Moved away and back: somebody looks again, the same person may."""
        desk.queue(desk.post())
        desk.approve()
        desk.queue(desk.post(minutes=120))
        desk.queue(desk.post())
        assert desk.post_state() is P.IN_REVIEW

        desk.approve()

        assert desk.post_state() is P.APPROVED

    def test_what_was_missed_is_said_at_the_new_time(self, desk: Desk) -> None:
        post = desk.post()
        desk.queue(post)
        desk.clock.at = post.window.not_after
        desk.tick()
        assert desk.state() is D.MISSED

        desk.ready(desk.post(minutes=180))
        desk.tick()

        assert desk.wire.texts == ["opening: good morning"]

    def test_what_was_refused_is_tried_at_the_new_time(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.wire.script = [Refused("not today")]
        desk.tick()

        desk.ready(desk.post(minutes=180))
        desk.tick()

        assert (desk.state(), desk.parts()) == (D.PUBLISHED, ["live"])

    def test_a_move_does_not_reach_what_may_be_live(self, desk: Desk) -> None:
        desk.ready(desk.post(words=BOTH))
        desk.wire.script = ["lost", NotSent("no route")]
        desk.tick()
        (lost,) = [a for a in BOTH if desk.state(account=a) is D.UNCONFIRMED]

        desk.queue(desk.post(words=BOTH, minutes=180))

        assert desk.state(account=lost) is D.UNCONFIRMED
        assert desk.looked(account=lost).delivery.due_at == MONDAY + timedelta(minutes=60)


class TestRemovedAndRenamed:
    def test_a_post_that_left_the_file_is_told_and_stays(self, desk: Desk) -> None:
        desk.queue(desk.post("one"), desk.post("two"))

        assert desk.queue(desk.post("one")) == {"one": C.UNCHANGED, "two": C.REMOVED}
        assert desk.post_state("week/two") is P.IN_REVIEW

        assert desk.queue(desk.post("one"), desk.post("two"))["two"] is C.UNCHANGED

    def test_it_is_withdrawn_when_the_author_says_so(self, desk: Desk) -> None:
        desk.queue(desk.post("one"), desk.post("two"))

        desk.queue(desk.post("one"), cancel_removed=True)

        assert desk.post_state("week/two") is P.WITHDRAWN
        assert desk.state("week/two") is D.CANCELLED

    def test_a_changed_id_looks_like_a_rename_and_is_refused(self, desk: Desk) -> None:
        desk.queue(desk.post("one", {"wire-en": "Good morning"}))
        renamed = desk.post("uno", {"wire-en": "Good morning"})

        with pytest.raises(Conflict, match="has the words of one"):
            desk.queue(renamed)

        assert desk.queue(renamed, cancel_removed=True)["uno"] is C.RENAMED
        assert desk.post_state("week/one") is P.WITHDRAWN

    def test_a_withdrawn_post_is_not_queued_again(self, desk: Desk) -> None:
        desk.queue(desk.post())
        review.withdraw(desk.context, desk.actor("amal"), "week/opening", "")

        assert desk.queue(desk.post(words={"wire-en": "new words"})) == {"opening": C.WITHDRAWN}
        assert desk.post_state() is P.WITHDRAWN


class TestChangesRequested:
    def asked(self, desk: Desk) -> None:
        desk.queue(desk.post())
        review.request_changes(desk.context, desk.actor("rana"), "week/opening", "a typo")

    def test_the_same_words_go_back_to_review_only_when_the_author_insists(
        self, desk: Desk
    ) -> None:
        self.asked(desk)

        assert desk.queue(desk.post()) == {"opening": C.CHANGES_REQUESTED}
        assert desk.post_state() is P.CHANGES_REQUESTED

        desk.queue(desk.post(), resubmit=True)
        assert desk.post_state() is P.IN_REVIEW
        assert desk.looked().delivery.revision == 2

    def test_other_words_go_to_review(self, desk: Desk) -> None:
        self.asked(desk)

        assert desk.queue(desk.post(words={"wire-en": "fixed"})) == {"opening": C.EDITED}
        assert desk.post_state() is P.IN_REVIEW

    def test_another_time_alone_is_a_new_revision_then(self, desk: Desk) -> None:
        self.asked(desk)

        assert desk.queue(desk.post(minutes=120)) == {"opening": C.EDITED}
        assert desk.approvals() == []

    def test_what_went_live_meanwhile_is_not_said_to_be_resubmitted(self, desk: Desk) -> None:
        desk.ready(desk.post())
        rana = desk.actor("rana")
        desk.wire.asked = lambda *_: review.request_changes(
            desk.context, rana, "week/opening", "a typo"
        )
        desk.tick()
        assert (desk.state(), desk.post_state()) == (D.PUBLISHED, P.CHANGES_REQUESTED)

        change = resubmitted(desk, desk.post())

        assert (change.kind, list(change.for_review)) == (C.CHANGES_REQUESTED, [])
        assert "nothing of it can be edited any more" in change.note
        assert desk.looked().delivery.revision == 1

    def test_only_what_is_left_to_send_goes_back_to_review(self, desk: Desk) -> None:
        desk.ready(desk.post(words=BOTH))
        desk.wire.script = ["said", NotSent("no route")]
        desk.tick()
        left = next(a for a in BOTH if desk.state(account=a) is D.SCHEDULED)
        review.request_changes(desk.context, desk.actor("rana"), "week/opening", "a typo")

        change = resubmitted(desk, desk.post(words=BOTH))

        assert change.kind is C.EDITED
        assert [m.speaker.name for m in change.for_review] == [left]
        assert desk.post_state() is P.IN_REVIEW

    def test_whose_time_is_past_needs_another_first(self, desk: Desk) -> None:
        self.asked(desk)
        desk.clock.forward(days=1)

        change = resubmitted(desk, desk.post())

        assert (change.kind, list(change.for_review)) == (C.CHANGES_REQUESTED, [])
        assert "its time is past; give it another" in change.note
        assert desk.post_state() is P.CHANGES_REQUESTED


class TestOneHome:
    def test_two_files_cannot_be_one_campaign(self, desk: Desk) -> None:
        desk.queue(desk.post())
        folder = desk.context.root / "campaigns"
        folder.mkdir(exist_ok=True)
        (folder / "week.yaml").write_text("campaign: week\n")

        with pytest.raises(Conflict, match="both say `campaign: week`"):
            service.enqueue(
                desk.context,
                desk.actor("amal"),
                desk.facts(path="campaigns/copy.yaml"),
                [desk.post()],
            )

    def test_a_file_that_was_renamed_keeps_its_campaign(self, desk: Desk) -> None:
        desk.queue(desk.post())

        changes = service.enqueue(
            desk.context, desk.actor("amal"), desk.facts(path="campaigns/new.yaml"), [desk.post()]
        )
        assert [c.kind for c in changes] == [C.UNCHANGED]

    def test_a_campaign_that_lives_on_the_web_is_not_taken_by_a_file(self, desk: Desk) -> None:
        with desk.context.database.write() as tx:
            store.keep_campaign(tx, "week", home="web", path="", kind="spotlight", title="W")

        with pytest.raises(Conflict, match="edited on the web"):
            desk.queue(desk.post())


def test_withdrawing_a_thread_that_has_begun_leaves_it_partial_for_a_person(desk: Desk) -> None:
    desk.ready(desk.post(words={"wire-en": ["part 1", "part 2"]}))
    desk.wire.script = ["said", NotSent("no route")]
    desk.tick()

    review.withdraw(desk.context, desk.actor("amal"), "week/opening", "wrong")

    assert (desk.state(), desk.parts()) == (D.PARTIAL, ["live", "waiting"])
    desk.clock.forward(minutes=1)
    desk.tick()
    assert desk.wire.texts == ["part 1"]


def test_a_time_given_by_a_person_is_replaced_by_the_files_new_one(desk: Desk) -> None:
    desk.ready(desk.post())
    desk.wire.script = [Refused("no")]
    desk.tick()
    settle.send_again(
        desk.context,
        desk.actor("dima"),
        "week/opening",
        "wire-en",
        at=desk.clock() + timedelta(hours=1),
    )

    moved = desk.post(minutes=300)
    desk.queue(moved)

    delivery = desk.looked().delivery
    assert Window(delivery.due_at, delivery.not_before, delivery.not_after) == moved.window


def test_leaving_out_an_account_whose_fellow_is_live_only_cancels_it(desk: Desk) -> None:
    desk.ready(desk.post(words=BOTH))
    desk.wire.script = ["said", NotSent("unreachable")]
    desk.tick()
    assert {desk.state(), desk.state(account="wire-ar")} == {D.PUBLISHED, D.SCHEDULED}
    gone = "wire-ar" if desk.state() is D.PUBLISHED else "wire-en"
    left = {account: words for account, words in BOTH.items() if account != gone}

    (change,) = service.enqueue(
        desk.context, desk.actor("amal"), desk.facts(), [desk.post(words=left)]
    )

    assert (change.kind, list(change.for_review)) == (C.EDITED, [])
    assert change.note == f"no longer to {gone}; nothing new needs approval"
    assert (desk.state(account=gone), desk.post_state()) == (D.CANCELLED, P.APPROVED)
    assert desk.queue(desk.post(words=left)) == {"opening": C.LIVE}


def test_an_account_that_was_cancelled_is_not_brought_back_in_silence(desk: Desk) -> None:
    desk.queue(desk.post(words=BOTH))
    desk.queue(desk.post(words={"wire-en": "Good morning"}))
    assert desk.state(account="wire-ar") is D.CANCELLED

    again = desk.post(words=BOTH)
    changes = compare(desk.context, desk.actor("amal"), "week", [again])

    assert "wire-ar: was cancelled and stays so" in changes[0].note


def test_an_edit_during_the_call_says_who_is_speaking_and_since_when(desk: Desk) -> None:
    desk.ready(desk.post(words=BOTH))
    told: list[str] = []

    def edit(_connection: object, call: Call) -> None:
        if call.message.language == "en":
            words = {"wire-en": "Good evening", "wire-ar": "مساء الخير"}
            changes = compare(desk.context, desk.actor("amal"), "week", [desk.post(words=words)])
            told.append(changes[0].note)

    desk.wire.asked = edit
    desk.tick()

    assert "wire-en: sending since 08:00:00 UTC and keeps what it is saying" in told[0]
