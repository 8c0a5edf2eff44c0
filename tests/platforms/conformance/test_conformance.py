"""Every network's module says what was approved, shows it again, finds it and takes it down."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from social_scheduler.cli.shared import TOKEN
from social_scheduler.cli.workspace import PASSWORD
from social_scheduler.config import Settings
from social_scheduler.errors import NotSent, PlatformError, Refused, Unauthorized
from social_scheduler.message import Attachment, Card
from social_scheduler.platforms import Connection, Published, discover
from social_scheduler.text import LENGTHS, byte_length
from tests.platforms.conformance.performing import Performer, picture, words

pytestmark = pytest.mark.process

NOTHING: frozenset[str] = frozenset()
ARABIC = "صباح الخير، هذه قصة عن الحياة بعد داعش <١> & #LifeafterDaesh https://example.org/story"
TEXTS = {
    "plain words": "Plain words.",
    "Arabic with Latin hashtags": ARABIC,
    "an address": "Read https://example.org/a?b=1&c=2 today",
    "marks that are no markup": "Tea & <bread> &amp; \"quotes\" 'x' — 100 % [a](b)",
    "emoji": "🇮🇶 👩🏽‍🏭 1️⃣ done ✅",
    "lines": "First line\nsecond line\n\na paragraph",
}


def test_the_keys_tell_whose_they_are(performer: Performer) -> None:
    who = performer.platform.identify(performer.connection())
    assert who.native_id == performer.guest.native_id
    assert who.handle.lower() == performer.guest.handle.lower()


def test_the_variable_of_a_key_means_nothing_else(place: tuple[str, object]) -> None:
    platform = discover()[place[0]]
    keys = {*platform.keys, *(platform.sign_in.app_keys if platform.sign_in else ())}
    taken = {"workspace", *Settings.model_fields}
    taken |= {name.removeprefix("SOCIAL_SCHEDULER_").lower() for name in (TOKEN, PASSWORD)}
    assert keys & taken == set(), "choose another name: SOCIAL_SCHEDULER_… of it is taken"


def test_wrong_keys_are_not_accepted_and_named_by_no_error(performer: Performer) -> None:
    for name in sorted(performer.guest.secrets):
        value = performer.guest.keys[name]
        wrong = value[:-4] + ("aaaa" if value[-4:] != "aaaa" else "bbbb")
        keys = {**performer.guest.keys, name: wrong}
        connection = Connection(performer.stage.url, keys)
        call = performer.call(performer.message(words()))
        told = []
        with pytest.raises(Unauthorized) as caught:
            performer.platform.identify(connection)
        told.append(caught.value)
        with pytest.raises(Unauthorized) as caught:
            performer.platform.publish(connection, call)
        told.append(caught.value)
        for error in told:
            assert wrong not in f"{error} {error.evidence} {error!r}"
    assert performer.live() == []


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_words_arrive_byte_for_byte_and_are_read_back_equal(
    performer: Performer, text: str
) -> None:
    call, published = performer.say(text)
    assert [said.text for said in performer.live()] == [text]
    assert performer.platform.id_in(published.url) == published.remote_id
    performer.proved(call, published)


def test_pictures_arrive_in_order_with_their_alt_texts_and_the_language(
    performer: Performer,
) -> None:
    if not performer.limits.pictures:
        return
    alts = ["Two women at a loom.", "امرأتان أمام نول تمرران خيوطًا حمراء"]
    made = [picture(colour, alt) for colour, alt in zip(("red", "green"), alts, strict=True)]
    media, files = [item for item, _ in made], {item.sha256: data for item, data in made}
    call = performer.call(performer.message(ARABIC, media=media, language="ar"), files=files)
    published = performer.platform.publish(performer.connection(), call)
    found = performer.live()
    assert sum(said.media for said in found) == 2
    assert {said.text for said in found} >= {ARABIC}
    for said in found:
        assert said.language in (None, "ar")
        if said.alts and any(said.alts):
            assert list(said.alts) == alts
    performer.proved(call, published)
    expected = performer.platform.as_seen(call)
    assert expected.alt_texts in (None, tuple(alts))


def test_a_picture_without_words_is_a_post(performer: Performer) -> None:
    if not performer.limits.pictures:
        return
    item, data = picture("blue", "A blue square.")
    call = performer.call(performer.message("", media=[item]), files={item.sha256: data})
    performer.proved(call, performer.platform.publish(performer.connection(), call))
    assert len(performer.live()) == 1


def test_a_thread_is_said_in_order_each_part_below_the_one_before(performer: Performer) -> None:
    assert performer.limits.thread
    texts = ("Part one", "Part two", ARABIC)
    message = performer.message(*texts)
    published: list[Published] = []
    calls = []
    for number in range(1, 4):
        before = published[number - 2].remote_id if number > 1 else None
        call = performer.call(message, number, reply_to=before)
        calls.append(call)
        if len(published) < number:
            live = performer.platform.publish(performer.connection(), call)
            published += [replace(live, rest=()), *live.rest]
    found = performer.live()
    assert [said.text for said in found] == list(texts)
    assert [said.reply_to for said in found] == [None, found[0].id, found[1].id]
    for call, part in zip(calls, published, strict=True):
        performer.proved(call, part)


def test_the_box_for_a_link_is_ours_where_the_network_makes_none(performer: Performer) -> None:
    item, data = picture("white", "A building.")
    card = Card(
        link="https://example.org/a", title="العنوان", description="A sentence.", picture=item
    )
    if not performer.limits.own_card:
        assert not performer.platform.limits.own_card
        return
    call = performer.call(performer.message("Read on", card=card), files={item.sha256: data})
    performer.proved(call, performer.platform.publish(performer.connection(), call))


def filled(performer: Performer, sample: str) -> str:
    """The sample again and again, then letters, to exactly what the network takes."""
    limits = performer.limits
    length = LENGTHS[limits.counted_in]
    room = limits.text_bytes or 10**9
    times = max(1, min(limits.text // length(sample), room // byte_length(sample)) // 2)
    text = (sample * times).rstrip() + " "
    text += "x" * (limits.text - length(text))
    assert length(text) == limits.text
    assert byte_length(text) <= room
    return text


def test_it_counts_as_the_server_counts_at_the_limit_and_beyond(performer: Performer) -> None:
    for sample in performer.stage.counted:
        somebody = performer.another()
        text = filled(somebody, sample)
        assert list(somebody.platform.check(somebody.message(text), somebody.limits)) == []
        somebody.say(text)
        with pytest.raises(Refused):
            somebody.say(text + "x")
        assert len(somebody.live(text)) == 1
        assert somebody.live(text + "x") == []


def test_what_is_taken_down_is_gone_and_taking_it_down_again_is_fine(performer: Performer) -> None:
    _, kept = performer.say(words("Kept"))
    call, published = performer.say(words("Taken down"))
    for _ in range(2):
        performer.platform.remove(performer.connection(), published.remote_id)
        assert [said.id for said in performer.live()] == [kept.remote_id]
        if performer.platform.reads_back:
            assert performer.platform.read_back(performer.connection(), published.remote_id) is None
    if performer.looks:
        since = datetime.now(UTC) - timedelta(minutes=5)
        assert performer.platform.find(performer.connection(), call, since, NOTHING) is None


def test_what_is_live_is_found_and_nothing_else_is(performer: Performer) -> None:
    if not performer.looks:
        with pytest.raises(NotSent):
            performer.platform.find(
                performer.connection(),
                performer.call(performer.message("x")),
                datetime.now(UTC),
                NOTHING,
            )
        return
    since = datetime.now(UTC)
    connection = performer.connection()
    call = performer.call(performer.message(ARABIC))
    assert performer.platform.find(connection, call, since, NOTHING) is None
    live = performer.platform.publish(connection, call)
    assert performer.platform.find(connection, call, since, NOTHING) == live
    assert performer.platform.find(connection, call, since, frozenset({live.remote_id})) is None
    for other in (performer.message(ARABIC + "!"), performer.message(ARABIC, language="ar")):
        found = performer.platform.find(connection, performer.call(other), since, NOTHING)
        assert found is None or other.language == "ar"
    below = performer.call(performer.message(words(), ARABIC), 2, reply_to=live.remote_id)
    assert performer.platform.find(connection, below, since, NOTHING) is None


def test_ids_that_are_none_reach_no_address(performer: Performer) -> None:
    for bad in ("", "../../x", "1?x=1", "1/../2", "a b", "1\r\nX-Evil: 1"):
        with pytest.raises(PlatformError):
            performer.platform.remove(performer.connection(), bad)


def test_bytes_that_were_not_approved_are_not_handed_over(performer: Performer) -> None:
    if performer.platform.sends_files or not performer.limits.pictures:
        return  # hashed by the worker, and handed over with the post itself
    item, _ = picture("red", "A red square.")
    _, other = picture("green", "")
    with pytest.raises(Refused):
        performer.upload(Attachment(**dict(item)), {item.sha256: other})
