"""Who waits for whom in the database: people for everybody, workers beside workers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import timedelta

import pytest
from sqlalchemy import text

from social_scheduler.store import publishing
from social_scheduler.store.database import Database, Transaction
from tests.services.desk import Desk

UNTOUCHED = 0.25
"""Seconds in which nothing may happen while another is at work."""


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as made:
        yield made


@pytest.mark.parametrize("theirs", ["write", "work", "read"])
@pytest.mark.parametrize("mine", ["write", "work", "read"])
def test_who_waits_for_whom(desk: Desk, pool: ThreadPoolExecutor, mine: str, theirs: str) -> None:
    database = desk.context.database
    beside = "read" in {mine, theirs} or (
        database.is_postgresql and (mine, theirs) == ("work", "work")
    )
    entered = threading.Event()

    def other() -> None:
        with getattr(database, theirs)() as tx:
            count(tx)
            entered.set()

    with getattr(database, mine)() as tx:
        count(tx)
        done = pool.submit(other)
        assert entered.wait(10 if beside else UNTOUCHED) is beside
    done.result(timeout=10)
    assert entered.is_set()


def count(tx: Transaction) -> int:
    return int(tx.execute(text("SELECT count(*) FROM person")).scalar_one())


def looks_of(tx: Transaction) -> int:
    return int(tx.execute(text("SELECT looks FROM delivery")).scalar_one())


def set_looks(tx: Transaction, value: int) -> None:
    tx.execute(text("UPDATE delivery SET looks = :value"), {"value": value})


@pytest.mark.parametrize("theirs", ["write", "work"])
def test_nothing_is_committed_between_a_persons_look_and_their_act(
    desk: Desk, pool: ThreadPoolExecutor, theirs: str
) -> None:
    desk.queue(desk.post())
    database = desk.context.database
    begun = threading.Event()

    def other() -> None:
        begun.set()
        with getattr(database, theirs)() as tx:
            set_looks(tx, looks_of(tx) + 10)

    with database.write() as tx:
        found = looks_of(tx)
        done = pool.submit(other)
        assert begun.wait(10)
        set_looks(tx, found + 1)
    done.result(timeout=20)

    with database.read() as tx:
        assert looks_of(tx) == 11  # both acts are kept, one after the other


def test_a_look_stays_the_same_while_others_write(desk: Desk, pool: ThreadPoolExecutor) -> None:
    desk.queue(desk.post())
    database = desk.context.database
    with database.read() as tx:
        before = looks_of(tx)
        pool.submit(_set, database, 7).result(timeout=10)
        assert looks_of(tx) == before
    with database.read() as tx:
        assert looks_of(tx) == 7


def _set(database: Database, value: int) -> None:
    with database.work() as tx:
        set_looks(tx, value)


def test_a_worker_waits_behind_a_person_who_waits(desk: Desk, pool: ThreadPoolExecutor) -> None:
    """A stream of workers' acts must not keep a hold waiting for ever."""
    database = desk.context.database
    order: list[str] = []

    def act(kind: str, name: str, begun: threading.Event) -> None:
        begun.set()
        with getattr(database, kind)() as tx:
            count(tx)
            order.append(name)

    held, later = threading.Event(), threading.Event()
    with database.work() as tx:
        count(tx)
        person = pool.submit(act, "write", "person", held)
        assert held.wait(10)
        if database.is_postgresql:
            _until_somebody_waits(database)
        worker = pool.submit(act, "work", "worker", later)
        assert later.wait(10)
        assert not order or not database.is_postgresql
    person.result(timeout=20)
    worker.result(timeout=20)

    assert sorted(order) == ["person", "worker"]
    if database.is_postgresql:
        assert order == ["person", "worker"]


def _until_somebody_waits(database: Database) -> None:
    waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
    for _ in range(10_000):
        with database.read() as tx:
            if tx.execute(waiting).scalar_one():
                return
    raise AssertionError("nobody waits")


def test_of_two_workers_that_hand_over_one_picture_at_once_the_later_one_is_believed(
    desk: Desk, pool: ThreadPoolExecutor
) -> None:
    desk.queue(desk.post())
    delivery, until = desk.looked().delivery.id, desk.clock() + timedelta(hours=1)

    def keep(tx: Transaction, remote_id: str) -> None:
        publishing.keep_upload(
            tx,
            delivery_id=delivery,
            part=1,
            sha256="ab" * 32,
            remote_id=remote_id,
            expires_at=until,
        )

    def other() -> None:
        with desk.context.database.work() as tx:
            keep(tx, "m-2")

    with desk.context.database.work() as tx:
        keep(tx, "m-1")
        done = pool.submit(other)
        wait([done], UNTOUCHED)
    done.result(timeout=10)

    with desk.context.database.read() as tx:
        kept = publishing.uploads_of(tx, delivery, desk.clock())
        assert [upload.remote_id for upload in kept] == ["m-2"]
