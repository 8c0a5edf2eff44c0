"""Whatever happens to a call at whatever stage of it: nothing is said twice, and nobody is lied to.

Each fault of the proxy meets each request of each call. What came of it is compared with the
server's own ledger; then it is cleared up as the reconciler does it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from social_scheduler.errors import NotSent, PlatformError, RateLimited, Unconfirmed
from social_scheduler.platforms import Call, Connection, Published
from tests.lossy import Fault, Lossy, lossy
from tests.platforms.conformance.performing import PATIENT, Performer, picture, words

pytestmark = pytest.mark.process

FAULTS = [fault for fault in Fault if fault is not Fault.PASS]
SLOW = {Fault.HANG_BEFORE, Fault.HANG_AFTER, Fault.DRIP}
HASTY = 0.5
"""Seconds for which an answer is waited for that will not come."""

every_fault = pytest.mark.parametrize("fault", FAULTS, ids=[f.value for f in FAULTS])


def connected(performer: Performer, proxy: Lossy, fault: Fault) -> Connection:
    return performer.connection(proxy.url, HASTY if fault in SLOW else PATIENT)


_counted: dict[tuple[str, str], int] = {}


def requests_of(
    performer: Performer, what: str, prepare: Callable[[Performer], Callable[[Connection], object]]
) -> int:
    """How many requests a call makes when all goes well; tried out once for each network."""
    known = (f"{performer.name} on {type(performer.stage).__name__}", what)
    if known not in _counted:
        act = prepare(performer)
        with lossy(performer.stage.url) as proxy:
            act(performer.connection(proxy.url))
            assert proxy.strayed == []
            _counted[known] = len(proxy.reached)
    return _counted[known]


def moments(count: int, fault: Fault) -> Iterator[int]:
    """Which of a call's requests the fault meets; where nobody listens, that is the first."""
    yield from range(1 if fault is Fault.REFUSE else count)


def says_nothing(performer: Performer, error: BaseException) -> None:
    """No error's text has a secret in it."""
    evidence = getattr(error, "evidence", "")
    told = f"{error} {error!r} {evidence} {getattr(error, 'remedy', '')}"
    for secret in performer.secrets:
        assert len(secret) < 8 or secret not in told


def made(performer: Performer, kind: str) -> Call:
    """A call that has not been made yet: words alone, or an answer to a post with a picture."""
    if kind == "alone":
        return performer.call(performer.message(words()))
    if kind == "picture":
        item, data = picture("red", "A red square.")
        message = performer.message(words(), media=[item])
        return performer.call(message, files={item.sha256: data})
    _, above = performer.say(words("Above"))
    return performer.call(performer.message(above.url, words()), 2, reply_to=above.remote_id)


@every_fault
def test_a_post_is_never_said_twice_and_never_lied_about(
    performer: Performer, fault: Fault
) -> None:
    wishes = [
        (kind, moment)
        for kind in ("alone", *(["picture"] if performer.limits.pictures else []), "below")
        for moment in moments(requests_of(performer, kind, publishing(kind)), fault)
    ]
    _all_at_once(lambda wish: _one_loss(performer.another(), fault, *wish), wishes)


def publishing(kind: str) -> Callable[[Performer], Callable[[Connection], object]]:
    def prepare(performer: Performer) -> Callable[[Connection], object]:
        call = made(performer, kind)
        return lambda connection: performer.platform.publish(connection, call)

    return prepare


def _all_at_once(act: Callable[[tuple[Any, ...]], None], wishes: Sequence[tuple[Any, ...]]) -> None:
    """Most of the time is spent on waiting for what does not come."""
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, wishes))


def _one_loss(performer: Performer, fault: Fault, kind: str, moment: int) -> None:
    with lossy(performer.stage.url) as proxy:
        _lose_and_clear_up(performer, proxy, fault, moment, kind)


def _lose_and_clear_up(
    performer: Performer, proxy: Lossy, fault: Fault, moment: int, kind: str
) -> None:
    since = datetime.now(UTC)
    call = made(performer, kind)
    before = {said.id for said in performer.live()}
    there = connected(performer, proxy, fault)
    proxy.next(fault, after=moment)
    outcome = _attempt(performer, there, call)
    proxy.settle()
    live = [said.id for said in performer.live(call.text) if said.id not in before]
    _rightly_told(outcome, live, fault)
    assert proxy.strayed == [], "a redirect was followed"
    proxy.clear()
    if isinstance(outcome, Published):
        return
    if isinstance(outcome, Unconfirmed):
        if not performer.looks:
            return  # a person looks, at once
        known = frozenset(before)
        found = performer.platform.find(performer.connection(), call, since, known)
        assert ([found.remote_id] if found else []) == live[:1]
        if live and not performer.repeats:
            return
    call = _again(performer, call)
    again = performer.platform.publish(performer.connection(), call)
    left = [said.id for said in performer.live(call.text) if said.id not in before]
    assert left == [again.remote_id.partition(",")[0]], "said twice, or not at all"
    performer.proved(call, again)


