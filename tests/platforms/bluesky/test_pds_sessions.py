"""Signing in at Bluesky's own server: once, renewed in time, and never more often than it allows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from social_scheduler.errors import RateLimited, Unauthorized
from social_scheduler.platforms import Connection
from social_scheduler.platforms.bluesky import Bluesky
from tests.lossy import Lossy
from tests.on_pds import started
from tests.pds import Pds, Person
from tests.platforms.bluesky.calls import NOTHING, call

pytestmark = pytest.mark.pds

SIGN_IN, RENEW = "com.atproto.server.createSession", "com.atproto.server.refreshSession"


class Clock:
    """Tests turn it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def bluesky(clock: Clock) -> Bluesky:
    """The module as a worker that has just begun has it."""
    return Bluesky(clock)


@pytest.fixture
def through(pds: Pds, person: Person, proxy: Lossy) -> Connection:
    return pds.connection(person, through=proxy.url)


def asked(proxy: Lossy, *methods: str) -> list[str]:
    """Which of these were asked, in order."""
    names = [request.line.rpartition("/")[2] for request in proxy.requests]
    return [name for name in names if name in (methods or (SIGN_IN, RENEW))]


def kept_in(keys: dict[str, str], connection: Connection) -> Connection:
    """The connection, whose session is kept as the engine keeps it."""

    def keep(renewed: Mapping[str, str]) -> None:
        keys.update(renewed)

    return replace(connection, renewed=keep)


def test_the_keys_tell_whose_they_are_and_what_they_may(
    bluesky: Bluesky, here: Connection, person: Person
) -> None:
    who = bluesky.identify(here)
    assert (who.native_id, who.handle, who.ends_at) == (person.did, person.handle, None)
    assert who.scopes == ("com.atproto.appPass",)


def test_many_posts_need_one_sign_in(
    bluesky: Bluesky, through: Connection, person: Person, proxy: Lossy, due: datetime
) -> None:
    for number in range(4):
        said = call(f"Number {number}", account=person.did, due_at=due)
        live = bluesky.publish(through, said)
        bluesky.read_back(through, live.remote_id)
        bluesky.find(through, said, due, NOTHING)
    assert asked(proxy) == [SIGN_IN]


def test_a_session_outlives_its_worker(
    through: Connection, person: Person, proxy: Lossy, due: datetime
) -> None:
    keys: dict[str, str] = {}
    Bluesky().identify(kept_in(keys, through))
    assert sorted(keys) == ["access_jwt", "refresh_jwt"]
    later = replace(through, keys={**through.keys, **keys})
    Bluesky().publish(later, call(account=person.did, due_at=due))
    assert asked(proxy) == [SIGN_IN]


def test_a_session_is_renewed_before_it_ends(
    bluesky: Bluesky, clock: Clock, through: Connection, person: Person, proxy: Lossy, due: datetime
) -> None:
    keys: dict[str, str] = {}
    connection = kept_in(keys, through)
    bluesky.identify(connection)
    first = dict(keys)
    clock.ahead = timedelta(minutes=119)
    bluesky.publish(connection, call(account=person.did, due_at=due))
    assert asked(proxy) == [SIGN_IN, RENEW]
    assert keys["refresh_jwt"] != first["refresh_jwt"]


def test_what_is_asked_every_minute_renews_well_ahead_and_only_then(
    bluesky: Bluesky, clock: Clock, through: Connection, proxy: Lossy
) -> None:
    found = bluesky.renew(through)
    assert found is not None
    through = replace(through, keys={**through.keys, **found})
    for minutes in (1, 40, 79):
        clock.ahead = timedelta(minutes=minutes)
        assert bluesky.renew(through) is None
    clock.ahead = timedelta(minutes=81)
    again = bluesky.renew(through)
    assert again is not None
    assert again["refresh_jwt"] != found["refresh_jwt"]
    assert asked(proxy) == [SIGN_IN, RENEW]


def test_a_session_the_server_has_forgotten_is_made_anew(
    through: Connection, person: Person, proxy: Lossy, due: datetime
) -> None:
    ended = {"access_jwt": "e30.e30.e30", "refresh_jwt": "e30.e30.e30"}
    stale = replace(through, keys={**through.keys, **ended})
    Bluesky().publish(stale, call(account=person.did, due_at=due))
    assert asked(proxy) == [RENEW, SIGN_IN]


