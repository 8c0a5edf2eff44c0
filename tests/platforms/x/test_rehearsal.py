"""The whole module against the rehearsal network, which checks signatures, limits and ids."""

from __future__ import annotations

import io
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import requests
from PIL import Image

from social_scheduler.errors import NotSent, RateLimited, Refused, Unauthorized, Unconfirmed
from social_scheduler.message import Attachment
from social_scheduler.platforms import Call, Connection, Seen, Upload
from social_scheduler.platforms.x import PLATFORM as X
from tests.platforms.x.wires import call
from tests.sandbox.running import Sandbox, SandboxAccount, start_sandbox

pytestmark = pytest.mark.process

NOTHING: frozenset[str] = frozenset()
ARABIC = (
    "صباح الخير، هذه قصة عن الحياة & العمل بعد داعش <١> #LifeafterDaesh https://example.org/قصة"
)


def picture(colour: str = "red", size: tuple[int, int] = (40, 30)) -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def attached(data: bytes, alt: str = "", kind: str = "image/png") -> Attachment:
    return Attachment(sha256=sha256(data).hexdigest(), type=kind, alt=alt)


def posts_of(sandbox: Sandbox, account: SandboxAccount) -> list[str]:
    return [entry.text for entry in sandbox.ledger() if entry.account == account.handle]


def seen_as_approved(here: Connection, said: Call, remote_id: str) -> Seen:
    """What is live, which must be what was approved, in every field."""
    found = X.read_back(here, remote_id)
    assert found is not None
    assert asdict(found) == asdict(X.as_seen(said))
    return found


def test_the_keys_tell_whose_they_are(here: Connection, account: SandboxAccount) -> None:
    who = X.identify(here)
    assert (who.native_id, who.handle) == (account.id, account.handle)


def test_keys_that_are_wrong_are_not_accepted(here: Connection) -> None:
    wrong = Connection(here.base_url, {**here.keys, "access_secret": "not this one at all"})
    with pytest.raises(Unauthorized):
        X.identify(wrong)
    with pytest.raises(Unauthorized):
        X.publish(wrong, call())


@pytest.mark.parametrize(
    "text",
    [
        "Plain words.",
        "Read https://example.org/a?b=1&c=(d) and example.org, then https://example.org/.",
        'Tea & <bread> &amp; "quotes" — 100 % 🇮🇶 👩🏽‍🏭',
        ARABIC,
        "First line\n\nSecond line: @someone, #tag and $CASH",
        "Cafe\u0301 in two code points",
        "بداية https://example.org/x\u200f نهاية",
        "x" * 256 + " https://example.org/" + "y" * 300,
    ],
)
def test_words_go_out_as_they_are_and_are_read_back_equal(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, text: str
) -> None:
    said = call(text, account=account.id)
    live = X.publish(here, said)
    assert posts_of(sandbox, account) == [text]
    seen_as_approved(here, said, live.remote_id)


def test_the_address_of_a_post_shows_it(account: SandboxAccount, here: Connection) -> None:
    live = X.publish(here, call("Words to look at", account=account.id))
    page = requests.get(live.url, timeout=10)
    assert page.status_code == 200
    assert "Words to look at" in page.text


