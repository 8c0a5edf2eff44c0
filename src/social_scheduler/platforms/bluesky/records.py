"""Builds the records of one call: frozen, so that a repetition has the same bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from social_scheduler.message import Attachment
from social_scheduler.platforms import Call
from social_scheduler.platforms.bluesky import ids
from social_scheduler.platforms.bluesky.addresses import GATE, POST, REPOST, Address, Ref
from social_scheduler.platforms.bluesky.facets import facets

_RULES = {"following": "followingRule", "mentioned": "mentionRule"}


@dataclass(frozen=True, slots=True)
class Held:
    """A file that the network holds for us; `captions` are a film's, by language."""

    blob: Mapping[str, Any]
    captions: Sequence[tuple[str, Mapping[str, Any]]] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """What was asked of the network beforehand: who is mentioned, and the records referred to."""

    dids: Mapping[str, str]
    held: Mapping[str, Held]
    reply: tuple[Ref, Ref] | None = None
    """What the first part answers: the thread's first post, and the post itself."""
    subject: Ref | None = None
    """The post that is quoted, or repeated."""


@dataclass(frozen=True, slots=True)
class Record:
    """One record about to be written, and the id it will have."""

    at: Address
    value: Mapping[str, Any]
    cid: str


def numbers(call: Call) -> range:
    """The parts that a call says: the first call of a thread says them all."""
    return range(call.number, len(call.message.parts) + 1 if call.number == 1 else call.number + 1)


def place(call: Call, number: int) -> Address:
    """Where a part stands once it is said."""
    collection = REPOST if "repost" in call.message.options else POST
    return Address(call.message.account, collection, ids.record_key(call, number))


def records(call: Call, known: Known) -> list[Record]:
    """The parts that a call says, in order, each naming the one before."""
    found: list[Record] = []
    reply = known.reply
    for number in numbers(call):
        at = place(call, number)
        if at.collection == REPOST:
            value = _repost(call, known)
        else:
            value = _post(call, number, known, reply)
        record = Record(at, value, ids.record_cid(value))
        found.append(record)
        this = Ref(str(at), record.cid)
        reply = (reply[0] if reply else this, this)
    return found


def gate(call: Call, first: Record) -> Record | None:
    """Who may reply, as a record beside the thread's first post; None where everybody may."""
    rule = _RULES.get(call.message.options.get("replies", ""))
    if rule is None:
        return None
    value = {
        "$type": GATE,
        "post": str(first.at),
        "allow": [{"$type": f"{GATE}#{rule}"}],
        "createdAt": ids.created_at(call.due_at, 1),
    }
    return Record(first.at._replace(collection=GATE), value, ids.record_cid(value))


def _repost(call: Call, known: Known) -> dict[str, Any]:
    return {
        "$type": REPOST,
        "subject": known.subject and known.subject._asdict(),
        "createdAt": ids.created_at(call.due_at, 1),
    }


def _post(call: Call, number: int, known: Known, reply: tuple[Ref, Ref] | None) -> dict[str, Any]:
    text = call.message.parts[number - 1].text
    value: dict[str, Any] = {
        "$type": POST,
        "text": text,
        "langs": [call.message.language],
        "createdAt": ids.created_at(call.due_at, number),
    }
    if marked := facets(text, known.dids):
        value["facets"] = marked
    if reply:
        value["reply"] = {"root": reply[0]._asdict(), "parent": reply[1]._asdict()}
    if embed := _embed(call, number, known):
        value["embed"] = embed
    return value


def _embed(call: Call, number: int, known: Known) -> dict[str, Any] | None:
    shown = _media(call, number, known)
    if number != 1 or known.subject is None:
        return shown
    quoted = {"$type": "app.bsky.embed.record", "record": known.subject._asdict()}
    if shown is None:
        return quoted
    return {"$type": "app.bsky.embed.recordWithMedia", "record": quoted, "media": shown}


def _media(call: Call, number: int, known: Known) -> dict[str, Any] | None:
    media = call.message.parts[number - 1].media
    if media and media[0].type.startswith("video/"):
        return _film(media[0], known.held[media[0].sha256])
    if media:
        pictures = [
            {"alt": m.alt, "image": known.held[m.sha256].blob, **_proportions(m)} for m in media
        ]
        return {"$type": "app.bsky.embed.images", "images": pictures}
    card = call.message.card if number == 1 else None
    if card is None:
        return None
    box: dict[str, Any] = {
        "uri": card.link,
        "title": card.title,
        "description": card.description,
    }
    if card.picture:
        box["thumb"] = known.held[card.picture.sha256].blob
    return {"$type": "app.bsky.embed.external", "external": box}


def _film(film: Attachment, held: Held) -> dict[str, Any]:
    embed: dict[str, Any] = {
        "$type": "app.bsky.embed.video",
        "video": held.blob,
        "alt": film.alt,
        **_proportions(film),
    }
    if held.captions:
        embed["captions"] = [{"lang": lang, "file": blob} for lang, blob in held.captions]
    return embed


def _proportions(item: Attachment) -> dict[str, Any]:
    if not (item.width and item.height):
        return {}
    return {"aspectRatio": {"width": item.width, "height": item.height}}
