"""What a Bluesky server demands of a record before it takes it: the lexicons, as far as we need.

In one thing stricter than the real one: a facet must lie within its text, on whole characters.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import regex

from .bluesky_ids import is_cid
from .bluesky_problems import bad

POST = "app.bsky.feed.post"
REPOST = "app.bsky.feed.repost"
GATE = "app.bsky.feed.threadgate"
IMAGE_BYTES, THUMB_BYTES, FILM_BYTES, CAPTION_BYTES = 2_000_000, 1_000_000, 300_000_000, 20_000
MAX_IMAGES, MAX_GALLERY = 4, 20
_URI = re.compile(r"[a-z][a-z0-9.+-]*:\S+", re.ASCII)
_AT = re.compile(r"at://[A-Za-z0-9._:%-]+/[a-zA-Z0-9.-]+/[A-Za-z0-9._~:-]+", re.ASCII)
_LANGUAGE = re.compile(r"[a-zA-Z]{2,8}(-[a-zA-Z0-9]{1,8})*", re.ASCII)


class Invalid(Exception):
    """A record that is not as its lexicon says; the message ends with the place."""


@dataclass(frozen=True)
class Blob:
    """A file that a record uses; `alt` and `captions` are told of it there."""

    cid: str
    media_type: str
    kind: str
    alt: str = ""
    captions: Mapping[str, str] | None = None
    """Ids of files, by language."""


def check(collection: str, record: Any) -> str:
    """`valid`, or `unknown` for a lexicon that is not known here; raises Problem 400."""
    if not isinstance(record, dict) or record.get("$type", collection) != collection:
        raise bad(f"Invalid $type: expected {collection}, got {_type_of(record)}")
    known = {POST: _post, REPOST: _repost, GATE: _gate}.get(collection)
    if known is None:
        return "unknown"
    try:
        known(record)
    except Invalid as reason:
        raise bad(f"Invalid {collection} record: {reason}") from reason
    return "valid"


def blobs(record: Mapping[str, Any]) -> Iterator[Blob]:
    """Every file that a checked post uses, in its order; a card's picture last."""
    embed = record.get("embed") or {}
    if embed.get("$type") == "app.bsky.embed.recordWithMedia":
        embed = embed["media"]
    match embed.get("$type"):
        case "app.bsky.embed.images":
            for image in embed["images"]:
                yield _blob_of(image["image"], "picture", image["alt"])
        case "app.bsky.embed.gallery":
            for image in embed["items"]:
                yield _blob_of(image["image"], "picture", image["alt"])
        case "app.bsky.embed.video":
            captions = {c["lang"]: c["file"]["ref"]["$link"] for c in embed.get("captions", [])}
            film = _blob_of(embed["video"], "film", embed.get("alt", ""))
            yield Blob(film.cid, film.media_type, film.kind, film.alt, captions)
        case "app.bsky.embed.external" if "thumb" in embed["external"]:
            yield _blob_of(embed["external"]["thumb"], "card", "")


def quoted(record: Mapping[str, Any]) -> str | None:
    """The address of the post that a checked post quotes."""
    embed = record.get("embed") or {}
    if embed.get("$type") == "app.bsky.embed.recordWithMedia":
        embed = embed["record"]
    return embed["record"]["uri"] if "record" in embed else None


def card(record: Mapping[str, Any]) -> dict[str, str] | None:
    """The card of a checked post."""
    embed = record.get("embed") or {}
    if embed.get("$type") == "app.bsky.embed.recordWithMedia":
        embed = embed["media"]
    if embed.get("$type") != "app.bsky.embed.external":
        return None
    shown = embed["external"]
    names = {"link": "uri", "title": "title", "description": "description"}
    return {ours: shown[theirs] for ours, theirs in names.items()}


def _post(record: Mapping[str, Any]) -> None:
    text = _text(record, "text", "$", graphemes=300, most=3000)
    _instant(record, "createdAt", "$")
    _list(record, "langs", 3, _language)
    _list(record, "tags", 8, lambda tag, at: _string(tag, at, graphemes=64, most=640))
    _list(record, "facets", None, lambda facet, at: _facet(facet, text.encode(), at))
    if "reply" in record:
        reply = _object(record["reply"], "$.reply")
        for name in ("root", "parent"):
            _ref(reply.get(name), f"$.reply.{name}")
    if "embed" in record:
        _embed(record["embed"], "$.embed")


