"""Hands films and moving pictures over to X in segments, and looks how far it is with them.

X works on a film after it has all of it. While it does, the upload's id also says which captions
are still to be joined to it: that is done once the film is ready.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, BinaryIO

from social_scheduler.errors import NotSent, Refused
from social_scheduler.message import Attachment, Captions
from social_scheduler.platforms import Upload, _line
from social_scheduler.platforms.x import media, wire
from social_scheduler.platforms.x.addresses import is_id, native
from social_scheduler.platforms.x.checks import language_code

SEGMENT = 4 * 1024 * 1024
"""Bytes in one request; X takes 5 MB, and 1000 segments."""
_WORKING = ("pending", "in_progress")
_CAPTIONS_TYPE = "text/vtt"


@dataclass(frozen=True, slots=True)
class Handed:
    """What X holds of one film: its id, and captions that are not joined to it yet."""

    film: str
    captions: str = ""
    language: str = ""

    def __str__(self) -> str:
        if not self.captions:
            return self.film
        return json.dumps([self.film, self.captions, self.language])

    @classmethod
    def read(cls, remote_id: str) -> Handed:
        """As `str` wrote it."""
        if is_id(remote_id):
            return cls(remote_id)
        try:
            film, captions, language = json.loads(remote_id)
        except (ValueError, TypeError) as problem:
            raise Refused(
                "What was kept of the film's upload cannot be read.", "Queue the post again."
            ) from problem
        return cls(native(film), native(captions), str(language))


def upload(line: wire.Line, item: Attachment, files: Mapping[str, BinaryIO]) -> Upload:
    """Initialize, append, finalize; then its alt text or its captions. Invisible until used."""
    started = line.now()
    moving = item.type == "image/gif"
    category = "tweet_gif" if moving else "tweet_video"
    data = _segments(line, files[item.sha256], item.sha256, item.type, category)
    handed = Handed(data["id"])
    if moving:
        media.describe(line, handed.film, item.alt)
    if item.captions:
        handed = _with_captions(line, handed, item.captions, files)
    upload = Upload(item.sha256, str(handed), started + media.kept(data), ready=False)
    return _as_it_is(line, upload, handed, data)


def look_at(line: wire.Line, upload: Upload) -> Upload:
    """GET /2/media/upload?command=STATUS, once."""
    handed = Handed.read(upload.remote_id)
    params = {"command": "STATUS", "media_id": handed.film}
    body = line.ask(line.call("GET", "/2/media/upload", params=params), gone=True)
    if body is None:
        raise Refused("X does not hold the film any more.", "Queue the post again.")
    return _as_it_is(line, upload, handed, media.named(body))


def _segments(
    line: wire.Line, file: BinaryIO, sha256: str, kind: str, category: str
) -> dict[str, Any]:
    """Hand over a whole file; what X says of it at the end. Bytes not approved get no end."""
    total = file.seek(0, 2)
    file.seek(0)
    wish = {"media_type": kind, "total_bytes": total, "media_category": category}
    begun = media.named(line.ask(line.call("POST", "/2/media/upload/initialize", json=wish)))
    route = f"/2/media/upload/{begun['id']}"
    digest = hashlib.sha256()
    number = 0
    while segment := file.read(SEGMENT):
        digest.update(segment)
        fields = {"segment_index": str(number)}
        line.ask(line.form(f"{route}/append", fields, segment, kind), silent=True)
        number += 1
    media.same_as_approved(digest.hexdigest(), sha256)
    data = media.named(line.ask(line.call("POST", f"{route}/finalize")))
    if data["id"] != begun["id"]:
        raise NotSent("X confused the film with another.")
    return data


def _with_captions(
    line: wire.Line, handed: Handed, captions: Captions, files: Mapping[str, BinaryIO]
) -> Handed:
    code = language_code(captions.language)
    if code is None:
        raise Refused(f"X takes no captions in {captions.language!r}.", "Leave them out for X.")
    file = files[captions.sha256]
    data = _segments(line, file, captions.sha256, _CAPTIONS_TYPE, "subtitles")
    return replace(handed, captions=data["id"], language=code)


def _as_it_is(line: wire.Line, upload: Upload, handed: Handed, data: dict[str, Any]) -> Upload:
    """The upload by what X says of its processing; no word about it means that it is done."""
    processing = data.get("processing_info")
    state = processing.get("state") if isinstance(processing, dict) else "succeeded"
    if state in _WORKING:
        return replace(upload, ready=False)
    if state == "failed":
        raise Refused(
            f"X could not use the film: {_why(line, processing)}",
            "Save it as MP4 with H.264 and AAC, and queue it again.",
        )
    if state != "succeeded":
        raise NotSent("X did not say how far it is with the film.")
    if handed.captions:
        _join(line, handed)
    return replace(upload, remote_id=handed.film, ready=True)


def _why(line: wire.Line, processing: Any) -> str:
    error = processing.get("error")
    words = [error.get(name) for name in ("name", "message")] if isinstance(error, dict) else []
    said = "; ".join(" ".join(word.split()) for word in words if isinstance(word, str))
    return _line.redacted(said, tuple(line.connection.keys.values()))[:300] or "no reason given"


def _join(line: wire.Line, handed: Handed) -> None:
    """POST /2/media/subtitles. Doing it again changes nothing."""
    from babel import Locale, UnknownLocaleError

    try:
        name = Locale.parse(handed.language.lower()).get_display_name() or handed.language
    except (ValueError, UnknownLocaleError):
        name = handed.language
    track = {"id": handed.captions, "language_code": handed.language, "display_name": name}
    wish = {"id": handed.film, "media_category": "TweetVideo", "subtitles": track}
    line.ask(line.call("POST", "/2/media/subtitles", json=wish))
