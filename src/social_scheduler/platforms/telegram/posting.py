"""Says one part in a channel, with its pictures and films, and takes one down."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from social_scheduler.errors import NotSent, Refused
from social_scheduler.message import Attachment
from social_scheduler.platforms import Call, Published, _line
from social_scheduler.platforms.telegram import channel, seen, wire

ALBUM = 10
_ID = re.compile(r"[1-9][0-9]{0,17}(?:,[1-9][0-9]{0,17}){0,9}", re.ASCII)
_CHAT = re.compile(r"-100[0-9]{1,16}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9_]{1,64}", re.ASCII)
_GONE = re.compile(r"message to delete not found|message_id_invalid", re.IGNORECASE)
_HERE = frozenset({"127.0.0.1", "localhost", "::1"})


def publish(line: wire.Line, call: Call) -> Published:
    """sendMessage, sendPhoto, sendVideo or sendMediaGroup, once.

    Unconfirmed unless the answer names every message of it.
    """
    part = call.message.parts[call.number - 1]
    common = _common(call)
    media = part.media
    if len(media) > ALBUM:
        raise Refused(f"Telegram shows at most {ALBUM} pictures and films together.")
    if not media:
        said = line.say("sendMessage", {**common, "text": part.text, **_preview(call)})
    elif len(media) == 1:
        method, fields, files = _single(call, media[0])
        said = line.show(method, {**common, **_caption(part.text), **fields}, files)
    else:
        album, files = _album(call, media, part.text)
        said = line.show("sendMediaGroup", {**common, "media": album}, files)
    return _published(line, said if isinstance(said, list) else [said], max(1, len(media)))


def remove(line: wire.Line, remote_id: str) -> None:
    """deleteMessage for each message of a part, the one with the words first."""
    chat = channel.named(line)
    for number in native(remote_id).split(","):
        try:
            line.ask("deleteMessage", {"chat_id": chat, "message_id": int(number)})
        except Refused as problem:
            if _GONE.search(problem.problem):
                continue
            raise Refused(
                problem.problem,
                "A bot may delete what is younger than 48 hours, or anything when it is an "
                "administrator who may delete messages; else delete it in the channel by hand.",
                evidence=problem.evidence,
            ) from None


def native(remote_id: str) -> str:
    """The numbers of a part's messages; anything else must not become part of a request."""
    if not _ID.fullmatch(remote_id):
        raise Refused(f"{remote_id!r} is not the id of anything on Telegram.", "Ids are digits.")
    return remote_id


def _common(call: Call) -> dict[str, Any]:
    chat = call.message.account
    if not _CHAT.fullmatch(chat):
        raise Refused(f"{chat!r} is not the id of a channel.", "Connect the account again.")
    options = dict(call.message.options)
    silent = options.pop("silent", "no")
    options.pop("preview", None)
    if options:
        # Leaving out what was approved is not ours to decide.
        raise Refused(f"Telegram has no option {sorted(options)[0]!r}.", "Remove it from the post.")
    common: dict[str, Any] = {"chat_id": chat}
    if silent == "yes":
        common["disable_notification"] = True
    if call.reply_to is not None:
        common["reply_parameters"] = {"message_id": int(seen.first_of(native(call.reply_to)))}
    return common


def _preview(call: Call) -> dict[str, Any]:
    hidden = call.message.options.get("preview", "yes") == "no"
    return {"link_preview_options": {"is_disabled": True}} if hidden else {}


def _caption(text: str) -> dict[str, Any]:
    return {"caption": text} if text else {}


def _single(call: Call, item: Attachment) -> tuple[str, dict[str, Any], dict[str, wire.File]]:
    kind = _kind(item)
    method = "sendVideo" if kind == "video" else "sendPhoto"
    return method, _of_film(item), {kind: _file(call, item)}


def _album(
    call: Call, media: Sequence[Attachment], text: str
) -> tuple[list[dict[str, Any]], dict[str, wire.File]]:
    """The words stand at the first: so does Telegram show them, below the whole album."""
    album: list[dict[str, Any]] = []
    files: dict[str, wire.File] = {}
    for number, item in enumerate(media):
        name = f"file{number}"
        files[name] = _file(call, item)
        entry = {"type": _kind(item), "media": f"attach://{name}", **_of_film(item)}
        album.append(entry | (_caption(text) if number == 0 else {}))
    return album, files


def _kind(item: Attachment) -> str:
    return "video" if item.moves else "photo"


def _of_film(item: Attachment) -> dict[str, Any]:
    """What a player must know before it has the whole film."""
    if not item.moves:
        return {}
    told = {
        "width": item.width,
        "height": item.height,
        "duration": round(item.milliseconds / 1000),
    }
    return {"supports_streaming": True, **{name: n for name, n in told.items() if n}}


def _file(call: Call, item: Attachment) -> wire.File:
    """The approved bytes. A name that says nothing: Telegram may show it to nobody, but stores it."""
    file = call.files.get(item.sha256)
    if file is None:
        raise NotSent(f"The file {item.sha256[:12]}… is not at hand.")
    file.seek(0)
    ending = item.type.partition("/")[2].partition("+")[0]
    return f"media.{ending}", file.read(), item.type


def _published(line: wire.Line, messages: Sequence[Any], count: int) -> Published:
    """The part as the answer names it; every message must have its number."""
    whole = [m for m in messages if isinstance(m, dict) and _is_number(m.get("message_id"))]
    if len(whole) != len(messages) or len(whole) != count:
        raise _line.lost(
            True,
            "Telegram took the post but did not name it.",
            f"HTTP 2xx with {len(whole)} of {count} messages",
        )
    numbers = [str(m["message_id"]) for m in whole]
    url = address(line.base_url, whole[0].get("chat"), numbers[0])
    return Published(",".join(numbers), url, seen=seen.shown(whole))


def address(base_url: str, chat: Any, number: str) -> str:
    """Where people can open a message: on t.me, or at the rehearsal network it is on."""
    facts: Mapping[str, Any] = chat if isinstance(chat, dict) else {}
    base = base_url.rstrip("/")
    site = f"{base}/t.me" if urlsplit(base).hostname in _HERE else "https://t.me"
    name = facts.get("username")
    if isinstance(name, str) and _NAME.fullmatch(name):
        return f"{site}/{name}/{number}"
    return f"{site}/c/{str(facts.get('id', '')).removeprefix('-100')}/{number}"


def _is_number(value: Any) -> bool:
    return type(value) is int and 0 < value < 10**18
