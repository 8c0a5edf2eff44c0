"""Review binds people to exact bytes: who may approve what, and when it stops counting."""

from __future__ import annotations

import pytest

from social_scheduler.errors import (
    Conflict,
    InvalidInput,
    NotAllowed,
    NotFound,
    NotSent,
    Refused,
    Stale,
)
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.lifecycle import PostState as P
from social_scheduler.policy import DEFAULT_POLICY, Policy, PolicyRule
from social_scheduler.services import people, review, settle
from social_scheduler.services.remove import remove
from social_scheduler.services.review import Shown
from tests.services.desk import Desk

BOTH = {"wire-en": "Good morning", "wire-ar": "صباح الخير"}


def test_the_approval_that_makes_them_enough_approves_the_post(desk: Desk) -> None:
    desk.queue(desk.post(kind="quote"))

    assert desk.approve(by="rana") == {"en": "awaits 1 more approval"}
    assert desk.post_state() is P.IN_REVIEW
    assert desk.approve(by="sami") == {"en": ""}
    assert desk.post_state() is P.APPROVED


def test_every_language_needs_its_approvals(desk: Desk) -> None:
    desk.queue(desk.post(words=BOTH))

    assert desk.approve("week/opening", "tala", "en") == {"en": "", "ar": "awaits 1 approval"}
    assert desk.post_state() is P.IN_REVIEW
    desk.approve("week/opening", "rana", "ar")
    assert desk.post_state() is P.APPROVED


def test_people_approve_only_languages_they_are_enrolled_for(desk: Desk) -> None:
    desk.queue(desk.post(words=BOTH))

    with pytest.raises(NotAllowed, match="tala is not enrolled to read ar"):
        desk.approve("week/opening", "tala", "ar")
    with pytest.raises(NotAllowed, match="not enrolled"):
        desk.approve("week/opening", "tala")
    assert desk.approvals() == []


def test_one_person_counts_once(desk: Desk) -> None:
    desk.queue(desk.post(kind="quote"))
    desk.approve(by="rana")

    with pytest.raises(Conflict, match="one person counts once"):
        desk.approve(by="rana")
    assert len(desk.approvals()) == 1


@pytest.mark.parametrize("name", ["amal", "noor", "dima"])
def test_whoever_is_no_reviewer_does_not_approve(desk: Desk, name: str) -> None:
    desk.queue(desk.post())

    with pytest.raises(NotAllowed, match="right to approve"):
        desk.approve(by=name)


class TestAuthorsNeverApprove:
    def both_roles(self, desk: Desk, name: str = "rana") -> None:
        people.change_person(desk.context, desk.actor("noor"), name, roles=["author", "reviewer"])

    def test_whoever_queued_it(self, desk: Desk) -> None:
        self.both_roles(desk)
        desk.queue(desk.post(), by="rana")

        with pytest.raises(NotAllowed, match="rana wrote week/opening"):
            desk.approve(by="rana")

    def test_whoever_edited_it(self, desk: Desk) -> None:
        self.both_roles(desk)
        desk.queue(desk.post())
        desk.queue(desk.post(words={"wire-en": "mine"}), by="rana")

        with pytest.raises(NotAllowed, match="rana wrote"):
            desk.approve(by="rana")

    def test_the_owner_whom_the_file_names(self, desk: Desk) -> None:
        self.both_roles(desk)
        desk.queue(desk.post(owner="rana"), by="amal")

        with pytest.raises(NotAllowed, match="rana wrote"):
            desk.approve(by="rana")


class TestStale:
    def test_words_that_changed_since_are_refused(self, desk: Desk) -> None:
        desk.queue(desk.post())
        seen = desk.shown("week/opening")
        desk.queue(desk.post(words={"wire-en": "Good evening"}))

        with pytest.raises(Stale, match=r"words of week/opening \(en\) changed"):
            review.approve(desk.context, desk.actor("rana"), "week/opening", seen)

    def test_a_time_that_changed_since_is_refused(self, desk: Desk) -> None:
        desk.queue(desk.post())
        seen = desk.shown("week/opening")
        desk.queue(desk.post(minutes=120))

        with pytest.raises(Stale, match="time of week/opening changed"):
            review.approve(desk.context, desk.actor("rana"), "week/opening", seen)

    def test_digests_of_nothing_are_refused(self, desk: Desk) -> None:
        desk.queue(desk.post())
        rana = desk.actor("rana")

        with pytest.raises(Stale):
            review.approve(desk.context, rana, "week/opening", {"en": Shown("", "")})
        with pytest.raises(InvalidInput):
            review.approve(desk.context, rana, "week/opening", {})
        with pytest.raises(NotFound, match="no fr"):
            review.approve(desk.context, rana, "week/opening", {"fr": Shown("", "")})
        assert desk.post_state() is P.IN_REVIEW

    def test_one_stale_language_refuses_all_of_them(self, desk: Desk) -> None:
        desk.queue(desk.post(words=BOTH))
        seen = desk.shown("week/opening")
        desk.queue(desk.post(words={**BOTH, "wire-ar": "مساء الخير"}))

        with pytest.raises(Stale, match=r"\(ar\)"):
            review.approve(desk.context, desk.actor("rana"), "week/opening", seen)
        assert desk.approvals() == []


