"""Says one part on a Mastodon server, or takes one down."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from social_scheduler.errors import NotSent, PlatformError, Refused, Unconfirmed
from social_scheduler.platforms import EPOCH, Call, Published, _line
from social_scheduler.platforms.mastodon import servers, wire
from social_scheduler.platforms.mastodon.seen import DEFAULT, VISIBILITY

_ID = re.compile(r"[0-9A-Za-z]{1,64}")
_VISIBILITIES = ", ".join(VISIBILITY)
SKEW = timedelta(minutes=2)
"""Our clock and the server's may differ by this much."""
OPTIONS = frozenset({"visibility", "warning", "quote", "repost"})
_LONGEST_ADDRESS = 2000


def publish(line: wire.Line, call: Call) -> Published:
    """POST /api/v1/statuses, once. Unconfirmed unless the answer names the new post."""
    part = call.message.parts[call.number - 1]
    options = call.message.options
    if unknown := sorted(options.keys() - OPTIONS):
        # Leaving out what was approved is not ours to decide.
        raise Refused(f"Mastodon has no option {unknown[0]!r}.", "Remove it from the post.")
    visibility = options.get("visibility", DEFAULT)
    if visibility not in VISIBILITY:
        raise Refused(f"Mastodon has no visibility {visibility!r}.", f"One of: {_VISIBILITIES}.")
    if "repost" in options:
        return _repeat(line, call)
    pictures = _pictures(line, call)
    reply_to = None if call.reply_to is None else native(call.reply_to)
    quoted = servers.quoted(line, options["quote"]) if "quote" in options else None
    warning = options.get("warning") or None
    body = line.ask(
        lambda client: client.status_post(
            part.text,
            in_reply_to_id=reply_to,
            media_ids=pictures or None,
            sensitive=bool(warning and pictures),
            visibility=VISIBILITY[visibility],
            spoiler_text=warning,
            language=call.message.language,
            idempotency_key=key(call),
            quoted_status_id=quoted,
        ),
        publishing=True,
    )
    return _live(line, call, body)


def key(call: Call) -> str:
    """What the server knows a call by: the same words at another time are another post."""
    due = (call.due_at - EPOCH) // timedelta(microseconds=1)
    return hashlib.sha256(f"mastodon/v1\n{call.key}\n{due}".encode()).hexdigest()


def _repeat(line: wire.Line, call: Call) -> Published:
    """POST /api/v1/statuses/:id/reblog, once: somebody's post again, under our name."""
    part = call.message.parts[call.number - 1]
    if part.text or part.media or call.message.options.keys() != {"repost"}:
        raise Refused("A repost has nothing of its own.", "Quote the post instead.")
    post = servers.known_here(line, call.message.options["repost"])
    body = line.ask(lambda client: client.status_reblog(post), publishing=True)
    return _live(line, call, body)


def _live(line: wire.Line, call: Call, body: Any) -> Published:
    live = published(line.base_url, body) if isinstance(body, dict) else None
    if live is None:
        # Genuine servers answer so when their filter took the post and threw it away.
        raise _line.lost(
            True, "The server took the post but did not name it.", "HTTP 2xx without a post's id"
        )
    if said_before(body, call.due_at - SKEW):
        raise Unconfirmed(
            "The server answered with an earlier post.",
            "Look at the account: somebody may have said the same by hand.",
            evidence=f"HTTP 2xx with {live.remote_id}, made before this was due",
        )
    return live


def said_before(post: Mapping[str, Any], moment: datetime) -> bool:
    """Whether the server says that a post is older; what it does not tell is not held against it."""
    try:
        made = datetime.fromisoformat(str(post.get("created_at")))
    except ValueError:
        return False
    return made.tzinfo is not None and made < moment


def remove(line: wire.Line, remote_id: str) -> None:
    """DELETE /api/v1/statuses/:id; gone already is what we want.

    A server that does not know how to delete says 404 as well, so then it is looked at.
    """
    post = native(remote_id)
    problem: PlatformError = Refused(
        f"{line.label} still shows the post.", "It may not know how to delete: do it there by hand."
    )
    try:
        if line.ask(lambda client: client.status_delete(post), gone=True) is not None:
            return
    except (NotSent, Refused) as told:
        problem = told
    if line.ask(lambda client: client.status(post), gone=True) is not None:
        raise problem


def published(base_url: str, post: Mapping[str, Any]) -> Published | None:
    """A `Status` of the API as something live; None when it has no id."""
    remote_id = named(post)
    if remote_id is None:
        return None
    address = post.get("url") or post.get("uri")
    account = post.get("account")
    if post.get("reblog") or not _can_be_opened(address):
        name = account.get("username") if isinstance(account, dict) else None
        address = f"{base_url.rstrip('/')}/@{name}/{remote_id}"
    return Published(remote_id, str(address))


def named(body: object) -> str | None:
    """The id in an answer; None when there is none."""
    found = body.get("id") if isinstance(body, dict) else None
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def native(remote_id: str) -> str:
    """An id as servers give them; anything else must not become part of an address."""
    if not _ID.fullmatch(remote_id):
        raise Refused(f"{remote_id!r} is not the id of a post.", "Ids are letters and digits only.")
    return remote_id


def _can_be_opened(address: object) -> bool:
    if not isinstance(address, str) or not 0 < len(address) <= _LONGEST_ADDRESS:
        return False
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and address.isprintable()


def _pictures(line: wire.Line, call: Call) -> list[str]:
    """The uploads of the part's pictures and films, in the part's order."""
    found = []
    for item, upload in call.uploaded(line.now()):
        if upload is None:
            raise NotSent(
                f"The server does not hold {item.sha256[:12]} (any more, or not yet).",
                "It is uploaded again before the next try.",
            )
        found.append(native(upload.remote_id))
    return found