def test_a_session_that_ends_early_is_replaced_and_the_question_asked_again(
    bluesky: Bluesky, through: Connection, person: Person, proxy: Lossy
) -> None:
    bluesky.identify(through)
    sessions = bluesky._sessions
    (account,) = sessions._accounts.values()
    assert account.session is not None
    head, claims, _ = account.session.access.split(".")
    account.session = replace(account.session, access=f"{head}.{claims}.AAAA", made_at=None)
    assert bluesky.identify(through).native_id == person.did
    assert asked(proxy) == [SIGN_IN, RENEW]


def test_threads_that_need_a_session_at_once_sign_in_once(
    bluesky: Bluesky, through: Connection, person: Person, proxy: Lossy
) -> None:
    with ThreadPoolExecutor(8) as pool:
        who = list(pool.map(bluesky.identify, [through] * 8))
    assert {each.native_id for each in who} == {person.did}
    assert asked(proxy) == [SIGN_IN]


def test_a_wrong_password_is_not_accepted_and_not_tried_over_and_over(
    bluesky: Bluesky, clock: Clock, through: Connection, proxy: Lossy, due: datetime
) -> None:
    wrong = replace(through, keys={**through.keys, "app_password": "aaaa-bbbb-cccc-dddd"})
    for _ in range(3):
        with pytest.raises(Unauthorized, match="Invalid identifier or password"):
            bluesky.renew(wrong)
    with pytest.raises(Unauthorized):
        bluesky.publish(wrong, call(due_at=due))
    assert asked(proxy) == [SIGN_IN]
    clock.ahead = timedelta(minutes=11)
    with pytest.raises(Unauthorized):
        bluesky.identify(wrong)
    assert asked(proxy) == [SIGN_IN, SIGN_IN]


def test_an_accounts_own_password_is_not_what_we_want(
    bluesky: Bluesky, here: Connection, person: Person
) -> None:
    own = replace(here, keys={"identifier": person.handle, "app_password": person.password})
    with pytest.raises(Unauthorized, match="app password"):
        bluesky.identify(own)


def test_a_key_that_is_missing_is_named(bluesky: Bluesky, here: Connection) -> None:
    with pytest.raises(Unauthorized, match="app_password is missing"):
        bluesky.identify(replace(here, keys={"identifier": "amal.example.org"}))


def test_no_secret_is_in_what_is_told(bluesky: Bluesky, here: Connection, person: Person) -> None:
    keys: dict[str, str] = {}
    connection = kept_in(keys, here)
    bluesky.identify(connection)
    (account,) = bluesky._sessions._accounts.values()
    told = f"{connection!r} {account!r} {account.session!r}"
    assert not [secret for secret in (*keys.values(), person.app_password) if secret in told]


@pytest.fixture(scope="module")
def strict(pytestconfig: pytest.Config) -> Iterator[Pds]:
    """A server that counts."""
    server = started(pytestconfig, rate_limits=True)
    yield server
    server.remove()


def test_a_server_that_takes_no_more_tells_when_it_does_again(strict: Pds) -> None:
    keys = {"identifier": "nobody.example.org", "app_password": "aaaa-bbbb-cccc-dddd"}
    connection = Connection(strict.url, keys)
    with ThreadPoolExecutor(10) as pool:  # workers that do not know of one another
        asked_by = [pool.submit(Bluesky().identify, connection) for _ in range(30)]
    assert {type(each.exception()) for each in asked_by} == {Unauthorized}
    with pytest.raises(RateLimited) as limited:
        Bluesky().identify(connection)
    until = limited.value.until - datetime.now(UTC)
    assert timedelta(minutes=3) < until <= timedelta(minutes=5, seconds=2)
    assert "429" in limited.value.evidence


def test_everything_is_there_after_the_server_was_killed(strict: Pds, due: datetime) -> None:
    person = strict.person()
    connection = strict.connection(person)
    bluesky = Bluesky()
    post = call("Once", account=person.did, due_at=due)
    thread = call("One", "Two", account=person.did, due_at=due)
    live = [bluesky.publish(connection, each) for each in (post, thread)]
    strict.stop()
    strict.start()
    assert bluesky.publish(connection, post) == live[0]
    assert [bluesky.find(connection, each, due, NOTHING) for each in (post, thread)] == live
    assert len(strict.records(person)) == 3
