"""Whatever people and the network do, in any order: only what was approved is said, once.

Hypothesis plays authors, reviewers, duty officers, an admin, a worker and an unreliable
network. Beside the product runs a model that knows, from the acts alone, which people
approved which words and which window; at every call the network compares.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from social_scheduler.errors import (
    NotSent,
    RateLimited,
    Refused,
    SchedulerError,
    Unauthorized,
    Unconfirmed,
)
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.platforms import Call, Connection
from social_scheduler.services import hold, people, review, settle
from social_scheduler.store import holds as hold_store
from tests.postgresql import Databases
from tests.services.desk import MONDAY, Desk, open_desk

KEYS = ("one", "two", "three")
WORDS = ("alpha", "beta")
MINUTES = (3, 10, 30)
"""From now; the windows of posts overlap often."""
REVIEWERS = ("rana", "sami", "tala")
NEEDED = {"one": 1, "two": 2, "three": 1}
KINDS = {"one": "spotlight", "two": "quote", "three": "spotlight"}
LATE = 20
ANSWERS = ("said", "lost", "not sent", "limited", "refused", "unforeseen", "unconfirmed")


class Crashed(BaseException):
    """The worker's process ended here."""


class Believed:
    """What the acts so far mean for one post, in the simplest words."""

    def __init__(self) -> None:
        self.authors: set[str] = set()
        self.words = ""
        self.due: datetime | None = None
        self.said_yes: set[str] = set()
        self.times: list[tuple[str, datetime, bool]] = []
        """(who, due, whether as a reviewer) of every window that somebody approved."""
        self.stopped = False


