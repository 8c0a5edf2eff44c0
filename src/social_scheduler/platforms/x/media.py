"""Hands pictures over to X with its v2 upload, which tweepy does not have."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Any, BinaryIO

from social_scheduler.errors import NotSent, Refused
from social_scheduler.message import Attachment
from social_scheduler.platforms import Upload
from social_scheduler.platforms.x import posting, wire

_KEPT = timedelta(hours=24)
_AT_MOST = timedelta(days=30)


def upload(line: wire.Line, item: Attachment, file: BinaryIO) -> Upload:
    """POST /2/media/upload in one call, then its alt text. Nobody sees it until a post uses it."""
    started = line.now()
    picture = file.read()
    if hashlib.sha256(picture).hexdigest() != item.sha256:
        raise Refused(
            f"The picture's bytes are not {item.sha256[:12]}, which was approved.",
            "Put the approved file back, or queue the post again.",
        )
    body = line.ask(
        lambda client: client.session.post(
            f"{wire.HOST}/2/media/upload",
            files={"media": ("media", picture, item.type)},
            data={"media_category": "tweet_image", "media_type": item.type},
            headers={"User-Agent": client.user_agent},
            auth=line.signed(),
        )
    )
    data = (body or {}).get("data")
    if not isinstance(data, dict) or not isinstance(data.get("id"), str):
        raise NotSent("X took the picture but did not name it.")
    remote_id = posting.native(data["id"])
    processing = data.get("processing_info")
    if isinstance(processing, dict) and processing.get("state") == "failed":
        raise Refused("X could not read the picture.", "Save it as JPEG or PNG and queue it again.")
    if item.alt:
        _describe(line, remote_id, item.alt)
    return Upload(item.sha256, remote_id, started + _kept(data))


def _describe(line: wire.Line, remote_id: str, alt: str) -> None:
    line.ask(
        lambda client: client.request(
            "POST",
            "/2/media/metadata",
            json={"id": remote_id, "metadata": {"alt_text": {"text": alt}}},
            user_auth=True,
        )
    )


def _kept(data: dict[str, Any]) -> timedelta:
    """How long X keeps the picture: as it says, else the documented day."""
    seconds = data.get("expires_after_secs")
    if type(seconds) is not int or not 0 < seconds <= _AT_MOST.total_seconds():
        return _KEPT
    return timedelta(seconds=seconds)
