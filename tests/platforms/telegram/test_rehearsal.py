"""The whole module against the rehearsal network, which counts, cleans and refuses as Telegram."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
import requests

from social_scheduler import text as texts
from social_scheduler.errors import NotSent, RateLimited, Refused, Unauthorized, Unconfirmed
from social_scheduler.message import Attachment
from social_scheduler.platforms import Call, Connection, Published
from social_scheduler.platforms.telegram import PLATFORM as TELEGRAM
from social_scheduler.sandbox import LedgerEntry
from tests.lossy import Fault, Lossy, lossy
from tests.platforms.telegram.wires import call, pictures
from tests.sandbox.running import TIMEOUT, Sandbox, SandboxAccount, start_sandbox

pytestmark = pytest.mark.process

ARABIC = (
    "صباح الخير، هذه قصة عن الحياة & العمل بعد داعش <١> #LifeafterDaesh #الحياة "
    "https://example.org/قصة"
)
FAMILY = "👩🏽‍👩🏽‍👧🏽‍👦🏽"


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with start_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[SandboxAccount]:
    """A channel of this test's own."""
    number = sha256(request.node.name.encode()).hexdigest()[:12]
    yield sandbox.add_account(f"channel_{number}", network="telegram", name="A channel")
    sandbox.clear_faults()


@pytest.fixture
def here(sandbox: Sandbox, account: SandboxAccount) -> Connection:
    """The channel's connection."""
    return Connection(sandbox.url, account.keys)


@pytest.fixture
def proxy(sandbox: Sandbox) -> Iterator[Lossy]:
    """A proxy before the network, which loses answers."""
    with lossy(sandbox.url) as running:
        yield running


def posts_of(sandbox: Sandbox, account: SandboxAccount) -> list[LedgerEntry]:
    return [entry for entry in sandbox.ledger("telegram") if entry.account == account.handle]


def say(here: Connection, said: Call) -> Published:
    """Published, and shown in the answer as it was approved, in every field that it tells."""
    live = TELEGRAM.publish(here, said)
    assert live.seen is not None
    assert live.seen.differences(TELEGRAM.as_seen(said)) == []
    assert live.seen == TELEGRAM.as_seen(said)
    return live


def test_the_token_and_the_channel_tell_whose_they_are(
    here: Connection, account: SandboxAccount
) -> None:
    who = TELEGRAM.identify(here)
    assert (who.native_id, who.handle) == (account.id, account.handle)
    assert "can_post_messages" in who.scopes


@pytest.mark.parametrize("written", ["@{}", "{}", "https://t.me/{}", "t.me/{}/", " @{} "])
def test_a_channel_may_be_written_in_any_way(
    here: Connection, account: SandboxAccount, written: str
) -> None:
    keys = {**here.keys, "channel": written.format(account.handle)}
    assert TELEGRAM.identify(replace(here, keys=keys)).native_id == account.id


def test_a_channel_may_be_given_by_its_number(here: Connection, account: SandboxAccount) -> None:
    keys = {**here.keys, "channel": account.id}
    assert TELEGRAM.identify(replace(here, keys=keys)).handle == account.handle


def test_a_token_that_is_wrong_is_not_accepted(here: Connection, account: SandboxAccount) -> None:
    number = here.keys["bot_token"].partition(":")[0]
    wrong = replace(here, keys={**here.keys, "bot_token": f"{number}:AA{'x' * 33}"})
    with pytest.raises(Unauthorized, match="BotFather"):
        TELEGRAM.identify(wrong)
    with pytest.raises(Unauthorized):
        TELEGRAM.publish(wrong, call(account=account.id))


def test_a_bot_that_is_no_administrator_of_the_channel_is_told_so(
    sandbox: Sandbox, here: Connection
) -> None:
    other = sandbox.add_account("another_channel", network="telegram", again=False)
    keys = {**here.keys, "channel": other.keys["channel"]}
    with pytest.raises(Unauthorized, match="administrator"):
        TELEGRAM.identify(replace(here, keys=keys))
    with pytest.raises(Unauthorized, match="not a member"):
        TELEGRAM.publish(here, call(account=other.id))
    with pytest.raises(Unauthorized, match="chat not found"):
        TELEGRAM.identify(replace(here, keys={**here.keys, "channel": "@nobody_there"}))