def _repost(record: Mapping[str, Any]) -> None:
    _ref(record.get("subject"), "$.subject")
    _instant(record, "createdAt", "$")


def _gate(record: Mapping[str, Any]) -> None:
    if not _AT.fullmatch(str(record.get("post"))):
        raise Invalid(f"Invalid AT URI (got {record.get('post')!r}) at $.post")
    _instant(record, "createdAt", "$")
    _list(record, "allow", 5, _object)


def _embed(embed: Any, at: str, inner: bool = False) -> None:
    kinds: dict[object, Callable[[Mapping[str, Any], str], None]] = {
        "app.bsky.embed.images": _images,
        "app.bsky.embed.gallery": _gallery,
        "app.bsky.embed.external": _external,
        "app.bsky.embed.video": _video,
    }
    if not inner:
        kinds["app.bsky.embed.record"] = lambda e, a: _ref(e.get("record"), f"{a}.record")
        kinds["app.bsky.embed.recordWithMedia"] = _both
    found = kinds.get(_object(embed, at).get("$type"))
    if found is None:
        raise Invalid(f"Expected one of {', '.join(map(str, kinds))} at {at}.$type")
    found(embed, at)


def _both(embed: Mapping[str, Any], at: str) -> None:
    record = _object(embed.get("record"), f"{at}.record")
    _ref(record.get("record"), f"{at}.record.record")
    _embed(embed.get("media"), f"{at}.media", inner=True)


def _images(embed: Mapping[str, Any], at: str) -> None:
    _required(embed, "images", at)
    _list(embed, "images", MAX_IMAGES, _image, at)


def _gallery(embed: Mapping[str, Any], at: str) -> None:
    _required(embed, "items", at)

    def item(image: Any, where: str) -> None:
        _image(image, where)
        _required(image, "aspectRatio", where)

    _list(embed, "items", MAX_GALLERY, item, at)


def _image(image: Any, at: str) -> None:
    _text(_object(image, at), "alt", at)
    _blob(image.get("image"), f"{at}.image", "image/", IMAGE_BYTES)
    _ratio(image, at)


def _external(embed: Mapping[str, Any], at: str) -> None:
    at += ".external"
    shown = _object(embed.get("external"), at)
    if not _URI.fullmatch(_text(shown, "uri", at)):
        raise Invalid(f"Invalid URI (got {shown['uri']!r}) at {at}.uri")
    for name in ("title", "description"):
        _text(shown, name, at)
    if "thumb" in shown:
        _blob(shown["thumb"], f"{at}.thumb", "image/", THUMB_BYTES)


def _video(embed: Mapping[str, Any], at: str) -> None:
    _blob(embed.get("video"), f"{at}.video", "video/mp4", FILM_BYTES)
    if "alt" in embed:
        _text(embed, "alt", at, graphemes=1000, most=10000)
    _ratio(embed, at)

    def caption(one: Any, where: str) -> None:
        _language(_object(one, where).get("lang"), f"{where}.lang")
        _blob(one.get("file"), f"{where}.file", "text/vtt", CAPTION_BYTES)

    _list(embed, "captions", 20, caption, at)


def _facet(facet: Any, text: bytes, at: str) -> None:
    place = _object(_object(facet, at).get("index"), f"{at}.index")
    start, end = place.get("byteStart"), place.get("byteEnd")
    if type(start) is not int or type(end) is not int or not 0 <= start < end <= len(text):
        raise Invalid(f"byteStart and byteEnd must lie in the text ({start}, {end}) at {at}.index")
    try:
        text[start:end].decode()
    except UnicodeDecodeError as error:
        raise Invalid(f"byteStart and byteEnd divide a character at {at}.index") from error

    def feature(one: Any, where: str) -> None:
        needed = {"link": "uri", "mention": "did", "tag": "tag"}
        name = str(_object(one, where).get("$type")).removeprefix("app.bsky.richtext.facet#")
        if name not in needed:
            raise Invalid(f"Expected a link, mention or tag at {where}.$type")
        most = {"graphemes": 64, "most": 640} if name == "tag" else {}
        _text(one, needed[name], where, **most)

    _required(facet, "features", at)
    _list(facet, "features", None, feature, at)