def _again(performer: Performer, call: Call) -> Call:
    """The same call, its files at their start."""
    for file in call.files.values():
        file.seek(0)
    return call


def _attempt(performer: Performer, connection: Connection, call: Call) -> Published | PlatformError:
    try:
        return performer.platform.publish(connection, call)
    except PlatformError as error:
        says_nothing(performer, error)
        return error


def _rightly_told(outcome: Published | PlatformError, live: list[str], fault: Fault) -> None:
    assert len(live) <= 1
    match outcome:
        case Published():
            assert [outcome.remote_id.partition(",")[0]] == live
        case Unconfirmed():
            assert fault is not Fault.REFUSE, "it never left, and that can be known"
        case NotSent():
            assert live == [], f"{outcome} is not true: it is live"
        case RateLimited():
            assert live == []
            assert fault is Fault.TOO_MANY
        case _:
            raise AssertionError(f"{outcome!r} blames the words or the keys for a {fault}")
    if fault is Fault.TOO_MANY:
        assert isinstance(outcome, RateLimited | Published)


@dataclass(frozen=True)
class Errand:
    """A call that publishes nothing: it may be made again and again."""

    run: Callable[[Connection], object]
    is_right: Callable[[Any], bool]


def identifying(performer: Performer) -> Errand:
    return Errand(
        performer.platform.identify, lambda who: who.native_id == performer.guest.native_id
    )


def uploading(performer: Performer) -> Errand:
    item, data = picture("green", "A green square.")
    return Errand(
        lambda c: performer.upload(item, {item.sha256: data}, c),
        lambda held: held.sha256 == item.sha256 and held.ready,
    )


def finding(performer: Performer) -> Errand:
    since = datetime.now(UTC)
    call, live = performer.say(words("To be found"))
    return Errand(
        lambda c: performer.platform.find(c, call, since, frozenset()),
        lambda found: found is not None and found.remote_id == live.remote_id,
    )


def reading(performer: Performer) -> Errand:
    call, live = performer.say(words("To be read"))
    wanted = performer.platform.as_seen(call)
    return Errand(
        lambda c: performer.platform.read_back(c, live.remote_id),
        lambda seen: seen is not None and not seen.differences(wanted),
    )


def removing(performer: Performer) -> Errand:
    call, live = performer.say(words("To be removed"))
    return Errand(
        lambda c: performer.platform.remove(c, live.remote_id),
        lambda _: performer.live(call.text) == [],
    )


def errands(performer: Performer) -> dict[str, Callable[[Performer], Errand]]:
    """Every other thing that the module does."""
    found: dict[str, Callable[[Performer], Errand]] = {
        "identify": identifying,
        "remove": removing,
    }
    if performer.limits.pictures and not performer.platform.sends_files:
        found["upload"] = uploading
    if performer.looks:
        found["find"] = finding
    if performer.platform.reads_back:
        found["read_back"] = reading
    return found


@every_fault
def test_what_publishes_nothing_is_right_or_says_so_and_may_be_repeated(
    performer: Performer, fault: Fault
) -> None:
    wishes = [
        (name, prepare, moment)
        for name, prepare in errands(performer).items()
        for moment in moments(requests_of(performer, name, _running(prepare)), fault)
    ]
    _all_at_once(lambda wish: _one_errand(performer.another(), fault, *wish), wishes)


def _running(
    prepare: Callable[[Performer], Errand],
) -> Callable[[Performer], Callable[[Connection], object]]:
    return lambda performer: prepare(performer).run


def _one_errand(
    performer: Performer,
    fault: Fault,
    name: str,
    prepare: Callable[[Performer], Errand],
    moment: int,
) -> None:
    errand = prepare(performer)
    where = f"{name}, request {moment + 1}, {fault}"
    with lossy(performer.stage.url) as proxy:
        there = connected(performer, proxy, fault)
        proxy.next(fault, after=moment)
        told: NotSent | RateLimited | None = None
        try:
            result = errand.run(there)
        except (NotSent, RateLimited) as error:
            told = error
        except Exception as error:
            raise AssertionError(f"{where}: {error!r}") from error
        proxy.settle()
        if told is None:
            assert errand.is_right(result), f"{where}: {result} is a lie"
        else:
            says_nothing(performer, told)
            assert isinstance(told, NotSent) or fault is Fault.TOO_MANY, where
        assert proxy.strayed == [], f"{where}: a redirect was followed"
        proxy.clear()
        assert errand.is_right(errand.run(performer.connection(proxy.url))), f"{where}: not again"
