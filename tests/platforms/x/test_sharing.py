"""Quotes, reposts, who may reply, long texts: said once, found again, undone, told apart."""

from __future__ import annotations

import json
import socket
from dataclasses import asdict
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from social_scheduler.errors import NotSent, Refused, Unconfirmed
from social_scheduler.message import Attachment
from social_scheduler.platforms import Call, Connection
from social_scheduler.platforms.x import PLATFORM as X
from tests.platforms.x.wires import ACCOUNT, NOW, Server, answer, call, connect, reply, server
from tests.sandbox.running import Sandbox, SandboxAccount

pytestmark = pytest.mark.process

NOTHING: frozenset[str] = frozenset()
ELSEWHERE = "https://x.com/partner/status/1800000000000000077"


@pytest.fixture
def partner(sandbox: Sandbox, request: pytest.FixtureRequest) -> tuple[Connection, str]:
    """Somebody else's account."""
    number = sha256(request.node.name.encode()).hexdigest()[:12]
    made = sandbox.add_account(f"p_{number}")
    return Connection(sandbox.url, {name: made.keys[name] for name in X.keys}), made.id


def equal_to_approved(here: Connection, said: Call, remote_id: str) -> None:
    """What is live is what was approved, in every field."""
    found = X.read_back(here, remote_id)
    assert found is not None
    assert asdict(found) == asdict(X.as_seen(said))


def entries(sandbox: Sandbox, account: SandboxAccount) -> list[tuple[str, dict[str, object]]]:
    """Words and extras of what an account has said and not taken back."""
    mine = [e for e in sandbox.ledger() if e.account == account.handle]
    return [(e.text, dict(e.extra)) for e in mine if e.removed_at is None]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("Hear, hear.", ELSEWHERE),
        ("Read https://example.org/x, and this:", ELSEWHERE + "?s=20"),
        ("By phone", "https://mobile.twitter.com/partner/status/1800000000000000077"),
        (f"Twice the same {ELSEWHERE}", ELSEWHERE),
        ("Two https://x.com/a/status/1800000000000000066", ELSEWHERE),
    ],
)
def test_a_quote_goes_out_and_is_read_back_equal(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, text: str, quote: str
) -> None:
    said = call(text, account=account.id, options={"quote": quote})
    live = X.publish(here, said)
    assert entries(sandbox, account) == [(text, {"quote": "1800000000000000077"})]
    equal_to_approved(here, said, live.remote_id)
    assert X.find(here, said, datetime.now(UTC), NOTHING) == live
    other = call(text, account=account.id, options={"quote": ELSEWHERE.replace("77", "78")})
    assert X.find(here, other, datetime.now(UTC), NOTHING) is None


def test_a_post_of_this_network_is_quoted_by_its_address_here(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, partner: tuple[Connection, str]
) -> None:
    theirs = X.publish(partner[0], call("Said by a partner", account=partner[1]))
    said = call("As they say:", account=account.id, options={"quote": theirs.url})
    live = X.publish(here, said)
    assert entries(sandbox, account) == [("As they say:", {"quote": theirs.remote_id})]
    equal_to_approved(here, said, live.remote_id)
    X.remove(partner[0], theirs.remote_id)
    with pytest.raises(Refused, match="quote a Tweet that is deleted"):
        X.publish(here, call("Too late", account=account.id, options={"quote": theirs.url}))


def test_a_quote_that_is_live_without_our_knowing_is_found(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, since: datetime
) -> None:
    said = call("Lost on the way back", account=account.id, options={"quote": ELSEWHERE})
    sandbox.fault("answer_lost", account=account.handle, route="post")
    with pytest.raises(Unconfirmed):
        X.publish(here, said)
    found = X.find(here, said, since, NOTHING)
    assert found is not None
    equal_to_approved(here, said, found.remote_id)


def test_a_repost_is_there_is_read_back_and_is_undone(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, partner: tuple[Connection, str]
) -> None:
    theirs = X.publish(partner[0], call("Worth repeating", account=partner[1]))
    said = call("", account=account.id, options={"repost": theirs.url})
    live = X.publish(here, said)
    assert live.remote_id == f"{account.id}/retweets/{theirs.remote_id}"
    assert live.url == theirs.url
    assert entries(sandbox, account) == [("", {"repost": theirs.remote_id})]
    found = X.read_back(here, live.remote_id)
    assert found is not None
    assert found.author_id == account.id
    assert found.links == (f"https://x.com/i/web/status/{theirs.remote_id}",)
    assert found.differences(X.as_seen(said)) == []
    X.remove(here, live.remote_id)
    assert X.read_back(here, live.remote_id) is None
    X.remove(here, live.remote_id)
    assert entries(sandbox, account) == []
    assert X.read_back(partner[0], theirs.remote_id) is not None


def test_a_repost_goes_when_its_post_goes(
    account: SandboxAccount, here: Connection, partner: tuple[Connection, str]
) -> None:
    theirs = X.publish(partner[0], call("For a moment", account=partner[1]))
    live = X.publish(here, call("", account=account.id, options={"repost": theirs.url}))
    X.remove(partner[0], theirs.remote_id)
    assert X.read_back(here, live.remote_id) is None


