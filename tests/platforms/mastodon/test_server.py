"""The whole module against a server that keeps what it is told, and answers in the API's shapes."""

from __future__ import annotations

import io
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256

import pytest
from PIL import Image

from social_scheduler.errors import NotSent, RateLimited, Refused, Unauthorized, Unconfirmed
from social_scheduler.message import Attachment
from social_scheduler.platforms import HONOURS_KEYS, Call, Connection, Seen, Upload
from social_scheduler.platforms.mastodon import PLATFORM as MASTODON
from social_scheduler.platforms.mastodon import posting
from tests.lossy import Fault, Lossy
from tests.platforms.mastodon.servers import MockAccount, MockServer, call, connect

pytestmark = pytest.mark.process

NOTHING: frozenset[str] = frozenset()
ARABIC = (
    "صباح الخير، هذه قصة عن الحياة & العمل بعد داعش <١> #LifeafterDaesh https://example.org/قصة"
)
STATUSES = "POST /api/v1/statuses"


@pytest.fixture
def since() -> datetime:
    return datetime.now(UTC)


def picture(colour: str = "red") -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(buffer, "PNG")
    return buffer.getvalue()


def attached(data: bytes, alt: str = "", kind: str = "image/png") -> Attachment:
    return Attachment(sha256=sha256(data).hexdigest(), type=kind, alt=alt)


def hand_over(here: Connection, item: Attachment, data: bytes) -> Upload:
    return MASTODON.upload(here, item, {item.sha256: io.BytesIO(data)})


def seen_as_approved(here: Connection, said: Call, remote_id: str) -> Seen:
    """What is live, which must be what was approved, in every field."""
    found = MASTODON.read_back(here, remote_id)
    assert found is not None
    assert asdict(found) == asdict(MASTODON.as_seen(said))
    return found


def test_the_keys_tell_whose_they_are_and_what_the_server_takes(
    here: Connection, account: MockAccount
) -> None:
    who = MASTODON.identify(here)
    assert (who.native_id, who.handle) == (account.id, account.handle)
    assert who.told == {
        "text": 500,
        "pictures": 4,
        "picture_bytes": 10485760,
        "moving_picture_bytes": 10485760,
        "film_bytes": 41943040,
        "picture_side": 4096,
        "film_side": 1517,
        HONOURS_KEYS: 1,
    }


def test_keys_that_are_wrong_are_not_accepted(here: Connection) -> None:
    wrong = connect(here.base_url, "not-this-one-at-all")
    with pytest.raises(Unauthorized):
        MASTODON.identify(wrong)
    with pytest.raises(Unauthorized):
        MASTODON.publish(wrong, call())
    with pytest.raises(Unauthorized, match="access_token is missing"):
        MASTODON.publish(connect(here.base_url, ""), call())


@pytest.mark.parametrize(
    "text",
    [
        "Plain words.",
        "Read https://example.org/a?b=1&c=(d) and example.org, then https://example.org/.",
        'Tea & <bread> &amp; "quotes" — 100 % 🇮🇶 👩🏽‍🏭',
        ARABIC,
        "First line\n\nSecond line: @someone, #tag\nthird",
        "**bold**, *leaning* and `code`",
        "Many\n\n\n\nempty lines",
    ],
)
def test_words_go_out_as_they_are_are_read_back_equal_and_are_found(
    server: MockServer, account: MockAccount, here: Connection, text: str, since: datetime
) -> None:
    said = call(text, account=account.id)
    live = MASTODON.publish(here, said)
    assert server.said(account) == [text]
    assert live.url == f"{server.url}/@{account.handle}/{live.remote_id}"
    assert MASTODON.id_in(live.url) == live.remote_id
    seen_as_approved(here, said, live.remote_id)
    assert MASTODON.find(here, said, since, NOTHING) == live
    assert MASTODON.find(here, said, since, frozenset({live.remote_id})) is None


def test_a_mention_of_somebody_elsewhere_reads_back_equal(
    account: MockAccount, here: Connection
) -> None:
    said = call("With @nato@mastodon.social and @unicef.", account=account.id)
    seen_as_approved(here, said, MASTODON.publish(here, said).remote_id)


