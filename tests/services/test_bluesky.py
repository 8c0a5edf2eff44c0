"""The engine and Bluesky's own server: a thread goes out whole, once, and is proved."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.message import Card
from social_scheduler.planning import PlannedPost
from social_scheduler.platforms.bluesky import Bluesky
from social_scheduler.services.keys import Owner
from social_scheduler.store.tables import Proof, Verdict
from tests.lossy import Fault, Lossy, lossy
from tests.pds import Pds, Person
from tests.services.desk import Desk, open_desk
from tests.services.test_whole_thread import picture, showing

pytestmark = pytest.mark.pds

ACCOUNT = "bluesky-ar"
PARTS = ["صباح الخير 🇮🇶 #LifeafterDaesh https://example.org/قصة", "الجزء الثاني", "وداعًا"]


@pytest.fixture(scope="module")
def person(pds: Pds) -> Person:
    return pds.person("desk")


@pytest.fixture
def proxy(pds: Pds, person: Person) -> Iterator[Lossy]:
    pds.clear(person)
    with lossy(pds.url) as proxy:
        yield proxy


@pytest.fixture
def desk(tmp_path: Path, proxy: Lossy, person: Person) -> Iterator[Desk]:
    """A rehearsal whose sandbox is the server, with one account on it."""
    with open_desk(tmp_path) as opened:
        context = dataclasses.replace(
            opened.context, platforms={"bluesky": Bluesky()}, sandbox_url=proxy.url
        )
        desk = Desk(dataclasses.replace(opened.opened, context=context), opened.clock, opened.wire)
        desk.clock.at = datetime.now(UTC)
        desk.account(ACCOUNT, "ar", platform="bluesky", server=proxy.url, native_id=person.did)
        context.vault.put(Owner(ACCOUNT, "bluesky", proxy.url), person.keys)
        yield desk


def thread(desk: Desk) -> PlannedPost:
    """Three parts: a card with a picture first, a picture second."""
    post = desk.post(words={ACCOUNT: PARTS}, due=desk.clock() + timedelta(seconds=1))
    card = Card(link="https://example.org/قصة", title="قصة", picture=picture(desk, "blue"))
    return showing(post, card, part2=picture(desk, "red"))


def said(pds: Pds, person: Person) -> list[str]:
    return [record["value"]["text"] for record in pds.records(person)]


def state(desk: Desk) -> DeliveryState:
    return desk.state(account=ACCOUNT)


def test_a_thread_goes_out_in_one_call_and_is_proved_part_by_part(
    pds: Pds, person: Person, proxy: Lossy, desk: Desk
) -> None:
    desk.ready(thread(desk))
    desk.tick()
    assert (state(desk), said(pds, person)) == (DeliveryState.PUBLISHED, PARTS)
    assert [r.line for r in proxy.reached if "Writes" in r.line or "Record" in r.line] == [
        "POST /xrpc/com.atproto.repo.applyWrites"
    ]
    desk.look()
    with desk.context.database.read() as tx:
        delivery = desk.looked(account=ACCOUNT).delivery.id
        proofs = [tx.get_one(Proof, (delivery, number)) for number in (1, 2, 3)]
        assert [(proof.verdict, proof.fields) for proof in proofs] == [(Verdict.EQUAL, [])] * 3


@pytest.mark.parametrize("fault", [Fault.LOSE_ANSWER, Fault.BAD_GATEWAY_AFTER])
def test_a_thread_whose_answer_is_lost_is_found_whole(
    pds: Pds, person: Person, proxy: Lossy, desk: Desk, fault: Fault
) -> None:
    desk.ready(thread(desk))
    proxy.next(fault, matching="applyWrites")
    desk.tick()
    assert state(desk) is DeliveryState.UNCONFIRMED
    desk.clock.forward(seconds=2)
    desk.look()
    assert (state(desk), said(pds, person)) == (DeliveryState.PUBLISHED, PARTS)
    assert desk.parts(account=ACCOUNT) == ["live"] * 3


def test_a_thread_that_never_arrived_is_said_by_itself_once_that_is_sure(
    pds: Pds, person: Person, proxy: Lossy, desk: Desk
) -> None:
    desk.ready(thread(desk))
    proxy.next(Fault.CLOSE_BEFORE, matching="applyWrites")
    desk.tick()
    assert (state(desk), said(pds, person)) == (DeliveryState.UNCONFIRMED, [])
    for seconds in (2, 8, 20):
        assert state(desk) is DeliveryState.UNCONFIRMED
        desk.clock.forward(seconds=seconds)
        desk.look()
    assert (state(desk), said(pds, person)) == (DeliveryState.PUBLISHED, PARTS)


def test_the_session_is_kept_sealed_for_the_next_worker(
    person: Person, proxy: Lossy, desk: Desk
) -> None:
    desk.ready(thread(desk))
    desk.tick()
    kept = desk.context.vault.get(Owner(ACCOUNT, "bluesky", proxy.url))
    assert {"access_jwt", "refresh_jwt", "app_password"} <= set(kept)
    assert len([r for r in proxy.reached if "createSession" in r.line]) == 1
