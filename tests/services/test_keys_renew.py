"""Keys that end: renewed ahead, by one at a time, the new ones kept before the old are forgotten."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from social_scheduler.errors import DatabaseBusy, NotSent, Unauthorized
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.platforms import HONOURS_KEYS, Connection, Identity
from social_scheduler.services.connect_ask import Asker
from social_scheduler.services.keys_check import check_accounts
from social_scheduler.services.keys_renew import ASKING, NEWS, renew_due
from social_scheduler.services.reach import Reach
from social_scheduler.store import accounts as account_store
from social_scheduler.store import secrets as store
from social_scheduler.store.tables import Account, AccountState
from tests.postgresql import Databases
from tests.services.desk import Desk, open_desk, whose
from tests.services.signing import SigningWire


class Shift:
    """A desk whose accounts' tokens end, and a worker that sees to it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.wire = SigningWire(desk.clock)
        desk.wire = self.wire
        desk.context = dataclasses.replace(desk.context, platforms={"wire": self.wire})
        self.lines: list[str] = []
        self.asked: list[str] = []
        """Where keys were sent, in the tests that look."""
        self.publisher = desk.new_publisher(told=self.lines.append)
        self.give("wire-en")
        self.give("wire-ar")
        self.wire.calls.clear()

    @property
    def reach(self) -> Reach:
        return self.publisher.reach

    def give(self, account: str) -> None:
        keys = self.wire._pair(account)
        self.desk.context.vault.put(whose(account), keys)
        with self.desk.context.database.write() as tx:
            found = account_store.account_named(tx, account)
            assert found is not None
            found.native_id = f"id-{account}"
            found.asked_at = self.desk.clock()

    def account(self, name: str = "wire-en") -> Account:
        return self.desk.looked_account(name)

    def token(self, name: str = "wire-en") -> str:
        return self.desk.context.vault.get(whose(name))["access_token"]

    def round(self) -> None:
        renew_due(self.reach)


@pytest.fixture
def shift(tmp_path: Path, databases: Databases | None) -> Iterator[Shift]:
    with open_desk(tmp_path, databases) as desk:
        yield Shift(desk)


def test_nothing_changes_while_nothing_ends(shift: Shift) -> None:
    before = shift.token()

    shift.round()

    assert shift.wire.calls == ["renew", "renew"]
    assert shift.token() == before
    assert "renew_keys" not in shift.desk.steps()


def test_new_keys_are_kept_and_used(shift: Shift) -> None:
    before = shift.token()
    shift.wire.due = True

    shift.round()

    assert shift.token() != before
    assert shift.account().keys_version == 3
    assert "renew_keys" in shift.desk.steps()
    assert shift.lines == ["wire-en: its keys were renewed"]
    shift.desk.ready(shift.desk.post())
    for turn in shift.publisher.claim_due():
        shift.publisher.send(turn)
    assert shift.desk.state() is D.PUBLISHED


def test_a_refresh_token_that_is_not_given_again_stays(shift: Shift) -> None:
    before = shift.desk.context.vault.get(whose("wire-en"))["refresh_token"]
    shift.wire.due, shift.wire.gives_refresh = True, False

    shift.round()

    assert shift.desk.context.vault.get(whose("wire-en"))["refresh_token"] == before


def test_it_is_asked_again_after_a_minute_and_not_before(shift: Shift) -> None:
    shift.round()
    shift.round()
    assert shift.wire.calls.count("renew") == 2

    shift.desk.clock.forward(minutes=1)
    shift.round()
    assert shift.wire.calls.count("renew") == 4


def test_two_workers_never_renew_the_same_keys(shift: Shift) -> None:
    """A refresh token counts once: the second use would lose the account."""
    other = shift.desk.new_publisher("another")
    shift.wire.due = True
    shift.wire.while_renewing = lambda: renew_due(other.reach)

    shift.round()

    assert shift.account().state is AccountState.CONNECTED
    assert len(shift.wire.refreshes) == len(shift.wire.tokens) == 2


def test_a_worker_that_died_while_it_asked_is_followed_by_another(shift: Shift) -> None:
    now = shift.desk.clock()
    with shift.desk.context.database.work() as tx:
        assert store.take_renewal(tx, "wire-en", now, now + ASKING)
    shift.wire.due = True
    shift.round()  # wire-ar's
    before, shift.wire.due = shift.token(), True

    shift.round()
    assert shift.token() == before
    shift.desk.clock.forward(seconds=ASKING.total_seconds())
    shift.round()
    assert shift.token() != before