def test_a_thread_is_said_part_by_part_as_replies(
    server: MockServer, account: MockAccount, here: Connection
) -> None:
    before: str | None = None
    for text in ("Part one", "Part two", "Part three"):
        said = call(text, account=account.id, reply_to=before)
        live = MASTODON.publish(here, said)
        assert seen_as_approved(here, said, live.remote_id).reply_to == (before or "")
        before = live.remote_id
    mine = server.posts(account)
    assert [post["in_reply_to_id"] for post in mine] == [None, mine[0]["id"], mine[1]["id"]]


def test_pictures_go_out_in_order_with_their_descriptions(
    server: MockServer, account: MockAccount, here: Connection
) -> None:
    files = [picture(colour) for colour in ("red", "green", "blue")]
    alts = ["Two women at a loom.", "", "امرأتان أمام نول تمرران خيوطًا حمراء & <أخرى>"]
    items = tuple(attached(data, alt) for data, alt in zip(files, alts, strict=True))
    uploads = [hand_over(here, item, data) for item, data in zip(items, files, strict=True)]
    assert all(upload.ready for upload in uploads)
    assert all(MASTODON.look_at_upload(here, upload) == upload for upload in uploads)
    said = call("Look", media=items, uploads=(*reversed(uploads),), account=account.id)
    live = MASTODON.publish(here, said)
    (post,) = server.posts(account)
    assert [m["description"] or "" for m in post["media_attachments"]] == alts
    assert [m["id"] for m in post["media_attachments"]] == [u.remote_id for u in uploads]
    seen_as_approved(here, said, live.remote_id)


def test_a_warning_stands_in_front_hides_the_pictures_and_is_part_of_the_proof(
    server: MockServer, account: MockAccount, here: Connection, since: datetime
) -> None:
    data = picture()
    item = attached(data, "A red square.")
    options = {"warning": "ذكر العنف", "visibility": "unlisted"}
    said = call(
        "Words behind it",
        media=(item,),
        uploads=(hand_over(here, item, data),),
        account=account.id,
        options=options,
        language="ar",
    )
    live = MASTODON.publish(here, said)
    (post,) = server.posts(account)
    told = {name: post[name] for name in ("spoiler_text", "sensitive", "visibility", "language")}
    assert told == {
        "spoiler_text": "ذكر العنف",
        "sensitive": True,
        "visibility": "unlisted",
        "language": "ar",
    }
    assert seen_as_approved(here, said, live.remote_id).text == "ذكر العنف\n\nWords behind it"
    assert MASTODON.find(here, said, since, NOTHING) == live
    bare = call("Words behind it", media=(item,), account=account.id)
    assert MASTODON.find(here, bare, since, NOTHING) is None


def test_a_post_for_followers_is_private(
    server: MockServer, account: MockAccount, here: Connection
) -> None:
    said = call(account=account.id, options={"visibility": "followers"})
    live = MASTODON.publish(here, said)
    assert [post["visibility"] for post in server.posts(account)] == ["private"]
    seen = seen_as_approved(here, said, live.remote_id)
    assert seen.differences(MASTODON.as_seen(call(account=account.id))) == ["visibility"]


def test_a_post_quotes_another(
    server: MockServer, account: MockAccount, here: Connection, since: datetime
) -> None:
    first = MASTODON.publish(here, call("A minister said this.", account=account.id))
    said = call("And we agree.", account=account.id, options={"quote": first.url})
    live = MASTODON.publish(here, said)
    quote = server.posts(account)[1]["quote"]
    assert quote["quoted_status"]["id"] == first.remote_id
    found = MASTODON.read_back(here, live.remote_id)
    assert found is not None
    assert found.differences(MASTODON.as_seen(said)) == []
    assert MASTODON.find(here, said, since, NOTHING) == live
    bare = call("And we agree.", account=account.id)
    assert found.differences(MASTODON.as_seen(bare)) == ["quoted"]
    assert MASTODON.find(here, bare, since, NOTHING) is None


