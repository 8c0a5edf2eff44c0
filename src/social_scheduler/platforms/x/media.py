"""Hands pictures and films over to X with its v2 upload, which tweepy does not have."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, BinaryIO

from social_scheduler.errors import NotSent, Refused
from social_scheduler.message import Attachment
from social_scheduler.platforms import Upload
from social_scheduler.platforms.x import wire
from social_scheduler.platforms.x.addresses import native

_KEPT = timedelta(hours=24)
_AT_MOST = timedelta(days=30)


def upload(line: wire.Line, item: Attachment, file: BinaryIO) -> Upload:
    """POST /2/media/upload in one call, then its alt text. Nobody sees it until a post uses it."""
    started = line.now()
    picture = file.read()
    same_as_approved(hashlib.sha256(picture).hexdigest(), item.sha256)
    fields = {"media_category": "tweet_image", "media_type": item.type}
    data = named(line.ask(line.form("/2/media/upload", fields, picture, item.type)))
    processing = data.get("processing_info")
    if isinstance(processing, dict) and processing.get("state") == "failed":
        raise Refused("X could not read the picture.", "Save it as JPEG or PNG and queue it again.")
    describe(line, data["id"], item.alt)
    return Upload(item.sha256, data["id"], started + kept(data))


def describe(line: wire.Line, remote_id: str, alt: str) -> None:
    """POST /2/media/metadata: what a picture shows, for people who cannot see it."""
    if alt:
        wish = {"id": remote_id, "metadata": {"alt_text": {"text": alt}}}
        line.ask(line.call("POST", "/2/media/metadata", json=wish))


def named(body: dict[str, Any] | None) -> dict[str, Any]:
    """What X says of something handed over, which must have an id."""
    data = (body or {}).get("data")
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        raise NotSent("X took the picture but did not name it.")
    native(data["id"])
    return data


def same_as_approved(found: str, approved: str) -> None:
    """Refuse bytes that are not those that people approved."""
    if found != approved:
        raise Refused(
            f"The file's bytes are not {approved[:12]}, which was approved.",
            "Put the approved file back, or queue the post again.",
        )


def kept(data: dict[str, Any]) -> timedelta:
    """How long X keeps what it was handed: as it says, else the documented day."""
    seconds = data.get("expires_after_secs")
    if type(seconds) is not int or not 0 < seconds <= _AT_MOST.total_seconds():
        return _KEPT
    return timedelta(seconds=seconds)
