"""The rehearsal network's Bot API, called as a program written from Telegram's documentation would."""

from __future__ import annotations

import io
import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from social_scheduler.sandbox import LedgerEntry
from tests.sandbox.running import TIMEOUT, Sandbox, SandboxAccount, start_sandbox

pytestmark = pytest.mark.process

_NUMBERS = itertools.count(1)
Files = dict[str, tuple[str, bytes, str]]


class Bot:
    """A bot and its channel."""

    def __init__(self, sandbox: Sandbox, account: SandboxAccount) -> None:
        self.sandbox, self.account = sandbox, account
        self.chat = account.keys["channel"]

    def call(self, method: str, *, token: str = "", **options: Any) -> requests.Response:
        token = token or self.account.keys["bot_token"]
        verb = options.pop("verb", "POST")
        return requests.request(
            verb, f"{self.sandbox.url}/bot{token}/{method}", timeout=TIMEOUT, **options
        )

    def done(self, method: str, **options: Any) -> Any:
        answer = self.call(method, **options)
        assert answer.status_code == 200, answer.text
        assert answer.json()["ok"] is True
        return answer.json()["result"]

    def refused(self, method: str, **options: Any) -> tuple[int, str]:
        answer = self.call(method, **options)
        body = answer.json()
        assert (body["ok"], body["error_code"]) == (False, answer.status_code)
        return answer.status_code, body["description"]

    def say(self, text: str, **more: Any) -> Any:
        return self.done("sendMessage", json={"chat_id": self.chat, "text": text, **more})

    def ledger(self) -> list[LedgerEntry]:
        mine = self.account.handle
        return [e for e in self.sandbox.ledger("telegram") if e.account == mine]


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with start_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def bot(sandbox: Sandbox) -> Iterator[Bot]:
    handle = f"mission_{next(_NUMBERS)}"
    yield Bot(sandbox, sandbox.add_account(handle, network="telegram", name="M"))
    sandbox.clear_faults()


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 30), noise: int = 0) -> bytes:
    held = io.BytesIO()
    Image.new("RGB", size, "teal").save(held, kind)
    return held.getvalue() + b"\0" * noise


def test_it_tells_who_the_bot_and_the_channel_are(bot: Bot) -> None:
    me = bot.done("getMe")
    assert me["is_bot"] is True
    assert me["id"] == int(bot.account.keys["bot_token"].partition(":")[0])
    for named in (bot.chat, bot.chat.upper(), bot.account.id):
        chat = bot.done("getChat", json={"chat_id": named})
        assert (str(chat["id"]), chat["type"]) == (bot.account.id, "channel")
        assert (chat["username"], chat["title"]) == (bot.account.handle, "M")
    member = bot.done("getChatMember", json={"chat_id": bot.chat, "user_id": me["id"]})
    assert member["status"] == "administrator"
    assert member["can_post_messages"] is True


def test_a_method_is_called_in_any_of_the_documented_ways(bot: Bot) -> None:
    given = {"chat_id": bot.chat, "text": "Words"}
    reply = {"reply_parameters": json.dumps({"message_id": 2})}
    bot.done("sendMessage", json=given)
    bot.done("sendMessage", verb="GET", params=given | reply)
    bot.done("sendMessage", data=given | reply)
    bot.done("sendMessage", files={n: (None, v) for n, v in (given | reply).items()})
    assert [e.text for e in bot.ledger()] == ["Words"] * 4
    assert [e.reply_to for e in bot.ledger()] == [None, "2", "2", "2"]


def test_a_token_it_does_not_know_and_a_method_it_does_not_have(bot: Bot) -> None:
    number = bot.account.keys["bot_token"].partition(":")[0]
    assert bot.refused("getMe", token=f"{number}:AA{'x' * 33}") == (401, "Unauthorized")
    assert bot.refused("getMe", token="nonsense") == (404, "Not Found")
    assert bot.refused("sendNothing") == (404, "Not Found")
    assert "chat not found" in bot.refused("getChat", json={"chat_id": "@nobody_at_all"})[1]
    assert "chat_id is empty" in bot.refused("sendMessage", json={"text": "x"})[1]


def test_links_hashtags_and_mentions_are_found_in_utf16_units(bot: Bot) -> None:
    text = "👩🏽‍🏭 https://example.org/قصة #LifeafterDaesh #الحياة_بعد @some_partner, a@b.org #12"
    shown = bot.say(text)
    assert shown["text"] == text
    units = text.encode("utf-16-le")
    found = [
        (e["type"], units[2 * e["offset"] : 2 * (e["offset"] + e["length"])].decode("utf-16-le"))
        for e in shown["entities"]
    ]
    assert found == [
        ("url", "https://example.org/قصة"),
        ("hashtag", "#LifeafterDaesh"),
        ("hashtag", "#الحياة_بعد"),
        ("mention", "@some_partner"),
    ]


