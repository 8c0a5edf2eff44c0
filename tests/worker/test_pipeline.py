"""The threads between claim and outcome: with a real database, a scripted network, no sleep."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from social_scheduler.errors import DatabaseBusy, NotSent
from social_scheduler.journal import Outcome
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.platforms import Call, Connection, Identity
from social_scheduler.services.calling import Begun
from social_scheduler.services.claim import LEASE, Claim
from social_scheduler.services.reconcile import recover_silent
from social_scheduler.store import publishing
from social_scheduler.store.database import Transaction
from social_scheduler.worker.pipeline import Pipeline
from tests.services.desk import WORKER, Desk, whose


class Line:
    """A pipeline that a test fills, and waits for."""

    def __init__(self, desk: Desk, calls_at_once: int = 4) -> None:
        self.desk = desk
        self.told: list[str] = []
        self.failures: list[BaseException] = []
        desk.publisher.told = self.told.append
        self.pipeline = Pipeline(
            desk.publisher, desk.clock, calls_at_once, self.told.append, self.failures.append
        )

    def say(self) -> None:
        """Claim what is due and wait until nothing is under way."""
        self.pipeline.add(self.desk.publisher.claim_due())
        self.pipeline.settled()


@pytest.fixture
def line(desk: Desk) -> Iterator[Line]:
    made = Line(desk)
    made.pipeline.start()
    yield made
    made.pipeline.stop()
    assert made.failures == []


def test_what_is_due_is_said_once_and_proved_by_its_evidence(desk: Desk, line: Line) -> None:
    desk.ready(*(desk.post(f"p{n}") for n in range(5)))

    line.say()

    assert desk.wire.texts == [f"p{n}: good morning" for n in range(5)]
    assert [desk.state(f"week/p{n}") for n in range(5)] == [D.PUBLISHED] * 5


def test_a_thread_goes_on_part_by_part(desk: Desk, line: Line) -> None:
    desk.ready(desk.post(words={"wire-en": [f"part {n}" for n in range(1, 6)]}))

    line.say()

    assert desk.wire.texts == [f"part {n}" for n in range(1, 6)]
    assert desk.state() is D.PUBLISHED


def test_one_accounts_silence_delays_no_other(desk: Desk, line: Line) -> None:
    desk.ready(desk.post(words={"wire-en": "Good morning", "wire-ar": "صباح الخير"}))
    answered = threading.Event()

    def asked(_connection: Connection, call: Call) -> None:
        if call.text == "Good morning":
            assert answered.wait(30), "the other account was kept waiting"
        else:
            answered.set()

    desk.wire.asked = asked

    line.say()

    assert sorted(desk.wire.texts) == sorted(["Good morning", "صباح الخير"])


def test_two_posts_of_one_account_are_never_under_way_at_once(desk: Desk, line: Line) -> None:
    desk.ready(*(desk.post(f"p{n}") for n in range(4)))
    under_way: list[str] = []
    most: list[int] = []

    def asked(_connection: Connection, call: Call) -> None:
        under_way.append(call.text)
        most.append(len(under_way))
        under_way.remove(call.text)

    desk.wire.asked = asked

    line.say()

    assert max(most) == 1


def test_many_intents_share_one_commit_and_each_has_its_evidence(desk: Desk, line: Line) -> None:
    for n in range(4):
        desk.account(f"wire-{n}", "en")
    words = {f"wire-{n}": f"word {n}" for n in range(4)}
    desk.ready(desk.post(words=words))

    line.say()

    assert sorted(desk.wire.texts) == sorted(words.values())
    intents = [r for r in desk.context.journal.records() if r["is"] == "intent"]
    assert len({r["digest"] for r in intents}) == 4


def test_what_a_database_that_did_not_answer_may_have_kept_was_not_sent(
    desk: Desk, line: Line
) -> None:
    """The commit of the intent may have gone through: nothing was called, and so it is told."""
    desk.ready(desk.post())
    broken = [True]

    def at(moment: str) -> None:
        if moment == "intended" and broken:
            broken.clear()
            raise DatabaseBusy("The connection to the database was lost.", "Look again.")

    desk.at_moment = at

    line.say()

    assert desk.wire.texts == []
    assert desk.state() is D.SCHEDULED
    assert desk.parts() == ["waiting"]
    desk.clock.forward(seconds=5)
    line.say()
    assert desk.wire.texts == ["opening: good morning"]


def test_an_answer_waits_in_the_journal_until_the_database_answers(desk: Desk, line: Line) -> None:
    desk.ready(desk.post())
    left = [3]
    settle = desk.publisher.settle

    def settling(*arguments: object) -> object:
        if left[0]:
            left[0] -= 1
            raise DatabaseBusy("The database is restarting.", "Wait.")
        return settle(*arguments)  # type: ignore[arg-type]

    desk.publisher.settle = settling  # type: ignore[method-assign, assignment]

    line.say()

    assert (left, desk.state(), desk.wire.calls.count("publish")) == ([0], D.PUBLISHED, 1)


def test_what_a_worker_loses_sight_of_is_not_kept_from_the_others(desk: Desk, line: Line) -> None:
    """A lease is renewed for what is in hand, and for nothing else."""
    desk.ready(desk.post("one"), desk.post("two"))
    first, second = desk.publisher.claim_due()
    with desk.context.database.work() as tx:
        kept = [(c.delivery_id, c.fence) for c in first.claims]
        publishing.renew_leases(tx, WORKER, kept, desk.clock() + 10 * LEASE)

    desk.clock.forward(seconds=31)
    recover_silent(desk.context, desk.by())

    assert (desk.state("week/one"), desk.state("week/two")) == (D.LEASED, D.SCHEDULED)
    assert second.claims != first.claims


def test_stopping_finishes_the_call_under_way_and_gives_the_rest_back(desk: Desk) -> None:
    line = Line(desk, calls_at_once=1)
    desk.ready(desk.post("one"), desk.post("two"))

    begun = threading.Event()

    def asked(*_: object) -> None:
        begun.set()
        assert line.pipeline.stopping.wait(30)

    desk.wire.asked = asked
    line.pipeline.start()
    line.pipeline.add(desk.publisher.claim_due())
    assert begun.wait(30)
    line.pipeline.stop()
    desk.publisher.unsent.give_back(line.pipeline.leftover())

    assert desk.wire.texts == ["one: good morning"]
    assert (desk.state("week/one"), desk.state("week/two")) == (D.PUBLISHED, D.SCHEDULED)


def test_trouble_with_one_account_ends_its_turn_only(desk: Desk, line: Line) -> None:
    desk.ready(desk.post(words={"wire-en": "Good morning", "wire-ar": "صباح الخير"}))
    desk.wire.script = [NotSent("unreachable")]

    line.say()

    assert len(desk.wire.texts) == 1
    assert sorted([desk.state(), desk.state(account="wire-ar")]) == [D.PUBLISHED, D.SCHEDULED]


def test_a_thread_goes_on_when_the_database_kept_an_answer_and_could_not_say_so(
    desk: Desk, line: Line
) -> None:
    desk.ready(desk.post(words={"wire-en": ["one", "two"]}))
    kept, database = desk.publisher.settle, desk.context.database
    work = database.work

    @contextmanager
    def cut() -> Iterator[Transaction]:
        with work() as tx:
            yield tx
        database.work = work  # type: ignore[method-assign]
        raise DatabaseBusy("The connection to the database was lost.", "Look again.")

    def settle(ended: Sequence[tuple[Begun, Outcome]]) -> list[Claim]:
        desk.publisher.settle = kept  # type: ignore[method-assign]
        database.work = cut  # type: ignore[method-assign]
        return kept(ended)

    desk.publisher.settle = settle  # type: ignore[method-assign]
    line.say()
    desk.clock.forward(seconds=31)
    recover_silent(desk.context, desk.by())
    line.say()

    assert (desk.state(), desk.wire.texts) == (D.PUBLISHED, ["one", "two"])


def test_keys_that_changed_are_asked_about_beside_the_clock(desk: Desk, line: Line) -> None:
    """The network may be slow to answer: the clock, and every other account, go on meanwhile."""
    desk.ready(desk.post("one"), desk.post("two", minutes=61))
    line.say()
    desk.context.vault.put(whose("wire-en"), {"token": "id-wire-en", "secret": "another"})
    desk.clock.forward(minutes=1)
    identify, askers = desk.wire.identify, set[int]()

    def asked(connection: Connection) -> Identity:
        askers.add(threading.get_ident())
        return identify(connection)

    desk.wire.identify = asked  # type: ignore[method-assign]
    line.say()

    assert len(desk.wire.texts) == 2
    assert askers
    assert threading.get_ident() not in askers


def test_answers_after_trouble_with_keeping_one_are_kept(desk: Desk) -> None:
    """The disk of the journal is full: the worker ends, and the database is told of everything."""
    line = Line(desk)
    desk.ready(desk.post(words={"wire-en": "Good morning", "wire-ar": "صباح الخير"}))
    in_trouble = threading.Event()

    def failed(problem: BaseException) -> None:
        line.failures.append(problem)
        in_trouble.set()

    def asked(_connection: Connection, call: Call) -> None:
        if call.text != "Good morning":
            assert in_trouble.wait(30)

    def full(_outcomes: object) -> None:
        raise OSError(28, "No space left on device")

    line.pipeline.failed = failed
    desk.wire.asked = asked
    desk.publisher.context.journal.end = full  # type: ignore[method-assign, assignment]
    line.pipeline.start()
    line.say()
    line.pipeline.stop()

    assert [type(problem) for problem in line.failures] == [OSError, OSError]
    assert desk.state() is desk.state(account="wire-ar") is D.PUBLISHED


def test_stopping_in_the_middle_of_a_thread_with_pictures_loses_no_other_answer(
    desk: Desk,
) -> None:
    """Its next part would be made ready by hands that are gone."""
    line = Line(desk)
    words = {"wire-en": ["one", "two"], "wire-ar": "صباح الخير"}
    desk.ready(desk.post(words=words, pictures=[desk.picture()]))
    both_asked = threading.Barrier(2)

    def asked(_connection: Connection, call: Call) -> None:
        both_asked.wait(30)
        assert line.pipeline.stopping.wait(30)
        if call.text != "one":
            while desk.parts() != ["live", "waiting"]:
                pass  # the thread's answer is kept first

    desk.wire.asked = asked
    line.pipeline.start()
    line.pipeline.add(desk.publisher.claim_due())
    while desk.wire.calls.count("publish") < 2:
        pass
    line.pipeline.stop()
    desk.publisher.unsent.abandon(line.pipeline.unfinished(), "its worker stopped")

    assert line.failures == []
    assert sorted(desk.wire.texts) == ["one", "صباح الخير"]
    assert (desk.state(), desk.state(account="wire-ar")) == (D.SCHEDULED, D.PUBLISHED)