def test_an_account_connected_meanwhile_keeps_its_new_keys(shift: Shift) -> None:
    shift.wire.due = True
    shift.wire.while_renewing = lambda: shift.give("wire-en")

    shift.round()

    newest = shift.token()
    assert newest in shift.wire.tokens
    assert shift.account().state is AccountState.CONNECTED
    assert "renew_keys" not in shift.desk.steps()


def test_keys_that_the_network_does_not_renew_any_more_suspend_the_account(shift: Shift) -> None:
    shift.wire.refreshes.clear()
    shift.wire.due = True

    shift.round()

    found = shift.account()
    assert (found.state, found.trouble) == (
        AccountState.SUSPENDED,
        "The refresh token was used already.",
    )
    assert "wire-en: suspended" in shift.lines[0]


def test_a_network_that_refuses_is_left_alone_for_an_hour(shift: Shift) -> None:
    shift.wire.refreshes.clear()
    for _ in range(61):
        shift.wire.due = True
        shift.round()
        shift.desk.clock.forward(minutes=1)

    assert shift.wire.calls.count("renew") == 4  # each of the two accounts twice
    assert sum("suspended" in line for line in shift.lines) == 2


def test_nothing_is_renewed_that_could_not_be_kept(shift: Shift) -> None:
    """The network would have forgotten the old keys."""
    key = shift.desk.context.vault.folder
    before = dict(shift.wire.refreshes)
    shift.round()
    shift.desk.clock.forward(minutes=1)
    shift.wire.due = True
    shift.wire.calls.clear()
    key.path.rename(key.path.with_suffix(".away"))
    key._keys = []

    shift.round()

    assert "renew" not in shift.wire.calls
    assert shift.wire.refreshes == before
    assert "worker.key is missing" in shift.lines[0]


def test_passing_trouble_suspends_nothing(shift: Shift) -> None:
    shift.wire.troubles = {"renew": [NotSent("no answer"), RuntimeError("unforeseen")]}

    shift.round()

    assert shift.account().state is AccountState.CONNECTED
    assert shift.account("wire-ar").state is AccountState.CONNECTED
    assert len(shift.lines) == 2


def test_an_account_that_was_suspended_speaks_again_with_renewed_keys(shift: Shift) -> None:
    """The worker stood still for a day, and its first call was refused."""
    with shift.desk.context.database.work() as tx:
        found = account_store.account_named(tx, "wire-en")
        assert found is not None
        found.state, found.trouble = AccountState.SUSPENDED, "401"
    shift.wire.due = True

    shift.round()

    assert shift.account().state is AccountState.CONNECTED
    assert shift.account().trouble is None


def test_a_worker_that_begins_renews_before_it_speaks(shift: Shift) -> None:
    shift.desk.ready(shift.desk.post())
    shift.wire.tokens.clear()  # they ended while no worker ran
    shift.wire.due = True

    for turn in shift.publisher.claim_due():
        shift.publisher.send(turn)

    assert shift.desk.state() is D.PUBLISHED
    assert shift.wire.calls[:3] == ["renew", "identify", "publish"]


def test_old_keys_that_are_refused_do_not_suspend_an_account_with_new_ones(shift: Shift) -> None:
    shift.desk.ready(shift.desk.post())
    (turn,) = shift.publisher.claim_due()
    shift.wire.troubles = {"identify": [Unauthorized("the old token")]}

    def connected(*_: object) -> None:
        shift.give("wire-en")

    shift.publisher.reach.told = connected
    shift.give("wire-en")

    shift.publisher.send(turn)

    assert shift.account().state is AccountState.CONNECTED
    assert shift.desk.state() is D.SCHEDULED


@pytest.mark.parametrize("said", ["amal\ud800", "amal\0", "amal\x1b[2J", "amal\nall is well"])
def test_a_hostile_name_stops_neither_the_worker_nor_the_others(shift: Shift, said: str) -> None:
    token = shift.token()
    shift.wire.tokens[token] = said
    shift.desk.clock.forward(hours=24)

    shift.round()

    trouble = shift.account().trouble
    assert trouble is not None
    assert trouble.startswith("its keys are those of amal\\")
    assert trouble.isprintable()
    assert shift.lines == [f"wire-en: suspended — {trouble}"]
    assert shift.account("wire-ar").asked_at == shift.desk.clock()


