"""What people see: their reviews, one post whole, what needs them, what happened."""

from __future__ import annotations

import pytest

from social_scheduler.errors import NotAllowed, NotFound, Refused
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.lifecycle import PostState as P
from social_scheduler.services import hold, people, reading, review
from social_scheduler.services import inbox as inbox_service
from social_scheduler.services.actor import Actor
from social_scheduler.services.views import said_of, said_of_post
from tests.services.desk import Desk

BOTH = {"wire-en": "Good morning", "wire-ar": "صباح الخير"}


class TestAwaiting:
    def test_the_nearest_deadline_comes_first(self, desk: Desk) -> None:
        desk.queue(desk.post("late", minutes=300), desk.post("soon", minutes=30))

        waiting = reading.awaiting(desk.context, desk.actor("rana"))

        assert [w.line.reference for w in waiting] == ["week/soon", "week/late"]
        assert waiting[0].words == {"en": "soon: good morning"}

    def test_only_languages_that_somebody_reads_are_theirs(self, desk: Desk) -> None:
        desk.queue(desk.post(words=BOTH), desk.post("ar", {"wire-ar": "صباح الخير"}))

        mine = reading.awaiting(desk.context, desk.actor("tala"))
        every = reading.awaiting(desk.context, desk.actor("tala"), everybody=True)

        assert [(w.line.reference, w.mine) for w in mine] == [("week/opening", ("en",))]
        assert [w.why_not for w in every if not w.mine] == [
            "It waits for languages that you are not enrolled to read."
        ]

    def test_authors_are_told_why_it_is_not_theirs(self, desk: Desk) -> None:
        people.change_person(desk.context, desk.actor("noor"), "rana", roles=["author", "reviewer"])
        desk.queue(desk.post(), by="rana")
        desk.queue(desk.post(campaign="two", kind="quote"))
        desk.approve("two/opening", "sami")

        def why(name: str, reference: str) -> str:
            return reading.why_not_approve(desk.context, desk.actor(name), reference)

        assert why("rana", "week/opening").startswith("You wrote it")
        assert why("amal", "week/opening") == "You are not a reviewer."
        assert why("sami", "two/opening").startswith("You approved it already")
        assert why("rana", "two/opening") == ""

    def test_what_can_no_longer_go_out_awaits_nobody(self, desk: Desk) -> None:
        desk.queue(desk.post())
        desk.clock.forward(hours=3)

        assert reading.awaiting(desk.context, desk.actor("rana"), everybody=True) == []

    def test_what_was_approved_before_awaits_one_approval_anew(self, desk: Desk) -> None:
        desk.queue(desk.post())
        desk.approve()
        desk.queue(desk.post(minutes=120))
        desk.queue(desk.post())

        (waiting,) = reading.awaiting(desk.context, desk.actor("rana"))

        assert waiting.mine == ("en",)
        assert "anew" in waiting.missing["en"]