def test_a_text_is_counted_after_it_was_cleaned(bot: Bot) -> None:
    assert bot.say("  \n" + "ا" * 4094 + "🇮"[:1] + "\u202b\n ")["text"] == "ا" * 4094 + "🇮"
    too_long = {"chat_id": bot.chat, "text": "ا" * 4095 + "🇮"}
    assert bot.refused("sendMessage", json=too_long)[1] == "Bad Request: message is too long"
    for nothing in ("", "  \n ", "\u202b"):
        said = bot.refused("sendMessage", json={"chat_id": bot.chat, "text": nothing})
        assert said == (400, "Bad Request: message text is empty")
    assert bot.say("a\tb\rc\u200f\u200fd")["text"] == "a bc\u200c\u200fd"


def test_markup_is_no_part_of_this(bot: Bot) -> None:
    given = {"chat_id": bot.chat, "text": "*x*", "parse_mode": "MarkdownV2"}
    assert bot.refused("sendMessage", json=given)[1] == "Bad Request: unsupported parse_mode"


def test_one_photo_is_one_message_with_copies_in_several_sizes(bot: Bot) -> None:
    files: Files = {"photo": ("p.jpg", picture("JPEG", (1600, 900)), "image/jpeg")}
    shown = bot.done("sendPhoto", data={"chat_id": bot.chat, "caption": "A #loom"}, files=files)
    assert shown["caption"] == "A #loom"
    assert shown["caption_entities"] == [{"offset": 2, "length": 5, "type": "hashtag"}]
    assert [(p["width"], p["height"]) for p in shown["photo"]] == [
        (320, 180),
        (800, 450),
        (1280, 720),
        (1600, 900),
    ]
    assert len({p["file_unique_id"] for p in shown["photo"]}) == 4


def test_an_album_is_a_message_for_each_picture_and_one_post(bot: Bot) -> None:
    files: Files = {f"f{n}": (f"{n}.png", picture(), "image/png") for n in range(3)}
    media: list[dict[str, str]] = [{"type": "photo", "media": f"attach://f{n}"} for n in range(3)]
    media[0]["caption"] = "Three looms"
    given = {"chat_id": bot.chat, "media": json.dumps(media), "disable_notification": "true"}
    shown = bot.done("sendMediaGroup", data=given, files=files)
    numbers = [m["message_id"] for m in shown]
    assert numbers == [2, 3, 4]
    assert len({m["media_group_id"] for m in shown}) == 1
    assert [m.get("caption") for m in shown] == ["Three looms", None, None]
    (entry,) = bot.ledger()
    assert (entry.text, entry.id, entry.extra["silent"]) == ("Three looms", "2,3,4", "yes")
    assert len(entry.media) == 3

    bot.done("deleteMessage", json={"chat_id": bot.chat, "message_id": 3})
    assert bot.ledger()[0].removed_at is None
    again = bot.refused("deleteMessage", json={"chat_id": bot.chat, "message_id": 3})
    assert again == (400, "Bad Request: message to delete not found")
    bot.done("deleteMessages", json={"chat_id": bot.chat, "message_ids": [2, 3, 4, 99]})
    assert bot.ledger()[0].removed_at is not None
    assert bot.say("After it")["message_id"] == 5, "a number is never given again"


@pytest.mark.parametrize(
    ("media", "told"),
    [
        ("nonsense", "can't parse media JSON object"),
        ([{"type": "photo", "media": "attach://f"}], "too few messages to send as an album"),
        ([{"type": "photo", "media": "attach://f"}] * 11, "too many messages to send as an album"),
        ([{"type": "photo", "media": "attach://g"}] * 2, "wrong file identifier"),
        ([{"type": "photo", "media": "https://example.org/x.png"}] * 2, "wrong file identifier"),
        ([{"type": "document", "media": "attach://f"}] * 2, "type document can't be sent"),
        ([{"type": "photo", "media": "attach://f", "caption": "x" * 1025}] * 2, "too long"),
    ],
)
def test_an_album_that_telegram_would_not_take(bot: Bot, media: Any, told: str) -> None:
    files: Files = {"f": ("f.png", picture(), "image/png")}
    given = {"chat_id": bot.chat, "media": json.dumps(media)}
    status, said = bot.refused("sendMediaGroup", data=given, files=files)
    assert status == 400
    assert told in said
    assert bot.ledger() == []


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"nothing of a picture", "IMAGE_PROCESS_FAILED"),
        (picture(size=(2100, 100)), "PHOTO_INVALID_DIMENSIONS"),
        (picture(size=(6000, 4001)), "PHOTO_INVALID_DIMENSIONS"),
        (picture(noise=10 * 1024 * 1024), "file is too big for a photo"),
    ],
)
def test_a_photo_that_telegram_would_not_show(bot: Bot, content: bytes, told: str) -> None:
    files: Files = {"photo": ("p.png", content, "image/png")}
    status, said = bot.refused("sendPhoto", data={"chat_id": bot.chat}, files=files)
    assert (status, told in said) == (400, True)
    assert bot.ledger() == []