def test_what_nobody_foresaw_in_one_account_is_told_and_the_others_go_on(
    shift: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = account_store.keep_news

    def failing(tx: Any, account: int, *more: Any, **values: Any) -> bool:
        if account == shift.account().id:
            raise UnicodeEncodeError("utf-8", "secret\ud800", 6, 7, "surrogates not allowed")
        return keep(tx, account, *more, **values)

    monkeypatch.setattr(account_store, "keep_news", failing)
    shift.desk.clock.forward(hours=24)

    shift.round()

    assert shift.lines == ["wire-en: its keys were not renewed — unforeseen: UnicodeEncodeError"]
    assert shift.account("wire-ar").asked_at == shift.desk.clock()


def test_a_database_that_is_busy_is_the_workers_to_tell(
    shift: Shift, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object, **__: object) -> bool:
        raise DatabaseBusy("The database is locked.")

    monkeypatch.setattr(account_store, "keep_news", busy)
    shift.desk.clock.forward(hours=24)

    with pytest.raises(DatabaseBusy):
        shift.round()


class TestOnceADay:
    def test_the_network_is_asked_what_else_it_tells(self, shift: Shift) -> None:
        shift.wire.ends_at = shift.desk.clock() + timedelta(days=60)
        shift.desk.clock.forward(hours=NEWS.total_seconds() / 3600)

        shift.round()

        found = shift.account()
        assert (found.told, found.ends_at) == ({"text": 4000}, shift.wire.ends_at)
        assert found.asked_at == shift.desk.clock()
        shift.wire.calls.clear()
        shift.round()
        assert "identify" not in shift.wire.calls

    def test_keys_that_have_become_another_accounts_suspend_it(self, shift: Shift) -> None:
        shift.wire.tokens = dict.fromkeys(shift.wire.tokens, "somebody")
        shift.desk.clock.forward(hours=24)

        shift.round()

        assert shift.account().trouble == "its keys are those of somebody"


class TestAServerThatSomebodyWroteIntoTheDatabase:
    HOME, EVIL = "https://social.example", "https://evil.example"

    @pytest.fixture
    def live(self, shift: Shift) -> Shift:
        """Two accounts at a server of a network that has many; then one is sent elsewhere."""
        context = dataclasses.replace(shift.desk.context, kind="live")
        shift.desk.context = context
        shift.publisher = shift.desk.new_publisher(told=shift.lines.append)
        for name in ("wire-en", "wire-ar"):
            context.vault.put(whose(name, self.HOME), shift.wire._pair(name))
            self.write(shift, name, server=self.HOME)
        self.write(shift, "wire-en", server=self.EVIL)
        identify = shift.wire.identify

        def asked(connection: Connection) -> Identity:
            shift.asked.append(connection.base_url)
            return identify(connection)

        def renewed(connection: Connection) -> None:
            shift.asked.append(connection.base_url)

        shift.wire.identify = asked  # type: ignore[method-assign]
        shift.wire.renew = renewed  # type: ignore[method-assign]
        return shift

    def write(self, shift: Shift, name: str, **values: object) -> None:
        with shift.desk.context.database.write() as tx:
            found = account_store.account_named(tx, name)
            assert found is not None
            found.asked_at = None
            for key, value in values.items():
                setattr(found, key, value)

    def test_is_told_nothing_and_the_others_go_on(self, live: Shift) -> None:
        live.round()

        assert set(live.asked) == {self.HOME}
        assert live.account().state is AccountState.SUSPENDED
        assert "sealed for another place" in (live.account().trouble or "")
        assert live.account("wire-ar").asked_at == live.desk.clock()
        assert "suspend_account" in live.desk.steps()

    def test_is_told_nothing_by_a_check(self, live: Shift) -> None:
        found = check_accounts(live.desk.context, live.desk.actor("noor"), [], Asker("noor"))

        assert set(live.asked) == {self.HOME}
        told = {one.account: one.problems for one in found}
        assert "sealed for another place" in told["wire-en"][0]
        assert told["wire-ar"] == []

    def test_does_not_suspend_an_account_that_was_connected_there_meanwhile(
        self, live: Shift
    ) -> None:
        version = live.account().keys_version
        live.desk.context.vault.put(whose("wire-en", self.EVIL), live.wire._pair("wire-en"))
        assert live.account().keys_version == version + 1

        live.round()

        assert live.account().state is AccountState.CONNECTED


def test_what_the_network_tells_now_is_what_counts(shift: Shift) -> None:
    """Also when it takes something back: a server that honours keys no more."""
    with shift.desk.context.database.write() as tx:
        found = account_store.account_named(tx, "wire-en")
        assert found is not None
        found.told, found.asked_at = {HONOURS_KEYS: 1, "text": 9000, "alt_text": 99}, None
    identify = shift.wire.identify

    def told(connection: Connection) -> Identity:
        return dataclasses.replace(identify(connection), told={HONOURS_KEYS: 0, "text": 500})

    shift.wire.identify = told  # type: ignore[method-assign]

    shift.round()

    assert shift.account().told == {HONOURS_KEYS: 0, "text": 500, "alt_text": 99}