class TestShowing:
    def test_a_post_is_shown_with_the_words_of_every_account(self, desk: Desk) -> None:
        desk.queue(desk.post(words=BOTH, tags=["training"]))

        view = reading.show(desk.context, desk.actor("rana"), "week/opening")

        said = {m.account: m.parts[0].text for v in view.languages for m in v.messages}
        assert said == BOTH
        assert (view.written_by, view.tags, view.mine) == (("amal",), ("training",), ("ar", "en"))
        assert view.missing == {"en": "awaits 1 approval", "ar": "awaits 1 approval"}
        (english,) = [v for v in view.languages if v.language == "en"]
        part = english.messages[0].parts[0]
        assert (part.length, part.limit) == (12, 280)
        assert [h.step for h in view.history] == ["submit"]

    def test_what_is_live_shows_its_address_and_who_approved_it(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.tick()
        desk.look()

        view = reading.show(desk.context, desk.actor("amal"), "week/opening")

        message = view.languages[0].messages[0]
        assert message.parts[0].url == "https://wire.example/id-wire-en/1000"
        assert view.languages[0].approved_by == ["rana"]
        assert view.why_not == "It is approved."
        assert message.delivery is not None
        assert str(message.delivery.verdict) == "equal"

    def test_a_delivery_that_keeps_earlier_words_is_shown_beside(self, desk: Desk) -> None:
        desk.ready(desk.post(words=BOTH))
        desk.wire.script = ["said", Refused("no")]
        desk.tick()
        desk.queue(desk.post(words={a: f"{t}!" for a, t in BOTH.items()}))

        view = reading.show(desk.context, desk.actor("amal"), "week/opening")

        assert [d.state.value for d in view.others] == ["published"]
        assert view.line.revision == 2

    def test_a_post_that_is_not_there_is_told(self, desk: Desk) -> None:
        with pytest.raises(NotFound):
            reading.show(desk.context, desk.actor("amal"), "week/none")


def test_what_waits_for_a_person_is_in_the_inbox(desk: Desk) -> None:
    desk.ready(*(desk.post(k) for k in ("refused", "lost", "said", "different")))
    desk.wire.script = [Refused("no"), "lost"]
    desk.wire.hidden = True
    desk.tick()
    different = desk.wire.ledger[-1].remote_id
    desk.wire.shown = {different: None}
    for _ in range(8):
        desk.look()
        desk.clock.forward(minutes=10)

    amal = desk.actor("amal")
    inbox = reading.inbox(desk.context, amal)

    assert {d.reference: d.state.value for d in inbox} == {
        "week/refused": "failed",
        "week/lost": "unconfirmed",
        "week/different": "published",
    }
    assert [(s.value, n) for s, n in inbox_service.alarm_counts(desk.context, amal)] == [
        ("published", 1),
        ("unconfirmed", 1),
        ("failed", 1),
    ]


def test_lists_say_what_comes_what_is_live_and_what_is_past(desk: Desk) -> None:
    desk.ready(desk.post("now"), desk.post("later", minutes=300))
    desk.tick()
    amal = desk.actor("amal")

    assert [d.reference for d in reading.coming(desk.context, amal)] == ["week/later"]
    assert [d.reference for d in reading.published(desk.context, amal)] == ["week/now"]
    assert [(x.line.reference, x.states) for x in reading.posts(desk.context, amal)] == [
        ("week/now", (D.PUBLISHED,)),
        ("week/later", (D.SCHEDULED,)),
    ]
    desk.clock.forward(hours=1)
    page = reading.posts_page(desk.context, amal)
    past = reading.posts_page(desk.context, amal, past=True)
    assert [x.line.reference for x in page] == ["week/later"]
    assert [x.line.reference for x in past] == ["week/now"]
    assert past[0].deliveries[0][0] == "wire-en"


def test_nothing_unapproved_is_called_scheduled() -> None:
    assert said_of(P.APPROVED, D.SCHEDULED) == "scheduled"
    for post in (P.DRAFT, P.IN_REVIEW, P.CHANGES_REQUESTED):
        assert said_of(post, D.SCHEDULED) == "waits for approval"
        assert said_of(post, D.PUBLISHED) == "published"


@pytest.mark.parametrize(
    ("post", "deliveries", "word"),
    [
        (P.APPROVED, [D.PUBLISHED, D.PUBLISHED], "published"),
        (P.APPROVED, [D.PUBLISHED, D.SCHEDULED], "approved"),
        (P.CHANGES_REQUESTED, [D.PUBLISHED], "published"),
        (P.IN_REVIEW, [D.MISSED], "in_review"),
        (P.WITHDRAWN, [D.CANCELLED], "withdrawn"),
    ],
)
def test_a_post_is_called_what_came_of_all_of_it(post: P, deliveries: list[D], word: str) -> None:
    assert said_of_post(post, deliveries) == word


def test_the_history_tells_who_did_what_oldest_first(desk: Desk) -> None:
    desk.ready(desk.post(), desk.post("other"))
    desk.tick()

    rows = reading.history(desk.context, desk.actor("amal"), "week/opening")

    assert [(r.who, r.step) for r in rows[:2]] == [("amal", "submit"), ("rana", "approve")]
    assert {r.post for r in rows} == {"week/opening"}
    assert rows[-1].target == "published"
    assert {r.account for r in rows if r.part} == {"wire-en"}


def test_standing_holds_are_told_in_words(desk: Desk) -> None:
    hold.add_hold(desk.context, desk.actor("dima"), scope="language", value="ar", reason="a flood")

    assert reading.standing_holds(desk.context) == ["dima holds language ar: a flood"]


def test_nobody_without_a_role_reads_anything(desk: Desk) -> None:
    desk.queue(desk.post())
    nobody = Actor(9, "mallory", frozenset(), frozenset(), frozenset(), 0)
    for look in (
        reading.awaiting,
        reading.posts,
        reading.inbox,
        reading.published,
        reading.coming,
        reading.history,
        reading.posts_page,
        inbox_service.alarm_counts,
        inbox_service.entries,
        inbox_service.holdable,
        hold.list_holds,
        people.list_people,
    ):
        with pytest.raises(NotAllowed):
            look(desk.context, nobody)
    with pytest.raises(NotAllowed):
        reading.show(desk.context, nobody, "week/opening")
    with pytest.raises(NotAllowed):
        review.request_changes(desk.context, nobody, "week/opening", "x")