def _list(
    holder: Mapping[str, Any],
    name: str,
    most: int | None,
    each: Callable[[Any, str], object],
    at: str = "$",
) -> None:
    items = holder.get(name, [])
    if not isinstance(items, list):
        raise Invalid(f"Expected array at {at}.{name}")
    if most is not None and len(items) > most:
        raise Invalid(f"array too big (maximum {most}, got {len(items)}) at {at}.{name}")
    for number, item in enumerate(items):
        each(item, f"{at}.{name}[{number}]")


def _text(
    holder: Mapping[str, Any], name: str, at: str, *, graphemes: int = 0, most: int = 0
) -> str:
    _required(holder, name, at)
    return _string(holder[name], f"{at}.{name}", graphemes=graphemes, most=most)


def _string(value: Any, at: str, *, graphemes: int = 0, most: int = 0) -> str:
    if not isinstance(value, str):
        raise Invalid(f"Expected string value type at {at}")
    size, count = len(value.encode()), len(regex.findall(r"\X", value))
    if most and size > most:
        raise Invalid(f"string too big (maximum {most}, got {size}) at {at}")
    if graphemes and count > graphemes:
        raise Invalid(f"grapheme too big (maximum {graphemes}, got {count}) at {at}")
    return value


def _blob(value: Any, at: str, accept: str, most: int) -> None:
    found = _object(value, at)
    ref, size = found.get("ref"), found.get("size")
    link = ref.get("$link") if isinstance(ref, dict) else None
    if found.get("$type") != "blob" or not is_cid(link) or type(size) is not int:
        raise Invalid(f"Expected blob value type at {at}")
    if not str(found.get("mimeType")).startswith(accept):
        raise Invalid(f"Expected {accept} (got {found.get('mimeType')}) at {at}.mimeType")
    if size > most:
        raise Invalid(f"blob too big (maximum {most}, got {size}) at {at}")


def _ratio(holder: Mapping[str, Any], at: str) -> None:
    if "aspectRatio" in holder:
        ratio = _object(holder["aspectRatio"], f"{at}.aspectRatio")
        for name in ("width", "height"):
            if type(ratio.get(name)) is not int or ratio[name] < 1:
                raise Invalid(f"integer too small (minimum 1) at {at}.aspectRatio.{name}")


def _ref(value: Any, at: str) -> None:
    found = _object(value, at)
    if not _AT.fullmatch(str(found.get("uri"))):
        raise Invalid(f"Invalid AT URI (got {found.get('uri')!r}) at {at}.uri")
    if not is_cid(found.get("cid")):
        raise Invalid(f"Invalid CID (got {found.get('cid')!r}) at {at}.cid")


def _language(value: Any, at: str) -> None:
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise Invalid(f"Invalid language (got {value!r}) at {at}")


def _instant(holder: Mapping[str, Any], name: str, at: str) -> None:
    value = _text(holder, name, at)
    try:
        whole = datetime.fromisoformat(value).tzinfo is not None and "T" in value
    except ValueError:
        whole = False
    if not whole:
        raise Invalid(f"Invalid datetime (got {value!r}) at {at}.{name}")


def _object(value: Any, at: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise Invalid(f"Expected object value type at {at}")
    return value


def _required(holder: Mapping[str, Any], name: str, at: str) -> None:
    if name not in holder:
        raise Invalid(f'Missing required key "{name}" at {at}')


def _blob_of(value: Mapping[str, Any], kind: str, alt: str) -> Blob:
    return Blob(value["ref"]["$link"], value["mimeType"], kind, alt)


def _type_of(record: Any) -> str:
    return str(record.get("$type")) if isinstance(record, dict) else type(record).__name__