class TestRequestChanges:
    def test_every_approval_ends_for_good(self, desk: Desk) -> None:
        desk.queue(desk.post())
        desk.approve()

        review.request_changes(desk.context, desk.actor("sami"), "week/opening", "a typo")

        assert desk.post_state() is P.CHANGES_REQUESTED
        assert [a.ended_why for a in desk.approvals()] == ["sami requested changes"]
        with pytest.raises(Conflict, match="Its author edits it first"):
            desk.approve(by="sami")

    def test_it_needs_a_reason(self, desk: Desk) -> None:
        desk.queue(desk.post())
        with pytest.raises(InvalidInput, match="needs a reason"):
            review.request_changes(desk.context, desk.actor("rana"), "week/opening", "  ")

    def test_it_needs_a_reviewer(self, desk: Desk) -> None:
        desk.queue(desk.post())
        with pytest.raises(NotAllowed):
            review.request_changes(desk.context, desk.actor("dima"), "week/opening", "no")

    def test_the_reason_is_in_the_history(self, desk: Desk) -> None:
        desk.queue(desk.post())
        review.request_changes(desk.context, desk.actor("rana"), "week/opening", "a typo")

        last = desk.history()[-1]
        assert (last.who, last.step, last.why) == ("rana", "request_changes", "a typo")

    @pytest.mark.parametrize("end", ["published", "removed", "cancelled"])
    def test_it_is_refused_once_nothing_is_left_to_send(self, desk: Desk, end: str) -> None:
        desk.ready(desk.post())
        desk.wire.script = [Refused("no")] if end == "cancelled" else []
        desk.tick()
        dima = desk.actor("dima")
        if end == "removed":
            remove(desk.context, dima, "week/opening", "wire-en", "wrong")
        elif end == "cancelled":
            settle.drop(desk.context, dima, "week/opening", "wire-en", "too late")
        assert desk.state().value == end

        with pytest.raises(Conflict, match="Nothing of week/opening is left") as refused:
            review.request_changes(desk.context, desk.actor("rana"), "week/opening", "a typo")

        assert "a correction as a new post" in refused.value.remedy
        assert desk.post_state() is P.APPROVED
        assert [a.ended_at for a in desk.approvals()] == [None]

    @pytest.mark.parametrize("answer", [NotSent("no route"), Refused("no"), "lost"])
    def test_it_stops_what_is_left_while_some_accounts_have_spoken(
        self, desk: Desk, answer: Exception | str
    ) -> None:
        desk.ready(desk.post(words=BOTH))
        desk.wire.script = ["said", answer]
        desk.tick()
        said = list(desk.wire.texts)

        review.request_changes(desk.context, desk.actor("rana"), "week/opening", "a typo")
        desk.clock.forward(minutes=1)
        desk.tick()

        assert desk.post_state() is P.CHANGES_REQUESTED
        assert desk.wire.texts == said

    def test_it_stops_the_rest_of_a_thread(self, desk: Desk) -> None:
        desk.ready(desk.post(words={"wire-en": ["part 1", "part 2"]}))
        desk.wire.script = ["said", Refused("no")]
        desk.tick()
        assert desk.state() is D.PARTIAL

        review.request_changes(desk.context, desk.actor("rana"), "week/opening", "a typo")

        with pytest.raises(Conflict, match="is changes requested; it is not sent again"):
            settle.send_again(desk.context, desk.actor("dima"), "week/opening", "wire-en")