@pytest.mark.parametrize(
    "text",
    [
        "Plain words.",
        "Read https://example.org/a?b=1&c=(d) and example.org, then https://example.org/.",
        'Tea & <bread> &amp; "quotes" *not bold* _nor this_ — 100 % 🇮🇶 👩🏽‍🏭',
        ARABIC,
        "First line\n\nSecond line: @someone, #tag and $CASH",
        "بداية https://example.org/x\u200f نهاية",
    ],
)
def test_words_go_out_as_they_are_and_are_answered_equal(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, text: str
) -> None:
    live = say(here, call(text, account=account.id))
    (entry,) = posts_of(sandbox, account)
    assert (entry.text, entry.id) == (text, live.remote_id)
    assert entry.extra["messages"] == [int(live.remote_id)]


def test_the_address_of_a_post_shows_it(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    live = say(here, call("Words to look at", account=account.id))
    assert live.url == f"{sandbox.url}/t.me/{account.handle}/{live.remote_id}"
    assert TELEGRAM.id_in(live.url) == live.remote_id
    page = requests.get(live.url, timeout=TIMEOUT)
    assert page.status_code == 200
    assert "Words to look at" in page.text


def test_a_text_is_as_long_as_telegram_takes(here: Connection, account: SandboxAccount) -> None:
    """4,096 and not one more, in UTF-16: an emoji may be two, a family of four is nineteen."""
    limits = TELEGRAM.limits
    assert texts.LENGTHS[limits.counted_in](FAMILY) == 19
    for ending in ("a", "🇮🇶", FAMILY):
        room = limits.text - texts.utf16_length(ending)
        longest = "ا" * room + ending
        assert texts.LENGTHS[limits.counted_in](longest) == limits.text == 4096
        say(here, call(longest, account=account.id))
        with pytest.raises(Refused, match="too long"):
            TELEGRAM.publish(here, call("x" + longest, account=account.id))


def test_a_caption_is_as_long_as_telegram_takes(here: Connection, account: SandboxAccount) -> None:
    longest = "b" * (TELEGRAM.limits.text_with_media - texts.utf16_length(FAMILY)) + FAMILY
    assert texts.utf16_length(longest) == TELEGRAM.limits.text_with_media == 1024
    for colours in (["red"], ["red", "green"]):
        say(here, call(longest, files=pictures(*colours), account=account.id))
        with pytest.raises(Refused, match="too long"):
            TELEGRAM.publish(
                here, call(longest + "!", files=pictures(*colours), account=account.id)
            )


@pytest.mark.parametrize("number", [1, 2, 10])
def test_pictures_go_out_with_the_words_at_the_first(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, number: int
) -> None:
    colours = ["red", "green", "blue", "teal", "pink", "gold", "navy", "lime", "grey", "tan"]
    files = pictures(*colours[:number])
    live = say(here, call(ARABIC, files=files, account=account.id))
    (entry,) = posts_of(sandbox, account)
    assert entry.text == ARABIC
    assert [m.sha256 for m in entry.media] == [item.sha256 for item, _ in files.values()]
    assert live.remote_id == entry.id == ",".join(str(n) for n in range(2, 2 + number))


def test_an_album_may_show_one_picture_twice_and_have_no_words(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    (red,) = pictures("red").values()
    say(here, call("", files={"one": red, "two": red}, account=account.id))
    (entry,) = posts_of(sandbox, account)
    assert [m.sha256 for m in entry.media] == [red[0].sha256] * 2


def test_more_than_an_album_holds_is_refused_here(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    (red,) = pictures("red").values()
    with pytest.raises(Refused, match="at most 10"):
        TELEGRAM.publish(here, call(files={str(n): red for n in range(11)}, account=account.id))
    assert posts_of(sandbox, account) == []


def test_what_is_no_picture_is_refused(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    data = b"not a picture"
    item = Attachment(sha256=sha256(data).hexdigest(), type="image/png", alt="Nothing.")
    with pytest.raises(Refused, match="IMAGE_PROCESS_FAILED"):
        TELEGRAM.publish(here, call(files={"it": (item, data)}, account=account.id))
    assert posts_of(sandbox, account) == []


def test_a_film_goes_out_with_its_sides_and_length(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, tmp_path: Path
) -> None:
    data = film(tmp_path)
    item = Attachment(
        sha256=sha256(data).hexdigest(),
        type="video/mp4",
        alt="A loom at work.",
        width=64,
        height=48,
        milliseconds=2000,
    )
    say(here, call("The film.", files={"film": (item, data)}, account=account.id))
    together = {"film": (item, data), **pictures("red")}
    say(here, call("With a picture.", files=together, account=account.id))
    one, two = posts_of(sandbox, account)
    assert [m.kind for m in one.media] == ["film"]
    assert [m.kind for m in two.media] == ["film", "picture"]


def film(tmp_path: Path) -> bytes:
    """Two seconds of MP4."""
    import av
    from PIL import Image

    path = tmp_path / "film.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=5)
        stream.width, stream.height = 64, 48
        for n in range(10):
            picture = Image.new("RGB", (64, 48), (n * 20, 0, 0))
            frame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path.read_bytes()


def test_a_thread_is_said_part_by_part_as_replies(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    before: str | None = None
    for text in ("Part one", "Part two", "Part three"):
        files = pictures("red", "green") if text == "Part one" else None
        said = call(text, files=files, account=account.id, reply_to=before)
        live = say(here, said)
        assert live.seen is not None
        assert live.seen.reply_to == (before or "").partition(",")[0]
        before = live.remote_id
    one, two, three = posts_of(sandbox, account)
    assert [one.reply_to, two.reply_to, three.reply_to] == [None, one.id, two.id]


def test_a_reply_to_what_is_gone_is_refused(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    first = say(here, call("First", account=account.id))
    TELEGRAM.remove(here, first.remote_id)
    with pytest.raises(Refused, match="to be replied not found"):
        TELEGRAM.publish(here, call("Second", account=account.id, reply_to=first.remote_id))


def test_silence_and_the_preview_are_as_chosen_and_other_options_stop_the_post(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    say(here, call("Loud https://example.org", account=account.id))
    quiet = {"silent": "yes", "preview": "no"}
    say(here, call("Quiet https://example.org", account=account.id, options=quiet))
    with pytest.raises(Refused, match="visibility"):
        TELEGRAM.publish(here, call("x", account=account.id, options={"visibility": "private"}))
    loud, soft = posts_of(sandbox, account)
    assert not {"silent", "preview"} & set(loud.extra)
    assert {name: soft.extra[name] for name in quiet} == quiet


def test_an_album_is_taken_down_whole_and_may_be_taken_down_again(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    live = say(here, call("For a moment", files=pictures("red", "green"), account=account.id))
    stays = say(here, call("Stays", account=account.id))
    TELEGRAM.remove(here, live.remote_id)
    TELEGRAM.remove(here, live.remote_id)
    gone, there = posts_of(sandbox, account)
    assert gone.removed_at is not None
    assert (there.id, there.removed_at) == (stays.remote_id, None)


def test_a_removal_that_was_cut_off_is_finished_by_the_next(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    live = say(here, call("Words", files=pictures("red", "green", "blue"), account=account.id))
    sandbox.fault("error_before", account=account.handle, route="delete", after=1)
    with pytest.raises(NotSent):
        TELEGRAM.remove(here, live.remote_id)
    first = int(live.remote_id.partition(",")[0])
    assert posts_of(sandbox, account)[0].extra["deleted"] == [first], "the words go first"
    TELEGRAM.remove(here, live.remote_id)
    assert posts_of(sandbox, account)[0].removed_at is not None


@pytest.mark.parametrize(
    "remote_id", ["", "1/../2", "12a", "١٢", "-5", "1,", "1,,2", "0", "9" * 19]
)
def test_what_is_no_id_goes_into_no_request(here: Connection, remote_id: str) -> None:
    with pytest.raises(Refused):
        TELEGRAM.remove(here, remote_id)
    with pytest.raises(Refused):
        TELEGRAM.publish(here, call(reply_to=remote_id or "x"))


@pytest.mark.parametrize("chat", ["@somebody", "1234", "-1001234567890/x", "-100", ""])
def test_what_is_no_channel_is_sent_to_nobody(here: Connection, chat: str) -> None:
    with pytest.raises(Refused, match="not the id of a channel"):
        TELEGRAM.publish(here, call(account=chat))


@pytest.mark.parametrize("fault", ["answer_lost", "error_after", "malformed"])
@pytest.mark.parametrize("colours", [(), ("red",), ("red", "green")])
def test_a_post_that_is_live_without_our_knowing_goes_to_a_person(
    sandbox: Sandbox,
    account: SandboxAccount,
    here: Connection,
    fault: str,
    colours: tuple[str, ...],
) -> None:
    said = call(ARABIC, files=pictures(*colours), account=account.id)
    sandbox.fault(fault, network="telegram", account=account.handle, route="post")
    with pytest.raises(Unconfirmed):
        TELEGRAM.publish(here, said)
    assert [entry.text for entry in posts_of(sandbox, account)] == [ARABIC]


@pytest.mark.parametrize("fault", ["error_before", "reset_before", "redirect"])
def test_a_post_that_went_nowhere_is_unconfirmed_as_well(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, fault: str
) -> None:
    sandbox.fault(fault, network="telegram", account=account.handle, route="post")
    with pytest.raises(Unconfirmed):
        TELEGRAM.publish(here, call("Nowhere", account=account.id))
    assert posts_of(sandbox, account) == []


@pytest.mark.parametrize("colours", [(), ("red",), ("red", "green")])
@pytest.mark.parametrize("fault", [f for f in Fault if f not in (Fault.PASS, Fault.REFUSE)])
def test_whatever_happens_on_the_way_nothing_is_said_twice(
    sandbox: Sandbox,
    account: SandboxAccount,
    proxy: Lossy,
    fault: Fault,
    colours: tuple[str, ...],
) -> None:
    said = call("Once", files=pictures(*colours), account=account.id)
    through = Connection(proxy.url, account.keys, read_timeout=0.5)
    proxy.next(fault, matching="/send")
    wanted = RateLimited if fault is Fault.TOO_MANY else Unconfirmed
    with pytest.raises(wanted) as caught:
        TELEGRAM.publish(through, said)
    assert len(proxy.requests) == 1, "one call, whatever came of it"
    assert len(posts_of(sandbox, account)) == fault.reaches
    assert proxy.strayed == []
    assert account.keys["bot_token"] not in f"{caught.value} {caught.value.evidence}"


def test_a_network_that_cannot_be_reached_is_not_sent(
    sandbox: Sandbox, account: SandboxAccount, proxy: Lossy
) -> None:
    proxy.next(Fault.REFUSE)
    with pytest.raises(NotSent):
        TELEGRAM.publish(Connection(proxy.url, account.keys), call(account=account.id))
    assert posts_of(sandbox, account) == []


def test_a_rate_limit_tells_when_it_ends(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    sandbox.fault("rate_limited", account=account.handle, seconds=120)
    with pytest.raises(RateLimited, match="takes no more") as caught:
        TELEGRAM.publish(here, call(account=account.id))
    wait = caught.value.until - datetime.now(UTC)
    assert timedelta(seconds=100) < wait <= timedelta(seconds=121)
    assert "retry after 120" in caught.value.evidence
    assert posts_of(sandbox, account) == []


def test_twenty_a_minute_are_taken_and_the_next_must_wait(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    for number in range(20):
        TELEGRAM.publish(here, call(f"Number {number}", account=account.id))
    with pytest.raises(RateLimited) as caught:
        TELEGRAM.publish(here, call("One too many", account=account.id))
    assert caught.value.until - datetime.now(UTC) <= timedelta(seconds=61)
    assert len(posts_of(sandbox, account)) == 20


def test_nothing_can_be_looked_up_and_nothing_is_handed_over_before(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    said = call("Once", account=account.id)
    live = say(here, said)
    with pytest.raises(NotSent, match="shows a bot nothing"):
        TELEGRAM.find(here, said, datetime.now(UTC), frozenset())
    with pytest.raises(NotSent, match="shows a bot nothing"):
        TELEGRAM.read_back(here, live.remote_id)
    ((item, data),) = pictures("red").values()
    with pytest.raises(NotSent):
        TELEGRAM.upload(here, item, {item.sha256: BytesIO(data)})
    assert len(posts_of(sandbox, account)) == 1


def test_a_picture_that_is_not_at_hand_keeps_the_post_back(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    said = call(files=pictures("red"), account=account.id)
    with pytest.raises(NotSent, match="not at hand"):
        TELEGRAM.publish(here, replace(said, files={}))
    assert posts_of(sandbox, account) == []


def test_the_sandbox_says_that_it_is_none_of_the_real_ones(here: Connection) -> None:
    answer = requests.post(f"{here.base_url}/bot1:nothing/getMe", timeout=TIMEOUT)
    assert answer.headers["X-Sandbox"] == "social-scheduler"