class Newsroom(RuleBasedStateMachine):
    """Acts of people, of the worker and of the network."""

    databases: ClassVar[Databases | None] = None

    @initialize()
    def begin(self) -> None:
        self.stack = ExitStack()
        root = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        self.desk: Desk = self.stack.enter_context(open_desk(root, self.databases))
        self.desk.wire.asked = self.asked
        self.desk.wire.hidden = False
        self.believed: dict[str, Believed] = {}
        self.said: list[str] = []
        self.again: set[str] = set()
        """Parts that a person said may be repeated."""
        self.wrong: list[str] = []
        self.week = 0
        self.another_week()

    @rule()
    def another_week(self) -> None:
        """Everything begins again with new posts."""
        self.week += 1
        for key in KEYS:
            self.believed[f"{key}{self.week}"] = Believed()
            self.queue(key, "alpha", 10, "amal", False)

    def teardown(self) -> None:
        if hasattr(self, "stack"):
            self.stack.close()

    # -- people --

    def act(self, what: object, *args: object, **values: object) -> bool:
        """Do it; a refusal in words is as good an answer as any."""
        try:
            what(*args, **values)  # type: ignore[operator]
        except SchedulerError:
            return False
        return True

    @rule(
        key=st.sampled_from(KEYS),
        words=st.sampled_from(WORDS),
        minutes=st.sampled_from(MINUTES),
        by=st.sampled_from(["amal", "badr"]),
        resubmit=st.booleans(),
    )
    def queue(self, key: str, words: str, minutes: int, by: str, resubmit: bool) -> None:
        kind_of_post, key = KINDS[key], f"{key}{self.week}"
        post = self.desk.post(
            key,
            {"wire-en": f"{key} {words}"},
            due=self.desk.clock() + timedelta(minutes=minutes),
            late=LATE,
            campaign=key,
            kind=kind_of_post,
        )
        try:
            kind = self.desk.queue(post, by=by, resubmit=resubmit)[key].value
        except SchedulerError:
            return
        mine = self.believed[key]
        again = kind == "changes requested" and resubmit
        if kind in ("new", "edited") or again:
            mine.words, mine.due = words, post.window.due_at
            mine.authors = {by, "amal"}
            mine.said_yes, mine.times, mine.stopped = set(), [], False
        elif kind == "moved":
            mine.due = post.window.due_at
            mine.authors.add(by)

    @rule(who=st.lists(st.sampled_from(REVIEWERS), min_size=1, max_size=3))
    def review_everything(self, who: list[str]) -> None:
        for key in KEYS:
            for by in who:
                self.approve(key, by)

    @rule(key=st.sampled_from(KEYS), by=st.sampled_from([*REVIEWERS, "dima", "amal", "noor"]))
    def approve(self, key: str, by: str) -> None:
        if self.act(self.desk.approve, self.reference(key), by):
            mine = self.believed[f"{key}{self.week}"]
            assert by in REVIEWERS
            assert mine.due is not None
            mine.said_yes.add(by)
            mine.times.append((by, mine.due, True))

    @rule(key=st.sampled_from(KEYS), by=st.sampled_from(REVIEWERS))
    def request_changes(self, key: str, by: str) -> None:
        context = self.desk.context
        if self.act(
            review.request_changes, context, self.desk.actor(by), self.reference(key), "no"
        ):
            mine = self.believed[f"{key}{self.week}"]
            mine.said_yes, mine.times, mine.stopped = set(), [], True

    @rule(key=st.sampled_from(KEYS), sure=st.integers(0, 9))
    def withdraw(self, key: str, sure: int) -> None:
        if sure:  # it ends the story of a post, so it is told seldom
            return
        actor = self.desk.actor("amal")
        if self.act(review.withdraw, self.desk.context, actor, self.reference(key), ""):
            self.believed[f"{key}{self.week}"].stopped = True

    @rule(
        by=st.sampled_from(REVIEWERS),
        roles=st.sampled_from([["reviewer"], ["duty"], ["author"]]),
        languages=st.sampled_from([["en"], ["ar"], ["en", "ar"]]),
    )
    def change_person(self, by: str, roles: list[str], languages: list[str]) -> None:
        context, noor = self.desk.context, self.desk.actor("noor")
        people.change_person(context, noor, by, roles=roles, languages=languages)
        for mine in self.believed.values():
            if roles != ["reviewer"] or "en" not in languages:
                mine.said_yes.discard(by)
                mine.times = [t for t in mine.times if t[0] != by or not t[2]]
            if roles == ["author"]:
                mine.times = [t for t in mine.times if t[0] != by]

    @rule(
        scope=st.sampled_from([("everything", ""), ("kind", "quote"), ("language", "ar")]),
        release=st.booleans(),
    )
    def hold_or_release(self, scope: tuple[str, str], release: bool) -> None:
        dima = self.desk.actor("dima")
        standing = hold.list_holds(self.desk.context, dima)
        if release and standing:
            hold.release_hold(self.desk.context, dima, standing[0].id)
        elif not standing:
            hold.add_hold(self.desk.context, dima, scope=scope[0], value=scope[1], reason="a flood")

    def reference(self, key: str) -> str:
        return f"{key}{self.week}/{key}{self.week}"

    @rule(key=st.sampled_from(KEYS), by=st.sampled_from(["dima", "rana"]))
    def send_again(self, key: str, by: str) -> None:
        try:
            parts = self.desk.looked(self.reference(key)).parts
            window = settle.send_again(
                self.desk.context, self.desk.actor(by), self.reference(key), "wire-en"
            )
        except SchedulerError:
            return
        self.believed[f"{key}{self.week}"].times.append((by, window.due_at, False))
        self.again |= {p.digest for p in parts}

    # -- the worker and the network --

    @rule(
        who=st.lists(st.sampled_from(REVIEWERS), max_size=3),
        answers=st.lists(st.sampled_from(ANSWERS), max_size=3),
        meanwhile=st.sampled_from(["nothing", "nothing", "edit", "move", "no", "hold", "rights"]),
        key=st.sampled_from(KEYS),
    )
    def publish(self, who: list[str], answers: list[str], meanwhile: str, key: str) -> None:
        """Some review; turn the clock to what comes next, and tick; people act between claim and last look."""
        self.review_everything(who)
        self.wait_for_what_comes()
        self.desk.at_moment = lambda moment: self.interrupt(moment, meanwhile, key)
        self.desk.wire.script = [self.answer(a) for a in answers]
        self.desk.tick()
        self.desk.wire.script = []
        self.desk.at_moment = lambda _: None

    def interrupt(self, moment: str, meanwhile: str, key: str) -> None:
        if moment != "claimed":
            return
        match meanwhile:
            case "edit":
                other = WORDS[self.believed[f"{key}{self.week}"].words == WORDS[0]]
                self.queue(key, other, 0, "badr", False)
                self.review_everything(["rana", "sami"])
            case "move":
                self.queue(key, self.believed[f"{key}{self.week}"].words, 1, "badr", False)
            case "no":
                self.request_changes(key, "rana")
            case "hold":
                self.hold_or_release(("everything", ""), False)
            case "rights":
                self.change_person("rana", ["duty"], ["en"])

    def answer(self, name: str) -> Exception | str:
        later = self.desk.clock() + timedelta(minutes=2)
        answers: dict[str, Exception | str] = {
            "not sent": NotSent("no route"),
            "limited": RateLimited("full", until=later),
            "refused": Refused("no"),
            "unauthorized": Unauthorized("no"),
            "unforeseen": KeyError("id"),
            "unconfirmed": Unconfirmed("no answer"),
        }
        return answers.get(name, name)

    @rule(
        point=st.sampled_from(
            ["claimed", "looked", "intended", "journalled", "answered", "outcome journalled"]
        ),
        answer=st.sampled_from(["said", "lost", "refused"]),
    )
    def crash(self, point: str, answer: str) -> None:
        self.wait_for_what_comes()

        def at(moment: str) -> None:
            if moment == point:
                raise Crashed

        self.desk.at_moment = at
        self.desk.wire.script = [self.answer(answer)]
        with suppress(Crashed):
            self.desk.tick()
        self.desk.at_moment = lambda _: None
        self.desk.wire.script = []
        self.desk.restart()

    @rule(hidden=st.booleans())
    def look(self, hidden: bool) -> None:
        self.desk.wire.hidden = hidden
        self.desk.look()

    @rule(minutes=st.sampled_from([1, 5, 15]))
    def wait(self, minutes: int) -> None:
        self.desk.clock.forward(minutes=minutes)

    def wait_for_what_comes(self) -> None:
        """To the next due time, so that calls do happen."""
        due = [b.due for b in self.believed.values() if b.due and b.due > self.desk.clock()]
        self.desk.clock.at = min(due, default=self.desk.clock())

    # -- what must hold --

    def asked(self, connection: Connection, call: Call) -> None:
        """A call reaches the network: was it right to make it, at this very moment?"""
        key, words = call.text.split()
        kind = KINDS[key.rstrip("0123456789")]
        mine, now = self.believed[key], self.desk.clock()
        with self.desk.context.database.read() as tx:
            held = hold_store.active(tx, now)
        delivery = self.desk.looked(f"{key}/{key}").delivery
        windows = [t for t in mine.times if t[1] <= now < t[1] + timedelta(minutes=LATE)]
        for problem, wrong in {
            "other words than the latest": words != mine.words,
            "too few people": len(mine.said_yes - mine.authors) < NEEDED[key.rstrip("0123456789")],
            "no window that anyone approved": not windows,
            "not the approved due time": delivery.due_at not in {t[1] for t in windows},
            "stopped": mine.stopped,
            "held": any(h.scope.value != "language" and kind in (h.value or kind) for h in held),
            "said before": call.key in self.said and call.key not in self.again,
        }.items():
            if wrong:
                self.wrong.append(f"{call.text} at {now - MONDAY}: {problem}")
        self.again.discard(call.key)
        answer = self.desk.wire.script[0] if self.desk.wire.script else "said"
        if answer in ("said", "lost") or isinstance(answer, KeyError | Unconfirmed):
            self.said.append(call.key)

    @invariant()
    def nothing_wrong_was_ever_sent(self) -> None:
        assert getattr(self, "wrong", []) == []

    @invariant()
    def what_is_called_live_is_in_the_ledger_once_for_each_part(self) -> None:
        if not hasattr(self, "desk"):
            return
        ledger = [s.remote_id for s in self.desk.wire.ledger]
        assert len(set(ledger)) == len(ledger)
        for key, mine in self.believed.items():
            if mine.due is None:
                continue
            looked = self.desk.looked(f"{key}/{key}")
            if looked.delivery.state is D.PUBLISHED:
                assert all(p.remote_id in ledger for p in looked.parts)


TestNewsroom = Newsroom.TestCase
TestNewsroom.settings = settings(
    max_examples=35,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


class NewsroomOnPostgresql(Newsroom):
    """The same newsroom on the other database."""


@pytest.mark.postgresql
class TestNewsroomOnPostgresql(NewsroomOnPostgresql.TestCase):  # type: ignore[valid-type,misc]
    settings = settings(TestNewsroom.settings, max_examples=12)

    @pytest.fixture(autouse=True)
    def server(self, postgresql: Databases) -> None:
        NewsroomOnPostgresql.databases = postgresql