def test_words_are_edited_and_captions_too(bot: Bot) -> None:
    said = bot.say("Befor")
    here = {"chat_id": bot.chat, "message_id": said["message_id"]}
    edited = bot.done("editMessageText", json=here | {"text": "Before"})
    assert (edited["text"], edited["message_id"]) == ("Before", said["message_id"])
    assert "edit_date" in edited
    same = bot.refused("editMessageText", json=here | {"text": "Before"})
    assert same[1].startswith("Bad Request: message is not modified")
    no_caption = bot.refused("editMessageCaption", json=here | {"caption": "x"})
    assert no_caption[1] == "Bad Request: there is no caption in the message to edit"
    files: Files = {"photo": ("p.png", picture(), "image/png")}
    shown = bot.done("sendPhoto", data={"chat_id": bot.chat, "caption": "One"}, files=files)
    there = {"chat_id": bot.chat, "message_id": shown["message_id"]}
    assert bot.done("editMessageCaption", json=there | {"caption": "Two"})["caption"] == "Two"
    gone = bot.refused("editMessageText", json=there | {"text": "x", "message_id": 99})
    assert gone[1] == "Bad Request: message to edit not found"
    assert [(e.text, len(e.media)) for e in bot.ledger()] == [("Before", 0), ("Two", 1)]
    assert all(e.edited_at is not None for e in bot.ledger())


def test_a_reply_shows_what_it_answers(bot: Bot) -> None:
    first = bot.say("First")
    second = bot.say("Second", reply_parameters={"message_id": first["message_id"]})
    assert second["reply_to_message"]["text"] == "First"
    lost = {"chat_id": bot.chat, "text": "x", "reply_parameters": {"message_id": 99}}
    assert bot.refused("sendMessage", json=lost)[1] == (
        "Bad Request: message to be replied not found"
    )


def test_a_hidden_preview_is_kept(bot: Bot) -> None:
    shown = bot.say("https://example.org", link_preview_options={"is_disabled": True})
    assert shown["link_preview_options"] == {"is_disabled": True}
    assert bot.ledger()[0].extra["preview"] == "no"


def test_twenty_messages_a_minute_and_then_a_pause_is_named(bot: Bot) -> None:
    for number in range(20):
        bot.say(f"Number {number}")
    answer = bot.call("sendMessage", json={"chat_id": bot.chat, "text": "One too many"})
    body = answer.json()
    seconds = body["parameters"]["retry_after"]
    assert answer.status_code == body["error_code"] == 429
    assert 0 < seconds <= 61
    assert body["description"] == f"Too Many Requests: retry after {seconds}"
    assert answer.headers["Retry-After"] == str(seconds)
    assert len(bot.ledger()) == 20


@pytest.mark.parametrize(
    ("fault", "status", "said"),
    [
        ("rate_limited", 429, "Too Many Requests: retry after 900"),
        ("unauthorized", 401, "Unauthorized"),
        ("error_before", 500, "Internal Server Error"),
        ("error_after", 500, "Internal Server Error"),
    ],
)
def test_misfortune_has_telegrams_form(bot: Bot, fault: str, status: int, said: str) -> None:
    bot.sandbox.fault(fault, network="telegram", account=bot.account.handle, route="post")
    given = {"chat_id": bot.chat, "text": "Words"}
    assert bot.refused("sendMessage", json=given) == (status, said)
    assert len(bot.ledger()) == (fault == "error_after")


def test_only_a_reply_meets_a_forbidden_reply(bot: Bot) -> None:
    bot.sandbox.fault("reply_forbidden", network="telegram", account=bot.account.handle)
    first = bot.say("First")
    reply = {"message_id": first["message_id"]}
    status, said = bot.refused(
        "sendMessage", json={"chat_id": bot.chat, "text": "x", "reply_parameters": reply}
    )
    assert (status, said) == (400, "Bad Request: message to be replied not found")


def test_a_body_that_is_no_json_is_told(bot: Bot) -> None:
    answer = bot.call("sendMessage", data=b"{", headers={"Content-Type": "application/json"})
    assert answer.json()["description"].startswith("Bad Request: ")


def test_what_was_accepted_outlives_a_power_cut(tmp_path: Path) -> None:
    with start_sandbox(tmp_path) as before:
        account = before.add_account("a_mission", network="telegram")
        Bot(before, account).say("Kept")
        before.kill()
    with start_sandbox(tmp_path) as after:
        bot = Bot(after, account)
        assert [e.text for e in bot.ledger()] == ["Kept"]
        assert bot.say("And on")["message_id"] == 3
