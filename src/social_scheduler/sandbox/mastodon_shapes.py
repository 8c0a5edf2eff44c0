"""The JSON of posts, people and media, in the shapes of Mastodon's API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from . import mastodon_text, posts
from .accounts import Account, all_accounts
from .ledger import Ledger, from_micros
from .posts import Post, PostMedia
from .uploads import Upload

APP = {"name": "social-scheduler", "website": None}
_KINDS = {"picture": "image", "animation": "gifv", "film": "video"}


def stamp(instant: datetime) -> str:
    return (
        instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.")
        + f"{instant.microsecond // 1000:03d}Z"
    )


def username(account: Account) -> str:
    return account.handle.partition("@")[0]


def account(ledger: Ledger, found: Account, base: str) -> dict[str, Any]:
    name = username(found)
    with ledger.reading() as db:
        made, count = db.execute(
            "SELECT made_at, (SELECT count(*) FROM posts WHERE account_id = accounts.id"
            " AND removed_at IS NULL) FROM accounts WHERE id = ?",
            (found.id,),
        ).fetchone()
    picture = f"{base}/static/mark.svg"
    return {
        "id": found.native_id,
        "username": name,
        "acct": found.handle,
        "display_name": found.name,
        "locked": False,
        "bot": False,
        "discoverable": False,
        "indexable": False,
        "group": False,
        "created_at": from_micros(made).strftime("%Y-%m-%dT00:00:00.000Z"),
        "note": "<p>An account on a rehearsal network.</p>",
        "url": f"{base}/@{name}",
        "uri": f"{base}/users/{name}",
        "avatar": picture,
        "avatar_static": picture,
        "header": picture,
        "header_static": picture,
        "followers_count": 0,
        "following_count": 0,
        "statuses_count": count,
        "last_status_at": None,
        "emojis": [],
        "fields": [],
    }


def status(ledger: Ledger, post: Post, base: str) -> dict[str, Any]:
    name = username(post.author)
    extra = post.extra
    with ledger.reading() as db:
        people = {a.handle.lower(): a for a in all_accounts(db, "mastodon")}
    mentioned = [p for m in mastodon_text.mentions(post.text) if (p := people.get(m.lower()))]
    return {
        "id": post.remote_id,
        "created_at": stamp(post.received_at),
        "in_reply_to_id": post.reply_remote,
        "in_reply_to_account_id": str(post.reply_account) if post.reply_account else None,
        "sensitive": bool(extra.get("sensitive")),
        "spoiler_text": extra.get("warning", ""),
        "visibility": extra.get("visibility", "public"),
        "language": post.language if post.language != "zxx" else None,
        "uri": f"{base}/users/{name}/statuses/{post.remote_id}",
        "url": f"{base}/@{name}/{post.remote_id}",
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "quotes_count": 0,
        "edited_at": stamp(post.edited_at) if post.edited_at else None,
        "favourited": False,
        "reblogged": False,
        "muted": False,
        "bookmarked": False,
        "pinned": False,
        "content": mastodon_text.html(post.text, base, lambda m: m.lower() in people),
        "filtered": [],
        "reblog": _other(ledger, extra.get("repost"), base),
        "quote": _quote(ledger, extra.get("quote"), base),
        "application": APP,
        "account": account(ledger, post.author, base),
        "media_attachments": [attached(m, base) for m in post.media],
        "mentions": [
            {
                "id": p.native_id,
                "username": username(p),
                "acct": p.handle,
                "url": f"{base}/@{username(p)}",
            }
            for p in mentioned
        ],
        "tags": [{"name": t, "url": f"{base}/tags/{t}"} for t in mastodon_text.tags(post.text)],
        "emojis": [],
        "card": None,
        "poll": None,
    }


def attached(media: PostMedia, base: str) -> dict[str, Any]:
    """A picture or film of a post."""
    return _attachment(
        str(media.media_id),
        media.kind,
        f"{base}/media/{media.sha256}",
        media.alt_text,
        (media.width, media.height, media.milliseconds),
    )


def upload(found: Upload, base: str, *, ready: bool) -> dict[str, Any]:
    """The same before it is in a post: no address while the server works on it."""
    address = f"{base}/media/{found.sha256}" if ready else None
    size = (found.width, found.height, found.milliseconds)
    return _attachment(found.remote_id, found.kind, address, found.alt_text, size)


def _attachment(
    number: str, kind: str, address: str | None, alt: str | None, size: tuple[int, int, int]
) -> dict[str, Any]:
    width, height, milliseconds = size
    original: dict[str, Any] = {"width": width, "height": height}
    if milliseconds:
        original["duration"] = milliseconds / 1000
    else:
        original |= {"size": f"{width}x{height}", "aspect": width / height if height else 0}
    return {
        "id": number,
        "type": _KINDS.get(kind, "unknown"),
        "url": address,
        "preview_url": address,
        "remote_url": None,
        "preview_remote_url": None,
        "text_url": None,
        "meta": {"original": original} if address else None,
        "description": alt,
        "blurhash": None,
    }


def _other(ledger: Ledger, remote_id: object, base: str) -> dict[str, Any] | None:
    if not isinstance(remote_id, str):
        return None
    found = posts.visible(ledger, [int(remote_id)], "mastodon")
    return status(ledger, found[0], base) if found else None


def _quote(ledger: Ledger, remote_id: object, base: str) -> dict[str, Any] | None:
    if not isinstance(remote_id, str):
        return None
    other = _other(ledger, remote_id, base)
    return {"state": "accepted" if other else "deleted", "quoted_status": other}
