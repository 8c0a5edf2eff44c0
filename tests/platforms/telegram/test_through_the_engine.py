"""From approved to proved and taken down again, through the engine, at the rehearsal network."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.message import Attachment
from social_scheduler.platforms.telegram import PLATFORM as TELEGRAM
from social_scheduler.sandbox import LedgerEntry
from social_scheduler.services import settle
from social_scheduler.services.keys import Owner
from social_scheduler.services.remove import remove
from social_scheduler.store import reading as reading_store
from social_scheduler.store.tables import AccountState, Proof, Verdict
from tests.platforms.telegram.wires import picture
from tests.sandbox.running import Sandbox, SandboxAccount, start_sandbox
from tests.services.desk import Desk, open_desk

pytestmark = pytest.mark.process

POST, ACCOUNT = "week/opening", "telegram-en"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with start_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def channel(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[SandboxAccount]:
    number = sha256(request.node.name.encode()).hexdigest()[:12]
    yield sandbox.add_account(f"channel_{number}", network="telegram", name="A channel")
    sandbox.clear_faults()


@pytest.fixture
def desk(tmp_path: Path, sandbox: Sandbox, channel: SandboxAccount) -> Iterator[Desk]:
    """A workspace whose one account is the channel."""
    with open_desk(tmp_path / "workspace") as opened:
        context = dataclasses.replace(
            opened.context, platforms={"telegram": TELEGRAM}, sandbox_url=sandbox.url
        )
        desk = Desk(dataclasses.replace(opened.opened, context=context), opened.clock, opened.wire)
        desk.account(
            ACCOUNT,
            "en",
            platform="telegram",
            server=sandbox.url,
            native_id=channel.id,
            handle=channel.handle,
        )
        context.vault.put(Owner(ACCOUNT, "telegram", sandbox.url), channel.keys)
        yield desk


def pictures(desk: Desk, *colours: str) -> list[Attachment]:
    return [
        Attachment(
            sha256=desk.context.media.put(picture(colour), "image/png"),
            type="image/png",
            alt=f"A {colour} square.",
            width=40,
            height=30,
        )
        for colour in colours
    ]


def said(sandbox: Sandbox, channel: SandboxAccount) -> list[LedgerEntry]:
    return [e for e in sandbox.ledger("telegram") if e.account == channel.handle]


def proof(desk: Desk) -> Verdict | None:
    with desk.context.database.read() as tx:
        found = tx.get(Proof, (desk.looked(POST, ACCOUNT).delivery.id, 1))
    return found.verdict if found else None


def waiting(desk: Desk) -> int:
    with desk.context.database.read() as tx:
        return len(reading_store.alarms(tx))


def test_an_album_and_its_thread_are_said_proved_and_taken_down(
    sandbox: Sandbox, channel: SandboxAccount, desk: Desk
) -> None:
    items = pictures(desk, "red", "green")
    post = desk.post(words={ACCOUNT: ["صباح الخير #Mosul", "And on."]}, pictures=items)
    desk.ready(post)
    desk.clock.at = post.window.due_at - timedelta(minutes=20)
    desk.publisher.reach.prepare_ahead()
    assert said(sandbox, channel) == []

    desk.clock.at = post.window.due_at
    desk.tick()
    desk.look()

    one, two = said(sandbox, channel)
    assert (one.text, two.text, two.reply_to) == ("صباح الخير #Mosul", "And on.", one.id)
    assert [m.sha256 for m in one.media] == [item.sha256 for item in items]
    assert desk.state(POST, ACCOUNT) is D.PUBLISHED
    assert proof(desk) is Verdict.EQUAL
    assert waiting(desk) == 0

    assert remove(desk.context, desk.actor("dima"), POST, ACCOUNT, "a wrong name") == 2
    assert all(entry.removed_at for entry in said(sandbox, channel))


def test_a_lost_answer_waits_for_a_person_who_looks_at_the_channel(
    sandbox: Sandbox, channel: SandboxAccount, desk: Desk
) -> None:
    desk.ready(desk.post(words={ACCOUNT: "Once"}, pictures=pictures(desk, "red")))
    sandbox.fault("answer_lost", network="telegram", account=channel.handle, route="post")

    desk.tick()
    assert desk.state(POST, ACCOUNT) is D.UNCONFIRMED
    for _ in range(5):
        desk.clock.forward(minutes=1)
        desk.tick()
        desk.look()
        desk.restart()
    (entry,) = said(sandbox, channel)
    assert desk.state(POST, ACCOUNT) is D.UNCONFIRMED
    assert waiting(desk) == 1

    address = f"https://t.me/{channel.handle}/{entry.id}"
    settle.it_is_live(desk.context, desk.actor("dima"), POST, ACCOUNT, address)
    desk.look()
    assert desk.state(POST, ACCOUNT) is D.PUBLISHED
    assert waiting(desk) == 0
    assert len(said(sandbox, channel)) == 1


def test_the_channel_is_pinned_to_its_number_by_the_first_look(
    channel: SandboxAccount, desk: Desk
) -> None:
    desk.ready(desk.post(words={ACCOUNT: "One"}))
    desk.tick()
    assert desk.state(POST, ACCOUNT) is D.PUBLISHED
    keys = desk.context.vault.get(Owner(ACCOUNT, "telegram", desk.context.sandbox_url))
    assert keys == {**channel.keys, "channel": channel.id}


def test_a_bot_that_lost_its_place_suspends_the_account(
    sandbox: Sandbox, channel: SandboxAccount, desk: Desk
) -> None:
    desk.ready(desk.post(words={ACCOUNT: "Words"}))
    sandbox.fault(
        "unauthorized", network="telegram", account=channel.handle, route="post", times=None
    )
    for _ in range(2):  # the first time its keys had just been changed: the channel was pinned
        desk.tick()
        desk.clock.forward(minutes=1)
    assert desk.state(POST, ACCOUNT) is D.SCHEDULED
    assert desk.looked(POST, ACCOUNT).account.state is AccountState.SUSPENDED
    assert channel.keys["bot_token"] not in f"{desk.trouble(POST, ACCOUNT)} {desk.history()}"
    assert said(sandbox, channel) == []


def test_the_token_is_in_neither_the_journal_nor_the_history(
    sandbox: Sandbox, channel: SandboxAccount, desk: Desk
) -> None:
    desk.ready(desk.post(words={ACCOUNT: "Words"}))
    sandbox.fault("error_after", network="telegram", account=channel.handle, route="post")
    desk.tick()
    desk.restart()
    secret = channel.keys["bot_token"].partition(":")[2].encode()
    files = [path for path in desk.context.root.rglob("*") if path.is_file()]
    assert [path.name for path in files if secret in path.read_bytes()] == []