def test_a_post_that_the_server_does_not_know_is_not_quoted(
    server: MockServer, account: MockAccount, here: Connection
) -> None:
    elsewhere = {"quote": "https://mastodon.example/@minister/123"}
    with pytest.raises(Refused, match="does not know the post"):
        MASTODON.publish(here, call("And we agree.", account=account.id, options=elsewhere))
    assert server.posts(account) == []


def test_somebodys_post_is_repeated_once_found_and_taken_back(
    server: MockServer, account: MockAccount, proxy: Lossy, since: datetime
) -> None:
    partner = server.add_account("a_partner")
    theirs = MASTODON.publish(
        connect(server.url, partner.token), call("Four schools.", account=partner.id)
    )
    there = connect(proxy.url, account.token)
    address = theirs.url.replace(server.url, proxy.url)
    said = call("", account=account.id, options={"repost": address})
    proxy.next(Fault.LOSE_ANSWER, "/reblog")
    with pytest.raises(Unconfirmed):
        MASTODON.publish(there, said)
    live = MASTODON.find(there, said, since, NOTHING)
    assert live is not None
    assert MASTODON.publish(there, said).remote_id == live.remote_id
    (post,) = server.posts(account)
    assert (post["id"], post["reblog"]["id"]) == (live.remote_id, theirs.remote_id)
    seen_as_approved(there, said, live.remote_id)
    other = call("", account=account.id, options={"repost": address + "0"})
    assert MASTODON.find(there, other, since, NOTHING) is None
    assert MASTODON.find(there, call("", account=account.id), since, NOTHING) is None
    MASTODON.remove(there, live.remote_id)
    assert server.posts(account) == []
    assert server.said(partner) == ["Four schools."]


def test_a_repost_with_words_of_our_own_is_refused(
    server: MockServer, account: MockAccount, here: Connection
) -> None:
    options = {"repost": "https://mastodon.example/@minister/123"}
    with pytest.raises(Refused, match="nothing of its own"):
        MASTODON.publish(here, call("Words", account=account.id, options=options))
    assert server.posts(account) == []


@pytest.mark.parametrize("options", [{"silent": "yes"}, {"visibility": "direct"}])
def test_what_it_does_not_have_is_refused_and_not_left_out(
    server: MockServer, account: MockAccount, here: Connection, options: dict[str, str]
) -> None:
    with pytest.raises(Refused, match="has no"):
        MASTODON.publish(here, call(account=account.id, options=options))
    assert server.posts(account) == []


def test_a_picture_changed_since_it_was_approved_is_not_handed_over(here: Connection) -> None:
    red = attached(picture("red"))
    with pytest.raises(Refused, match="approved"):
        MASTODON.upload(here, red, {red.sha256: io.BytesIO(picture("green"))})


def test_a_picture_that_the_server_does_not_hold_keeps_the_post_back(
    server: MockServer, account: MockAccount, here: Connection
) -> None:
    item = attached(picture())
    now = datetime.now(UTC)
    old = Upload(item.sha256, "1", now - timedelta(seconds=1))
    unready = Upload(item.sha256, "1", now + timedelta(hours=1), ready=False)
    for uploads in ((), (old,), (unready,)):
        with pytest.raises(NotSent, match="does not hold"):
            MASTODON.publish(here, call(media=(item,), uploads=uploads))
    assert server.posts(account) == []


def test_the_same_call_again_makes_one_post_of_both(
    server: MockServer, account: MockAccount, proxy: Lossy, since: datetime
) -> None:
    there = connect(proxy.url, account.token)
    said = call(ARABIC, account=account.id)
    proxy.next(Fault.LOSE_ANSWER, STATUSES)
    with pytest.raises(Unconfirmed):
        MASTODON.publish(there, said)
    found = MASTODON.find(there, said, since, NOTHING)
    again = MASTODON.publish(there, said)
    assert found == again
    assert server.said(account) == [ARABIC]
    keys = [
        line
        for request in proxy.reached
        if request.line == STATUSES
        for line in request.head.decode().splitlines()
        if line.lower().startswith("idempotency-key:")
    ]
    assert keys == [f"Idempotency-Key: {posting.key(said)}"] * 2


