"""The whole module against the rehearsal network, which keeps Bluesky's rules without Node."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
import requests

from social_scheduler.errors import NotSent, RateLimited, Unauthorized, Unconfirmed
from social_scheduler.message import Card, Mention
from social_scheduler.platforms import Connection
from social_scheduler.platforms.bluesky import Bluesky
from tests.platforms.bluesky.calls import NOTHING, attached, call, files, part, picture
from tests.sandbox.running import Sandbox, SandboxAccount, start_sandbox

pytestmark = pytest.mark.process

ARABIC = "صباح الخير 🇮🇶 #LifeafterDaesh #الحياة_بعد_داعش https://example.org/قصة"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with start_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[SandboxAccount]:
    """An account of this test's own."""
    number = sha256(request.node.name.encode()).hexdigest()[:12]
    yield sandbox.add_account(f"c{number}.example.org", network="bluesky")
    sandbox.clear_faults()


@pytest.fixture
def bluesky() -> Bluesky:
    return Bluesky()


@pytest.fixture
def there(sandbox: Sandbox, account: SandboxAccount) -> Connection:
    """The account's connection."""
    return Connection(sandbox.url, account.keys)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC)


def texts_of(sandbox: Sandbox, account: SandboxAccount) -> list[str]:
    return [each.text for each in sandbox.ledger("bluesky") if each.account == account.handle]


def test_the_keys_tell_whose_they_are(
    bluesky: Bluesky, there: Connection, account: SandboxAccount
) -> None:
    who = bluesky.identify(there)
    assert (who.native_id, who.handle) == (account.id, account.handle)
    wrong = Connection(there.base_url, {**there.keys, "app_password": "not this one"})
    with pytest.raises(Unauthorized):
        bluesky.identify(wrong)


def test_a_thread_with_a_card_and_a_picture_goes_out_whole_and_is_read_back_equal(
    bluesky: Bluesky, sandbox: Sandbox, account: SandboxAccount, there: Connection, now: datetime
) -> None:
    red, blue = picture("red"), picture("blue")
    item = attached(red, "امرأتان أمام نول")
    card = Card(link="https://example.org/a", title="قصة", picture=attached(blue))
    assert card.picture is not None
    uploads = [bluesky.upload(there, each, files(red, blue)) for each in (card.picture, item)]
    said = call(
        ARABIC,
        "Two",
        account=account.id,
        language="ar",
        media={2: [item]},
        uploads=uploads,
        card=card,
        options={"replies": "mentioned"},
        due_at=now,
    )
    live = bluesky.publish(there, said)
    before = None
    for number, each in enumerate([live, *live.rest], start=1):
        seen = bluesky.read_back(there, each.remote_id)
        assert seen is not None
        assert seen.differences(bluesky.as_seen(part(said, number, before))) == []
        before = each.remote_id
    assert texts_of(sandbox, account) == [ARABIC, "Two"]
    bluesky.remove(there, live.remote_id)
    assert bluesky.read_back(there, live.remote_id) is None


@pytest.mark.parametrize("texts", [(ARABIC,), (ARABIC, "Two")], ids=["post", "thread"])
@pytest.mark.parametrize("fault", ["answer_lost", "error_after", "malformed"])
def test_what_is_live_without_our_knowing_is_found_and_never_doubled(
    bluesky: Bluesky,
    sandbox: Sandbox,
    account: SandboxAccount,
    there: Connection,
    now: datetime,
    fault: str,
    texts: tuple[str, ...],
) -> None:
    said = call(*texts, account=account.id, due_at=now)
    assert bluesky.find(there, said, now, NOTHING) is None
    sandbox.fault(fault, network="bluesky", account=account.handle, route="post")
    with pytest.raises(Unconfirmed):
        bluesky.publish(there, said)
    found = bluesky.find(there, said, now, NOTHING)
    assert found is not None
    assert len(found.rest) == len(texts) - 1
    if len(texts) == 1:
        assert bluesky.publish(there, said) == found
    assert texts_of(sandbox, account) == list(texts)


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("rate_limited", RateLimited),
        ("error_before", Unconfirmed),
        ("reset_before", Unconfirmed),
        ("redirect", Unconfirmed),
        ("unauthorized", (NotSent, Unauthorized)),
    ],
)
def test_a_post_that_went_nowhere_can_be_said_again(
    bluesky: Bluesky,
    sandbox: Sandbox,
    account: SandboxAccount,
    there: Connection,
    now: datetime,
    fault: str,
    outcome: type[Exception],
) -> None:
    said = call("Nowhere", account=account.id, due_at=now)
    bluesky.identify(there)
    sandbox.fault(fault, network="bluesky", account=account.handle, route="post")
    with pytest.raises(outcome):
        bluesky.publish(there, said)
    assert bluesky.find(there, said, now, NOTHING) is None
    bluesky.publish(there, said)
    assert texts_of(sandbox, account) == ["Nowhere"]


def test_a_partner_is_linked_to_the_account_that_was_approved(
    bluesky: Bluesky, sandbox: Sandbox, account: SandboxAccount, there: Connection
) -> None:
    """Whoever has the handle when it is said: nobody is asked for it."""
    said = call("With @nobody.example.org.", account=account.id)
    approved = said.message.parts[0].model_copy(
        update={"mentions": (Mention(text="@nobody.example.org", id="did:plc:approved"),)}
    )
    said = replace(said, message=said.message.model_copy(update={"parts": (approved,)}))
    uri = bluesky.publish(there, said).remote_id
    repo, collection, key = re.findall(r"at://([^/]+)/([^/]+)/([a-z0-9]+)", uri)[0]
    query = {"repo": repo, "collection": collection, "rkey": key}
    address = f"{sandbox.url}/xrpc/com.atproto.repo.getRecord"
    (facet,) = requests.get(address, query, timeout=10).json()["value"]["facets"]
    assert facet["features"][0]["did"] == "did:plc:approved"
