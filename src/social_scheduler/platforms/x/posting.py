"""Says one part on X, or takes one down."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from social_scheduler.errors import NotSent, Refused
from social_scheduler.platforms import Call, Published, _line
from social_scheduler.platforms.x import wire

_ID = re.compile(r"[0-9]{1,19}")
_REPLY_SETTINGS = "reply_settings"


def publish(line: wire.Line, call: Call) -> Published:
    """POST /2/tweets, once. Unconfirmed unless the answer names the new post."""
    part = call.message.parts[call.number - 1]
    options = dict(call.message.options)
    reply_settings = options.pop(_REPLY_SETTINGS, None)
    if options:
        # Leaving out what was approved is not ours to decide.
        raise Refused(f"X has no option {sorted(options)[0]!r}.", "Remove it from the post.")
    pictures = _pictures(line, call)
    reply_to = None if call.reply_to is None else native(call.reply_to)
    body = line.ask(
        lambda client: client.create_tweet(
            text=part.text,
            in_reply_to_tweet_id=reply_to,
            media_ids=pictures or None,
            reply_settings=reply_settings,
            user_auth=True,
        ),
        publishing=True,
    )
    data = (body or {}).get("data")
    remote_id = data.get("id") if isinstance(data, dict) else None
    if not isinstance(remote_id, str) or not _ID.fullmatch(remote_id):
        raise _line.lost(
            True, "X took the post but did not name it.", "HTTP 2xx without the id of a post"
        )
    return published(line.base_url, remote_id)


def remove(line: wire.Line, remote_id: str) -> None:
    """DELETE /2/tweets/:id; 404 is what we want."""
    post = native(remote_id)
    body = line.ask(lambda client: client.delete_tweet(post, user_auth=True), gone=True)
    if body is None:
        return
    data = body.get("data")
    if not isinstance(data, dict) or data.get("deleted") is not True:
        raise NotSent("X did not say that the post is deleted.", "Look at it, then try again.")


def published(base_url: str, remote_id: str) -> Published:
    """Where people can open a post: on x.com, or at the rehearsal network it is on."""
    parts = urlsplit(base_url)
    on_x = parts.hostname in {"api.x.com", "api.twitter.com"}
    site = "https://x.com" if on_x else base_url.rstrip("/")
    return Published(remote_id, f"{site}/i/web/status/{remote_id}")


def native(remote_id: str) -> str:
    """An id as X gives them; anything else must not become part of an address."""
    if not _ID.fullmatch(remote_id):
        raise Refused(f"{remote_id!r} is not the id of anything on X.", "Ids are digits only.")
    return remote_id


def _pictures(line: wire.Line, call: Call) -> list[str]:
    """The uploads of the part's pictures, in the part's order."""
    held = {upload.sha256: upload for upload in call.uploads}
    found = []
    for item in call.message.parts[call.number - 1].media:
        upload = held.get(item.sha256)
        if upload is None or upload.expires_at <= line.now():
            raise NotSent(
                f"X does not hold picture {item.sha256[:12]} (any more).",
                "It is uploaded again before the next try.",
            )
        found.append(native(upload.remote_id))
    return found
