"""The whole module against Bluesky's own server."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from social_scheduler.errors import NotSent, Refused, Unauthorized, Unconfirmed
from social_scheduler.message import Card
from social_scheduler.platforms import Call, Connection, Seen
from social_scheduler.platforms.bluesky import PLATFORM, Bluesky, ids, records
from social_scheduler.platforms.bluesky.addresses import GATE, REPOST
from tests.lossy import Fault, Lossy
from tests.pds import Pds, Person
from tests.platforms.bluesky.calls import NOTHING, attached, call, files, part, picture

pytestmark = pytest.mark.pds

ARABIC = (
    "صباح الخير 🇮🇶 هذه قصة عن الحياة & العمل بعد داعش <١> #LifeafterDaesh #الحياة_بعد_داعش "
    "https://example.org/قصة?a=1&b=(٢)، 👩🏽‍🏭"
)


def texts_of(pds: Pds, person: Person) -> list[str]:
    return [record["value"]["text"] for record in pds.records(person)]


def seen_as_approved(here: Connection, said: Call, remote_id: str) -> Seen:
    """What is live, which must be what was approved, in every field."""
    found = PLATFORM.read_back(here, remote_id)
    assert found is not None
    assert asdict(found) == asdict(PLATFORM.as_seen(said))
    return found


@pytest.mark.parametrize(
    "text",
    [
        "Plain words.",
        ARABIC,
        "First line\n\nSecond line, #tag; (see https://example.org/a_(b)). example.org!",
        "Flags 🇮🇶🇫🇷 and 👨‍👩‍👧‍👦 before #one and https://example.org/1",
        "#a#b ##c #1 #٢ # d",
    ],
)
def test_words_go_out_byte_for_byte_and_are_read_back_equal(
    pds: Pds, person: Person, here: Connection, due: datetime, text: str
) -> None:
    said = call(text, account=person.did, language="ar", due_at=due)
    live = PLATFORM.publish(here, said)
    (record,) = pds.records(person)
    assert record["value"]["text"].encode() == text.encode()
    assert record["uri"] == live.remote_id
    assert record["value"]["langs"] == ["ar"]
    seen_as_approved(here, said, live.remote_id)


def test_what_is_marked_in_a_text_is_what_the_bytes_there_say(
    pds: Pds, person: Person, here: Connection, other: Person, due: datetime
) -> None:
    text = f"{ARABIC} @{other.handle}, @nobody-at-all.example.org"
    PLATFORM.publish(here, call(text, account=person.did, due_at=due))
    (record,) = pds.records(person)
    marked = [
        (
            text.encode()[f["index"]["byteStart"] : f["index"]["byteEnd"]].decode(),
            {k: v for k, v in f["features"][0].items() if k != "$type"},
        )
        for f in record["value"]["facets"]
    ]
    assert marked == [
        ("#LifeafterDaesh", {"tag": "LifeafterDaesh"}),
        ("#الحياة_بعد_داعش", {"tag": "الحياة_بعد_داعش"}),
        ("https://example.org/قصة?a=1&b=(٢)", {"uri": "https://example.org/قصة?a=1&b=(٢)"}),
        (f"@{other.handle}", {"did": other.did}),
    ]


def test_ids_are_known_before_anything_is_sent(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    red, green = picture("red"), picture("green")
    items = {1: [attached(red, "Rot.")], 3: [attached(green, "")]}
    uploads = [
        PLATFORM.upload(here, item, files(red, green)) for media in items.values() for item in media
    ]
    said = call(
        ARABIC, "Two", "Three", account=person.did, media=items, uploads=uploads, due_at=due
    )
    live = PLATFORM.publish(here, said)
    stored = pds.records(person)
    assert [record["uri"] for record in stored] == [
        live.remote_id,
        *(each.remote_id for each in live.rest),
    ]
    assert [record["cid"] for record in stored] == [
        ids.record_cid(record["value"]) for record in stored
    ]
    assert [record["value"]["reply"]["parent"]["cid"] for record in stored[1:]] == [
        record["cid"] for record in stored[:-1]
    ]


def test_a_thread_goes_out_whole_in_one_call(
    pds: Pds, person: Person, here: Connection, due: datetime, proxy: Lossy
) -> None:
    through = pds.connection(person, through=proxy.url)
    said = call("One", "Two", "Three", account=person.did, due_at=due)
    live = PLATFORM.publish(through, said)
    writes = [r.line for r in proxy.reached if ".repo." in r.line]
    assert writes == ["POST /xrpc/com.atproto.repo.applyWrites"]
    assert texts_of(pds, person) == ["One", "Two", "Three"]
    before = None
    for number, each in enumerate([live, *live.rest], start=1):
        seen = seen_as_approved(here, part(said, number, before), each.remote_id)
        assert seen.reply_to == (before or "")
        assert each.url.endswith(f"/profile/{person.did}/post/{each.remote_id[-13:]}")
        before = each.remote_id
    roots = {record["value"]["reply"]["root"]["uri"] for record in pds.records(person)[1:]}
    assert roots == {live.remote_id}


def test_a_thread_of_which_one_part_is_refused_is_not_said_at_all(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    said = call("One", "x" * 301, "Three", account=person.did, due_at=due)
    with pytest.raises(Refused, match="301"):
        PLATFORM.publish(here, said)
    assert texts_of(pds, person) == []
    assert PLATFORM.find(here, said, due, NOTHING) is None


def test_a_part_alone_goes_on_with_a_thread_as_it_stands(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    by_hand = pds.call(
        person,
        "com.atproto.repo.createRecord",
        {
            "repo": person.did,
            "collection": "app.bsky.feed.post",
            "record": {"text": "By hand", "createdAt": due.isoformat()},
        },
    )
    pasted = by_hand["uri"].replace(person.did, person.handle)
    said = part(call("One", "Two", account=person.did, due_at=due), 2, pasted)
    live = PLATFORM.publish(here, said)
    assert live.rest == ()
    seen = PLATFORM.read_back(here, live.remote_id)
    assert seen is not None
    assert (seen.reply_to, seen.differences(PLATFORM.as_seen(said))) == (by_hand["uri"], [])
    assert PLATFORM.publish(here, said) == live
    assert sorted(texts_of(pds, person)) == ["By hand", "Two"]


def test_the_second_part_has_the_same_key_alone_as_in_its_thread(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    said = call("One", "Two", account=person.did, due_at=due)
    live = PLATFORM.publish(here, said)
    assert PLATFORM.publish(here, part(said, 2, live.remote_id)) == live.rest[0]
    assert texts_of(pds, person) == ["One", "Two"]


def test_the_same_call_again_changes_nothing(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    said = call("Once", account=person.did, due_at=due)
    live = PLATFORM.publish(here, said)
    before = pds.records(person)
    assert PLATFORM.publish(here, said) == live
    assert pds.records(person) == before


def test_the_same_words_at_another_time_are_another_post(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    for later in range(3):
        said = call("Every week", account=person.did, due_at=due + timedelta(days=7 * later))
        PLATFORM.publish(here, said)
    assert texts_of(pds, person) == ["Every week"] * 3


def test_what_somebody_put_under_our_key_is_not_overwritten(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    said = call("Ours", account=person.did, due_at=due)
    at = records.place(said, 1)
    theirs = {"text": "Theirs", "createdAt": "2020-01-01T00:00:00Z"}
    place = {"repo": at.owner, "collection": at.collection, "rkey": at.key}
    pds.call(person, "com.atproto.repo.putRecord", {**place, "record": theirs})
    with pytest.raises(Unconfirmed) as unclear:
        PLATFORM.publish(here, said)
    assert "InvalidSwap" in unclear.value.evidence
    assert PLATFORM.find(here, said, due, NOTHING) is None, "it would be asked for ever else"
    assert texts_of(pds, person) == ["Theirs"]


AFTER = [
    Fault.LOSE_ANSWER,
    Fault.HALF_ANSWER,
    Fault.GARBAGE,
    Fault.EMPTY,
    Fault.BAD_GATEWAY_AFTER,
    Fault.UNAVAILABLE_AFTER,
    Fault.HANG_AFTER,
]
BEFORE = [
    Fault.CLOSE_BEFORE,
    Fault.HANG_BEFORE,
    Fault.BAD_GATEWAY_BEFORE,
    Fault.UNAVAILABLE_BEFORE,
    Fault.REDIRECT,
]


@pytest.mark.parametrize("texts", [("Alone",), ("One", "Two")], ids=["post", "thread"])
@pytest.mark.parametrize("fault", AFTER)
def test_what_is_live_without_our_knowing_is_found_and_never_doubled(
    pds: Pds, person: Person, due: datetime, proxy: Lossy, fault: Fault, texts: tuple[str, ...]
) -> None:
    through = pds.connection(person, through=proxy.url, read=0.5 if "HANG" in fault.name else 30)
    PLATFORM.identify(through)
    said = call(*texts, account=person.did, due_at=due)
    proxy.next(fault, matching="POST /xrpc/com.atproto.repo.")
    with pytest.raises(Unconfirmed):
        PLATFORM.publish(through, said)
    found = PLATFORM.find(through, said, due, NOTHING)
    assert found is not None
    assert [found.remote_id, *(each.remote_id for each in found.rest)] == [
        record["uri"] for record in pds.records(person)
    ]
    assert PLATFORM.find(through, said, due, frozenset({found.remote_id})) is None
    if len(texts) == 1:
        assert PLATFORM.publish(through, said) == found
    else:
        with pytest.raises(Unconfirmed):
            PLATFORM.publish(through, said)
    assert texts_of(pds, person) == list(texts)
    assert proxy.strayed == []


@pytest.mark.parametrize("texts", [("Alone",), ("One", "Two")], ids=["post", "thread"])
@pytest.mark.parametrize("fault", BEFORE)
def test_what_went_nowhere_is_unclear_not_found_and_said_by_the_next_call(
    pds: Pds, person: Person, due: datetime, proxy: Lossy, fault: Fault, texts: tuple[str, ...]
) -> None:
    through = pds.connection(person, through=proxy.url, read=0.5 if "HANG" in fault.name else 30)
    PLATFORM.identify(through)
    said = call(*texts, account=person.did, due_at=due)
    proxy.next(fault, matching="POST /xrpc/com.atproto.repo.")
    with pytest.raises(Unconfirmed):
        PLATFORM.publish(through, said)
    assert PLATFORM.find(through, said, due, NOTHING) is None
    PLATFORM.publish(through, said)
    assert texts_of(pds, person) == list(texts)
    assert proxy.strayed == []


def test_a_server_that_is_away_has_said_nothing(
    pds: Pds, person: Person, due: datetime, proxy: Lossy
) -> None:
    through = pds.connection(person, through=proxy.url)
    PLATFORM.identify(through)
    proxy.next(Fault.REFUSE)
    with pytest.raises(NotSent):
        PLATFORM.publish(through, call("Later", account=person.did, due_at=due))
    assert texts_of(pds, person) == []


@pytest.mark.parametrize(
    "fault", [Fault.LOSE_ANSWER, Fault.GARBAGE, Fault.UNAVAILABLE_BEFORE, Fault.HANG_BEFORE]
)
@pytest.mark.parametrize(
    "step", ["createSession", "resolveHandle", "getRecord"], ids=["sign-in", "mention", "quote"]
)
def test_trouble_before_the_words_leave_is_no_unclear_call(
    pds: Pds, person: Person, due: datetime, proxy: Lossy, fault: Fault, step: str
) -> None:
    first = PLATFORM.publish(
        pds.connection(person), call("Quoted", account=person.did, due_at=due - timedelta(hours=1))
    )
    through = pds.connection(person, through=proxy.url, read=1)
    bluesky = Bluesky()
    said = call(
        f"With @{person.handle}",
        account=person.did,
        options={"quote": first.remote_id},
        due_at=due,
    )
    proxy.next(fault, matching=step)
    if fault is Fault.UNAVAILABLE_BEFORE and step == "resolveHandle":
        bluesky.publish(through, said)  # a name that cannot be looked up keeps no words back
        assert len(pds.records(person)) == 2
        return
    with pytest.raises(NotSent):
        bluesky.publish(through, said)
    assert texts_of(pds, person) == ["Quoted"]
    bluesky.publish(through, said)
    assert len(pds.records(person)) == 2


def test_pictures_go_out_in_order_with_alt_texts_and_proportions(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    data = [picture(colour) for colour in ("red", "green", "blue", "white")]
    alts = ["Two women at a loom.", "", "امرأتان أمام نول & <أخرى>", "x" * 2000]
    items = [attached(each, alt) for each, alt in zip(data, alts, strict=True)]
    uploads = [PLATFORM.upload(here, item, files(*data)) for item in items]
    said = call("Look", account=person.did, media={1: items}, uploads=uploads[::-1], due_at=due)
    live = PLATFORM.publish(here, said)
    (record,) = pds.records(person)
    shown = record["value"]["embed"]["images"]
    assert [each["image"]["ref"]["$link"] for each in shown] == [
        ids.file_cid(item.sha256) for item in items
    ]
    assert [each["alt"] for each in shown] == alts
    assert {each["aspectRatio"]["width"] for each in shown} == {40}
    assert seen_as_approved(here, said, live.remote_id).media_count == 4
    assert PLATFORM.find(here, replace(said, uploads=()), due, NOTHING) == live


def test_a_picture_that_is_not_there_keeps_the_post_back(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    item = attached(picture("yellow"), "Yellow.")
    held = PLATFORM.upload(here, item, files(picture("yellow")))
    over = replace(held, expires_at=datetime.now(UTC) - timedelta(seconds=1))
    elsewhere = attached(picture("pink"), "Pink.")
    never = replace(
        held,
        sha256=elsewhere.sha256,
        remote_id=held.remote_id.replace(ids.file_cid(item.sha256), ids.file_cid("ab" * 32)),
    )
    for media, uploads in ((item, ()), (item, (over,)), (elsewhere, (never,))):
        said = call(account=person.did, media={1: [media]}, uploads=uploads, due_at=due)
        with pytest.raises(NotSent, match="does not hold"):
            PLATFORM.publish(here, said)
    assert texts_of(pds, person) == []


def test_a_card_is_shown_with_its_picture(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    data = picture("blue")
    card = Card(
        link="https://example.org/spotlight",
        title="قصة & <title>",
        description="What it is about",
        picture=attached(data),
    )
    assert card.picture is not None
    uploads = [PLATFORM.upload(here, card.picture, files(data))]
    said = call("Read it", account=person.did, card=card, uploads=uploads, due_at=due)
    live = PLATFORM.publish(here, said)
    (record,) = pds.records(person)
    box = record["value"]["embed"]["external"]
    assert (box["uri"], box["title"]) == (card.link, card.title)
    assert box["thumb"]["ref"]["$link"] == ids.file_cid(card.picture.sha256)
    assert seen_as_approved(here, said, live.remote_id).links == (card.link,)


def test_a_post_is_quoted_with_pictures_and_who_may_reply_is_said_with_it(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    first = PLATFORM.publish(
        here, call("Quoted", account=person.did, due_at=due - timedelta(hours=1))
    )
    data = picture("green")
    item = attached(data, "Green.")
    page = f"https://bsky.app/profile/{person.handle}/post/{first.remote_id[-13:]}"
    said = call(
        "Look",
        account=person.did,
        media={1: [item]},
        uploads=[PLATFORM.upload(here, item, files(data))],
        options={"quote": page, "replies": "mentioned"},
        due_at=due,
    )
    live = PLATFORM.publish(here, said)
    embed = pds.records(person)[1]["value"]["embed"]
    assert embed["record"]["record"]["uri"] == first.remote_id
    assert embed["media"]["images"][0]["alt"] == "Green."
    (gate,) = pds.records(person, GATE)
    assert gate["value"]["post"] == live.remote_id
    assert gate["value"]["allow"] == [{"$type": f"{GATE}#mentionRule"}]
    seen_as_approved(here, said, live.remote_id)
    PLATFORM.remove(here, live.remote_id)
    assert pds.records(person, GATE) == []


def test_a_post_is_repeated_without_words_of_our_own(
    pds: Pds, person: Person, here: Connection, other: Person, due: datetime
) -> None:
    first = PLATFORM.publish(pds.connection(other), call("News", account=other.did, due_at=due))
    said = call("", account=person.did, options={"repost": first.url}, due_at=due)
    live = PLATFORM.publish(here, said)
    assert PLATFORM.publish(here, said) == live
    (record,) = pds.records(person, REPOST)
    assert record["value"]["subject"]["uri"] == first.remote_id
    assert live.url == first.url
    seen_as_approved(here, said, live.remote_id)
    PLATFORM.remove(here, live.remote_id)
    assert pds.records(person, REPOST) == []
    assert texts_of(pds, other) == ["News"]


def test_what_is_quoted_and_gone_refuses_the_post(
    person: Person, here: Connection, due: datetime
) -> None:
    nowhere = f"at://{person.did}/app.bsky.feed.post/3k2aaaaaaaaaa"
    with pytest.raises(Refused, match="no post"):
        PLATFORM.publish(here, call(account=person.did, options={"quote": nowhere}, due_at=due))


def test_a_post_is_taken_down_once_and_again(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    live = PLATFORM.publish(here, call(account=person.did, due_at=due))
    PLATFORM.remove(here, live.remote_id)
    assert PLATFORM.read_back(here, live.remote_id) is None
    PLATFORM.remove(here, live.remote_id)
    assert texts_of(pds, person) == []


def test_somebody_elses_post_is_not_taken_down(
    pds: Pds, person: Person, here: Connection, other: Person, due: datetime
) -> None:
    theirs = PLATFORM.publish(pds.connection(other), call(account=other.did, due_at=due))
    with pytest.raises(Refused, match="not this account"):
        PLATFORM.remove(here, theirs.remote_id)
    with pytest.raises(Unauthorized):
        PLATFORM.publish(here, call("As them", account=other.did, due_at=due))
    assert texts_of(pds, other) == ["Good morning."]


def test_a_post_that_was_edited_reads_otherwise(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    said = call("As approved", account=person.did, due_at=due)
    live = PLATFORM.publish(here, said)
    at = records.place(said, 1)
    value = {**pds.records(person)[0]["value"], "text": "Otherwise", "langs": ["fr"]}
    place = {"repo": at.owner, "collection": at.collection, "rkey": at.key}
    pds.call(person, "com.atproto.repo.putRecord", {**place, "record": value})
    found = PLATFORM.read_back(here, live.remote_id)
    assert found is not None
    assert found.differences(PLATFORM.as_seen(said)) == ["text", "language"]
    assert PLATFORM.find(here, said, due, NOTHING) == live