@pytest.mark.parametrize("fault", ["answer_lost", "error_after", "malformed"])
def test_a_repost_that_is_there_without_our_knowing_is_found_and_never_doubled(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, since: datetime, fault: str
) -> None:
    said = call("", account=account.id, options={"repost": ELSEWHERE})
    assert X.find(here, said, since, NOTHING) is None
    sandbox.fault(fault, account=account.handle, route="repost")
    with pytest.raises(Unconfirmed):
        X.publish(here, said)
    found = X.find(here, said, since, NOTHING)
    assert found is not None
    with pytest.raises(Unconfirmed) as again:
        X.publish(here, said)
    assert again.value.evidence.startswith("duplicate")
    assert X.find(here, said, since, frozenset({found.remote_id})) is None
    assert len(entries(sandbox, account)) == 1


@pytest.mark.parametrize("fault", ["error_before", "reset_before", "redirect"])
def test_a_repost_that_went_nowhere_is_unconfirmed_and_not_found(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, since: datetime, fault: str
) -> None:
    said = call("", account=account.id, options={"repost": ELSEWHERE})
    sandbox.fault(fault, account=account.handle, route="repost")
    with pytest.raises(Unconfirmed):
        X.publish(here, said)
    assert X.find(here, said, since, NOTHING) is None
    assert entries(sandbox, account) == []


def test_a_repost_with_words_of_its_own_is_refused_before_anything_is_sent() -> None:
    picture = Attachment(sha256="a" * 64, type="image/png", alt="A loom.")
    with server(answer(reply(200, b'{"data": {"retweeted": true}}'))) as on:
        for said in (
            call("Words", options={"repost": ELSEWHERE}),
            call("", media=(picture,), options={"repost": ELSEWHERE}),
            call("", options={"repost": "https://example.org/status/1"}),
            call("", options={"repost": ELSEWHERE, "visibility": "public"}),
            call("Words", options={"quote": "https://x.com/partner"}),
        ):
            with pytest.raises(Refused):
                X.publish(connect(on.url), said)
    assert on.requests == []


@pytest.mark.parametrize("body", [b"{}", b'{"data": {"retweeted": false}}', b'{"data": [1]}'])
def test_a_repost_that_x_does_not_call_one_may_be_live(body: bytes) -> None:
    with server(answer(reply(200, body))) as on, pytest.raises(Unconfirmed):
        X.publish(connect(on.url), call("", options={"repost": ELSEWHERE}))


def test_an_undone_repost_must_be_called_undone() -> None:
    with (
        server(answer(reply(200, b'{"data": {"retweeted": true}}'))) as on,
        pytest.raises(NotSent),
    ):
        X.remove(connect(on.url), f"{ACCOUNT}/retweets/77")
    assert on.requests[0].startswith(f"DELETE /2/users/{ACCOUNT}/retweets/77 ".encode())


def test_a_timeline_too_long_to_read_does_not_say_that_a_repost_is_gone() -> None:
    def behave(peer: socket.socket, _: Server) -> None:
        page = {"data": [], "meta": {"result_count": 0, "next_token": "on"}}
        peer.sendall(reply(200, json.dumps(page).encode()))

    with server(behave) as on, pytest.raises(NotSent, match="not all was read"):
        X.read_back(connect(on.url), f"{ACCOUNT}/retweets/77")
    assert b"since_id=77" in on.requests[0]


@pytest.mark.parametrize("remote_id", ["1/retweets/", "/retweets/1", "1/retweets/2/3", "1/likes/2"])
def test_what_is_no_repost_goes_into_no_address(remote_id: str) -> None:
    with server(answer(reply(200, b"{}"))) as on, pytest.raises(Refused):
        X.remove(connect(on.url), remote_id)
    assert on.requests == []


@pytest.mark.parametrize(
    ("option", "told"),
    [("everyone", {}), ("following", {"replies": "following"}), ("mentioned", "mentionedUsers")],
)
def test_who_may_reply_is_chosen_where_a_thread_begins(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, option: str, told: object
) -> None:
    first = call("First", account=account.id, options={"replies": option, "quote": ELSEWHERE})
    message = first.message.model_copy(update={"parts": first.message.parts * 2})
    live = X.publish(here, Call(message, 1, "key", None, ()))
    second = message.parts[0].model_copy(update={"text": "Second"})
    message = message.model_copy(update={"parts": (message.parts[0], second)})
    said = Call(message, 2, "key", live.remote_id, ())
    X.publish(here, said)
    extra = told if isinstance(told, dict) else {"replies": told}
    assert entries(sandbox, account) == [
        ("First", {**extra, "quote": "1800000000000000077"}),
        ("Second", {}),
    ]
    assert X.as_seen(said).links == ()


def test_an_account_that_pays_says_more(sandbox: Sandbox) -> None:
    made = sandbox.add_account("prolix", premium=True)
    here = Connection(sandbox.url, {name: made.keys[name] for name in X.keys})
    text = "Long & wide: " + "قصة طويلة " * 300 + "https://example.org/end."
    said = call(text, account=made.id)
    live = X.publish(here, said)
    equal_to_approved(here, said, live.remote_id)
    assert X.find(here, said, NOW, NOTHING) == live
    with pytest.raises(Refused):
        X.publish(here, call("x" * 25_001, account=made.id))