class TestWithdraw:
    @pytest.mark.parametrize("name", ["amal", "rana"])
    def test_authors_and_reviewers_withdraw(self, desk: Desk, name: str) -> None:
        desk.ready(desk.post())

        review.withdraw(desk.context, desk.actor(name), "week/opening", "")
        desk.tick()

        assert (desk.post_state(), desk.state()) == (P.WITHDRAWN, D.CANCELLED)
        assert [a.ended_why for a in desk.approvals()] == [f"{name} withdrew the post"]
        assert desk.wire.texts == []

    def test_nobody_else_does(self, desk: Desk) -> None:
        desk.queue(desk.post())
        for name in ("dima", "noor"):
            with pytest.raises(NotAllowed):
                review.withdraw(desk.context, desk.actor(name), "week/opening", "")

    def test_twice_is_told(self, desk: Desk) -> None:
        desk.queue(desk.post())
        review.withdraw(desk.context, desk.actor("amal"), "week/opening", "")
        with pytest.raises(Conflict, match="withdrawn already"):
            review.withdraw(desk.context, desk.actor("amal"), "week/opening", "")

    def test_what_is_live_stays(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.tick()
        review.withdraw(desk.context, desk.actor("amal"), "week/opening", "")

        assert desk.state() is D.PUBLISHED


class TestRightsThatEnd:
    @pytest.mark.parametrize(
        "change", [{"roles": ["duty"]}, {"languages": ["ar"]}, {"active": False}]
    )
    def test_approvals_end_and_the_post_goes_back_to_review(
        self, desk: Desk, change: dict[str, object]
    ) -> None:
        desk.ready(desk.post())

        people.change_person(desk.context, desk.actor("noor"), "rana", **change)  # type: ignore[arg-type]
        desk.tick()

        assert desk.post_state() is P.IN_REVIEW
        assert [a.ended_why for a in desk.approvals()] == ["rana may no longer approve"]
        assert desk.wire.texts == []

    def test_an_approval_does_not_come_back_with_the_role(self, desk: Desk) -> None:
        desk.ready(desk.post())
        noor = desk.actor("noor")
        people.change_person(desk.context, noor, "rana", roles=["duty"])
        people.change_person(desk.context, noor, "rana", roles=["reviewer"])
        desk.tick()

        assert desk.post_state() is P.IN_REVIEW
        assert desk.wire.texts == []

    def test_a_post_with_enough_others_stays_approved(self, desk: Desk) -> None:
        desk.queue(desk.post(words=BOTH))
        desk.approve("week/opening", "rana", "en")
        desk.approve("week/opening", "sami")
        assert desk.post_state() is P.APPROVED

        people.change_person(desk.context, desk.actor("noor"), "rana", active=False)

        assert desk.post_state() is P.APPROVED

    def test_another_language_does_not_end_the_approvals_of_this_one(self, desk: Desk) -> None:
        desk.ready(desk.post())
        people.change_person(desk.context, desk.actor("noor"), "rana", languages=["en"])

        assert desk.post_state() is P.APPROVED


class TestPolicy:
    def test_a_stricter_policy_voids_what_it_no_longer_allows(self, desk: Desk) -> None:
        desk.ready(desk.post(), desk.post("both"))
        desk.clock.forward(minutes=-10)
        two = Policy(rules=[PolicyRule(kinds=None, accounts=None, languages=None, approvals=2)])

        review.apply_policy(desk.context, desk.actor("noor"), two)
        desk.clock.forward(minutes=10)
        desk.tick()

        assert desk.post_state() is P.IN_REVIEW
        assert desk.wire.texts == []
        assert [a.ended_at for a in desk.approvals()] == [None]
        desk.approve(by="sami")
        desk.tick()
        assert desk.wire.texts == ["opening: good morning"]

    def test_what_a_loosened_policy_allows_still_needs_one_person_to_say_so(
        self, desk: Desk
    ) -> None:
        desk.ready(desk.post())
        noor = desk.actor("noor")
        two = Policy(rules=[PolicyRule(kinds=None, accounts=None, languages=None, approvals=2)])
        review.apply_policy(desk.context, noor, two)
        review.apply_policy(desk.context, noor, DEFAULT_POLICY)
        assert desk.post_state() is P.IN_REVIEW

        desk.approve(by="rana")

        assert desk.post_state() is P.APPROVED

    def test_only_an_admin_changes_it(self, desk: Desk) -> None:
        for name in ("amal", "rana", "dima"):
            with pytest.raises(NotAllowed):
                review.apply_policy(desk.context, desk.actor(name), DEFAULT_POLICY)

    def test_where_no_rule_speaks_nothing_can_be_approved(self, desk: Desk) -> None:
        review.apply_policy(
            desk.context,
            desk.actor("noor"),
            Policy(rules=[PolicyRule(kinds=["story"], accounts=None, languages=None, approvals=1)]),
        )
        desk.queue(desk.post())

        assert desk.approve() == {"en": "no rule of the policy allows it"}
        assert desk.post_state() is P.IN_REVIEW


def test_a_post_that_is_not_there_is_told(desk: Desk) -> None:
    for reference in ("week/none", "week", "", "none/opening"):
        with pytest.raises(NotFound, match="campaign/post"):
            desk.approve(reference)


def test_what_is_approved_cannot_be_approved_again(desk: Desk) -> None:
    desk.ready(desk.post())
    with pytest.raises(Conflict, match="has all the approvals it needs"):
        desk.approve(by="sami")