def test_the_same_words_at_another_time_are_another_post(
    server: MockServer, account: MockAccount, here: Connection, since: datetime
) -> None:
    """The server knows a key for an hour, and answers with the first post under it."""
    times = [since, since + timedelta(minutes=1), since.astimezone(timezone(timedelta(hours=3)))]
    said = [call("Every minute", account=account.id, due_at=due_at) for due_at in times]
    first, second, again = (MASTODON.publish(here, each).remote_id for each in said)
    assert first != second
    assert again == first
    assert server.said(account) == ["Every minute"] * 2


def test_what_was_said_long_before_is_not_found_in_place_of_the_lost_one(
    account: MockAccount, here: Connection, since: datetime
) -> None:
    said = call("Twice a day", account=account.id)
    live = MASTODON.publish(here, said)
    assert MASTODON.find(here, said, since, NOTHING) == live
    assert MASTODON.find(here, said, since + timedelta(hours=1), NOTHING) is None


def test_a_repost_that_somebody_made_by_hand_is_not_taken_for_ours(
    server: MockServer, account: MockAccount, here: Connection, since: datetime
) -> None:
    theirs = MASTODON.publish(here, call("Four schools.", account=account.id))
    said = call("", account=account.id, options={"repost": theirs.url}, due_at=since)
    by_hand = MASTODON.publish(here, said)
    later = replace(said, due_at=since + timedelta(hours=1))
    with pytest.raises(Unconfirmed, match="an earlier post"):
        MASTODON.publish(here, later)
    assert MASTODON.find(here, later, later.due_at, NOTHING) is None
    assert MASTODON.find(here, said, since, NOTHING) == by_hand
    assert len(server.posts(account)) == 2


def test_a_rate_limit_tells_when_it_ends(proxy: Lossy, account: MockAccount) -> None:
    proxy.next(Fault.TOO_MANY, STATUSES)
    with pytest.raises(RateLimited) as caught:
        MASTODON.publish(connect(proxy.url, account.token), call(account=account.id))
    wait = caught.value.until - datetime.now(UTC)
    assert timedelta(seconds=50) < wait <= timedelta(seconds=61)


def test_a_text_that_is_too_long_is_refused_in_the_servers_words(
    server: MockServer, account: MockAccount, here: Connection
) -> None:
    MASTODON.publish(here, call("x" * 500, account=account.id))
    with pytest.raises(Refused, match="too long"):
        MASTODON.publish(here, call("x" * 501, account=account.id))
    assert len(server.posts(account)) == 1


def test_what_is_taken_down_is_gone_and_taking_it_down_again_is_fine(
    account: MockAccount, here: Connection
) -> None:
    live = MASTODON.publish(here, call(account=account.id))
    for _ in range(2):
        MASTODON.remove(here, live.remote_id)
        assert MASTODON.read_back(here, live.remote_id) is None


def test_the_posts_of_somebody_else_cannot_be_taken_down(
    server: MockServer, here: Connection
) -> None:
    other = server.add_account("somebody_else")
    live = MASTODON.publish(connect(server.url, other.token), call(account=other.id))
    with pytest.raises(Refused, match="not allowed"):
        MASTODON.remove(here, live.remote_id)


def test_a_long_timeline_is_read_to_the_beginning_of_the_search(
    account: MockAccount, here: Connection, since: datetime
) -> None:
    wanted = call("The one that matters", account=account.id)
    live = MASTODON.publish(here, wanted)
    for n in range(45):
        MASTODON.publish(here, call(f"Number {n}", account=account.id))
    assert MASTODON.find(here, wanted, since, NOTHING) == live
    assert MASTODON.find(here, wanted, since + timedelta(hours=1), NOTHING) is None


def test_ids_that_are_none_reach_no_address(here: Connection) -> None:
    for bad in ("../../oauth/revoke", "1?x=1", "", "1/source"):
        with pytest.raises(Refused):
            MASTODON.read_back(here, bad)
        with pytest.raises(Refused):
            MASTODON.remove(here, bad)