def test_a_thread_is_said_part_by_part_as_replies(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    before: str | None = None
    for text in ("Part one", "Part two", "Part three"):
        said = call(text, account=account.id, reply_to=before)
        live = X.publish(here, said)
        assert seen_as_approved(here, said, live.remote_id).reply_to == (before or "")
        before = live.remote_id
    mine = [entry for entry in sandbox.ledger() if entry.account == account.handle]
    assert [entry.reply_to for entry in mine] == [None, mine[0].id, mine[1].id]


def test_pictures_go_out_in_order_with_their_alt_texts(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    files = [picture(colour) for colour in ("red", "green", "blue")]
    alts = ["Two women at a loom.", "", "امرأتان أمام نول تمرران خيوطًا حمراء & <أخرى>"]
    items = tuple(attached(data, alt) for data, alt in zip(files, alts, strict=True))
    uploads = [
        X.upload(here, item, {item.sha256: io.BytesIO(data)})
        for item, data in zip(items, files, strict=True)
    ]
    day = datetime.now(UTC) + timedelta(hours=24)
    assert all(abs(upload.expires_at - day) < timedelta(minutes=1) for upload in uploads)
    said = call(
        "Look: https://example.org", media=items, uploads=(*reversed(uploads),), account=account.id
    )
    live = X.publish(here, said)
    (entry,) = [entry for entry in sandbox.ledger() if entry.account == account.handle]
    assert [m.sha256 for m in entry.media] == [item.sha256 for item in items]
    assert [m.alt_text or "" for m in entry.media] == alts
    seen_as_approved(here, said, live.remote_id)
    found = X.find(here, said, datetime.now(UTC), NOTHING)
    assert found == live


def test_a_picture_without_words_is_a_post(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    data = picture("yellow")
    item = attached(data, "A yellow square.")
    said = call(
        "",
        media=(item,),
        uploads=(X.upload(here, item, {item.sha256: io.BytesIO(data)}),),
        account=account.id,
    )
    live = X.publish(here, said)
    seen_as_approved(here, said, live.remote_id)


def test_what_is_no_picture_is_refused(here: Connection) -> None:
    data = b"not a picture"
    with pytest.raises(Refused):
        X.upload(here, attached(data), {attached(data).sha256: io.BytesIO(data)})


def test_a_picture_changed_since_it_was_approved_is_not_handed_over(here: Connection) -> None:
    with pytest.raises(Refused, match="approved"):
        X.upload(
            here, (red := attached(picture("red"))), {red.sha256: io.BytesIO(picture("green"))}
        )


def test_a_picture_x_does_not_hold_keeps_the_post_back(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    item = attached(picture())
    old = Upload(item.sha256, "1", datetime.now(UTC) - timedelta(seconds=1))
    for uploads in ((), (old,)):
        with pytest.raises(NotSent, match="does not hold"):
            X.publish(here, call(media=(item,), uploads=uploads))
    assert posts_of(sandbox, account) == []


@pytest.mark.parametrize("fault", ["answer_lost", "error_after", "malformed"])
def test_a_post_that_is_live_without_our_knowing_is_found(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, since: datetime, fault: str
) -> None:
    said = call(ARABIC, account=account.id)
    assert X.find(here, said, since, NOTHING) is None
    sandbox.fault(fault, account=account.handle, route="post")
    with pytest.raises(Unconfirmed):
        X.publish(here, said)
    found = X.find(here, said, since, NOTHING)
    assert found is not None
    seen_as_approved(here, said, found.remote_id)
    assert X.find(here, said, since, frozenset({found.remote_id})) is None
    with pytest.raises(Unconfirmed) as again:
        X.publish(here, said)
    assert again.value.evidence.startswith("duplicate")
    assert posts_of(sandbox, account) == [ARABIC]


def test_a_slow_answer_is_not_waited_for(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, since: datetime
) -> None:
    hasty = Connection(here.base_url, here.keys, read_timeout=0.3)
    sandbox.fault("slow", account=account.handle, route="post", seconds=3)
    said = call("Slowly", account=account.id)
    with pytest.raises(Unconfirmed):
        X.publish(hasty, said)
    assert X.find(here, said, since, NOTHING) is not None


@pytest.mark.parametrize("fault", ["error_before", "reset_before", "redirect"])
def test_a_post_that_went_nowhere_is_unconfirmed_and_not_found(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, since: datetime, fault: str
) -> None:
    said = call("Nowhere", account=account.id)
    sandbox.fault(fault, account=account.handle, route="post")
    with pytest.raises(Unconfirmed):
        X.publish(here, said)
    assert X.find(here, said, since, NOTHING) is None
    X.publish(here, said)
    assert posts_of(sandbox, account) == ["Nowhere"]


def test_another_reply_or_another_text_is_not_taken_for_ours(
    account: SandboxAccount, here: Connection, since: datetime
) -> None:
    first = X.publish(here, call("Same", account=account.id))
    assert X.find(here, call("Same!", account=account.id), since, NOTHING) is None
    reply = call("Same", account=account.id, reply_to=first.remote_id)
    assert X.find(here, reply, since, NOTHING) is None


def test_a_rate_limit_tells_when_it_ends(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    sandbox.fault("rate_limited", account=account.handle, seconds=120)
    with pytest.raises(RateLimited) as caught:
        X.publish(here, call(account=account.id))
    wait = caught.value.until - datetime.now(UTC)
    assert timedelta(seconds=100) < wait <= timedelta(seconds=122)
    assert posts_of(sandbox, account) == []


def test_a_refused_reply_and_refused_keys_are_told_apart(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    first = X.publish(here, call("First", account=account.id))
    sandbox.fault("reply_forbidden", account=account.handle)
    with pytest.raises(Refused, match="Reply to this conversation is not allowed"):
        X.publish(here, call("Second", account=account.id, reply_to=first.remote_id))
    sandbox.clear_faults()
    sandbox.fault("unauthorized", account=account.handle)
    with pytest.raises(Unauthorized):
        X.publish(here, call("Third", account=account.id))


def test_words_that_are_too_long_are_refused(here: Connection, account: SandboxAccount) -> None:
    with pytest.raises(Refused):
        X.publish(here, call("x" * 281, account=account.id))


def test_options_that_x_has_are_sent_and_others_stop_the_post(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    X.publish(here, call("Following", account=account.id, options={"replies": "following"}))
    with pytest.raises(Refused, match="visibility"):
        X.publish(here, call("Private", account=account.id, options={"visibility": "private"}))
    with pytest.raises(Refused, match="replies: nobody"):
        X.publish(here, call("Private", account=account.id, options={"replies": "nobody"}))
    (entry,) = [entry for entry in sandbox.ledger() if entry.account == account.handle]
    assert (entry.text, entry.extra) == ("Following", {"replies": "following"})


def test_a_removed_post_is_gone_and_may_be_removed_again(
    account: SandboxAccount, here: Connection
) -> None:
    live = X.publish(here, call("For a moment", account=account.id))
    X.remove(here, live.remote_id)
    assert X.read_back(here, live.remote_id) is None
    X.remove(here, live.remote_id)


@pytest.mark.parametrize("remote_id", ["", "1/../2", "12a", "١٢", "9" * 20, "1?x=1"])
def test_what_is_no_id_goes_into_no_address(here: Connection, remote_id: str) -> None:
    with pytest.raises(Refused):
        X.read_back(here, remote_id)
    with pytest.raises(Refused):
        X.remove(here, remote_id)
    with pytest.raises(Refused):
        X.publish(here, call(reply_to=remote_id))


def test_the_sandbox_that_is_gone_is_not_sent(tmp_path: Path) -> None:
    with start_sandbox(tmp_path) as short_lived:
        keys = short_lived.add_account("brief")
        gone = Connection(short_lived.url, {name: keys.keys[name] for name in X.keys})
        assert X.identify(gone).handle == "brief"
    with pytest.raises(NotSent):
        X.publish(gone, call(account=keys.id))
