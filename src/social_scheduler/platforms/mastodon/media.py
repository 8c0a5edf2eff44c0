"""Hands pictures and films over to a Mastodon server, and waits while it works on them."""

from __future__ import annotations

import hashlib
import mimetypes
from datetime import timedelta
from typing import Any, BinaryIO

from social_scheduler.errors import Refused
from social_scheduler.message import Attachment
from social_scheduler.platforms import Upload
from social_scheduler.platforms.mastodon import outcomes, posting, wire

_KEPT = timedelta(hours=20)
"""Servers remove what no post uses after a day."""


def upload(line: wire.Line, item: Attachment, file: BinaryIO) -> Upload:
    """POST /api/v2/media with its description; nobody sees it until a post uses it.

    Older servers know /api/v1/media only, which answers when the work is done.
    """
    started = line.now()
    content = file.read()
    if hashlib.sha256(content).hexdigest() != item.sha256:
        raise Refused(
            f"The file's bytes are not {item.sha256[:12]}, which was approved.",
            "Put the approved file back, or queue the post again.",
        )

    def send(client: Any) -> object:
        return client.media_post(
            content,
            mime_type=item.type,
            description=item.alt or None,
            file_name=f"media{mimetypes.guess_extension(item.type) or ''}",
        )

    body = line.ask(send, gone=True)
    if body is None:
        line.client.mastodon_major = 1
        body = line.ask(send)
    remote_id = posting.named(body)
    if remote_id is None:
        raise outcomes.unnamed("the upload's name")
    return Upload(item.sha256, remote_id, started + _KEPT, ready=bool(body.get("url")))


def look(line: wire.Line, upload: Upload) -> Upload:
    """GET /api/v1/media/:id: 206, and no address, while the server works on it."""
    media = posting.native(upload.remote_id)
    body = line.ask(lambda client: client.media(media), gone=True)
    if body is None:
        raise Refused(
            "The server does not know the upload any more.", "It is uploaded again with the post."
        )
    if not isinstance(body, dict):
        raise outcomes.unnamed("the upload")
    return Upload(upload.sha256, upload.remote_id, upload.expires_at, ready=bool(body.get("url")))
