"""Mastodon's API for posts: say, show, edit, remove, repeat, and an account's timeline."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from starlette.responses import JSONResponse

from . import mastodon_shapes as shapes
from . import mastodon_text, posts, uploads
from .accounts import Account, all_accounts, by_native_id
from .gate import Answer, Call
from .ledger import to_micros
from .mastodon_problems import NOT_READY, invalid, missing, refused
from .posts import Post, Stretch, Wish
from .uploads import Upload

MAX_MEDIA = 4
KEY_LIFETIME = timedelta(hours=1)
VISIBILITIES = ("public", "unlisted", "private", "direct")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,4})?", re.ASCII)
_ID = re.compile(r"[0-9]{1,18}|[0-8][0-9]{18}", re.ASCII)


def create(call: Call) -> Answer:
    """POST /api/v1/statuses; the same `Idempotency-Key` again within an hour: the same post."""
    wish = given(call)
    if wish.get("scheduled_at"):
        raise invalid("Scheduled at is nothing that a rehearsal network does")
    key = call.headers.get("idempotency-key")
    ledger = call.ledger
    with ledger.reading() as db:
        known = _said_under(call, db, key)
    # The key comes before all else: pictures of the same call again are attached already.
    said = _wish(call, wish) if known is None else None
    with ledger.writing() as db:
        known = _said_under(call, db, key) if known is None else known
        if known is None and said is not None:
            try:
                made = posts.insert(ledger, db, call.account, said)
            except posts.NothingToReplyTo as reason:
                raise _no_parent() from reason
            _keep_key(call, db, key, made)
    if known is not None:
        found = posts.visible(ledger, [known], "mastodon")
        if not found:
            raise missing()
        made = found[0]
    return 200, shapes.status(ledger, made, call.base)


def show(call: Call) -> Answer:
    """GET /api/v1/statuses/:id."""
    return 200, shapes.status(call.ledger, _found(call), call.base)


def source(call: Call) -> Answer:
    """GET /api/v1/statuses/:id/source: the words as they were sent."""
    post = _own(call)
    told = {"text": post.text.strip(), "spoiler_text": post.extra.get("warning", "")}
    return 200, {"id": post.remote_id, **told}


def edit(call: Call) -> Answer:
    """PUT /api/v1/statuses/:id."""
    post = _own(call)
    kept = {str(m.media_id) for m in post.media}
    said = _wish(call, given(call), kept=kept)
    with call.ledger.writing() as db:
        made = posts.edit(call.ledger, db, post, said)
    return 200, shapes.status(call.ledger, made, call.base)


def remove(call: Call) -> Answer:
    """DELETE /api/v1/statuses/:id: answers the post as it was, with its words."""
    post = _own(call)
    shown = shapes.status(call.ledger, post, call.base)
    posts.remove(call.ledger, call.account, post.id)
    return 200, shown | {"text": post.text}


def repeat(call: Call) -> Answer:
    """POST /api/v1/statuses/:id/reblog: once, however often it is asked."""
    post = _found(call)
    with call.ledger.writing() as db:
        row = db.execute(
            "SELECT id FROM posts WHERE account_id = ? AND removed_at IS NULL"
            " AND json_extract(extra, '$.repost') = ?",
            (call.account.id, post.remote_id),
        ).fetchone()
        if row is None:
            said = Wish("", language=post.language, extra={"repost": post.remote_id})
            number = posts.insert(call.ledger, db, call.account, said).id
        else:
            number = row["id"]
    (made,) = posts.visible(call.ledger, [number], "mastodon")
    return 200, shapes.status(call.ledger, made, call.base)


def timeline(call: Call) -> Answer:
    """GET /api/v1/accounts/:id/statuses, newest first, with a Link header to go on."""
    with call.ledger.reading() as db:
        owner = by_native_id(db, "mastodon", call.path["id"])
    if owner is None:
        raise missing()
    query = call.query
    limit = min(int(query["limit"]), 40) if query.get("limit", "").isdecimal() else 20
    stretch = Stretch(
        limit=200,
        since_id=_number(query.get("since_id") or query.get("min_id")),
        until_id=_number(query.get("max_id")),
        replies=not _yes(query.get("exclude_replies")),
    )
    found = posts.timeline(call.ledger, owner.id, stretch)
    if _yes(query.get("exclude_reblogs")):
        found = [p for p in found if "repost" not in p.extra]
    if _yes(query.get("only_media")):
        found = [p for p in found if p.media]
    shown = [shapes.status(call.ledger, post, call.base) for post in found[:limit]]
    address = f"{call.base}/api/v1/accounts/{owner.native_id}/statuses"
    links = {}
    if shown:
        older, newer = shown[-1]["id"], shown[0]["id"]
        links["Link"] = (
            f'<{address}?max_id={older}>; rel="next", <{address}?min_id={newer}>; rel="prev"'
        )
    return JSONResponse(shown, 200, links)


def search(call: Call) -> Answer:
    """GET /api/v2/search: a post by its address, and nothing else."""
    wanted = re.fullmatch(r"\S+?/(?:@\w+|users/\w+/statuses)/([0-9]+)", call.query.get("q", ""))
    found: list[Post] = []
    if wanted and wanted.group().startswith(call.base + "/"):
        found = posts.visible(call.ledger, [int(wanted[1])], "mastodon")
    shown = [shapes.status(call.ledger, post, call.base) for post in found]
    return 200, {"accounts": [], "statuses": shown, "hashtags": []}


def verify(call: Call) -> Answer:
    """GET /api/v1/accounts/verify_credentials."""
    shown = shapes.account(call.ledger, call.account, call.base)
    own = {"privacy": "public", "sensitive": False, "language": call.account.language}
    return 200, shown | {"source": {**own, "note": "", "fields": [], "follow_requests_count": 0}}


def who(call: Call) -> Answer:
    """GET /api/v1/accounts/lookup?acct=."""
    wanted = call.query.get("acct", "").removeprefix("@").lower()
    with call.ledger.reading() as db:
        people: dict[str, Account] = {a.handle.lower(): a for a in all_accounts(db, "mastodon")}
    if wanted not in people:
        raise missing()
    return 200, shapes.account(call.ledger, people[wanted], call.base)


def given(call: Call) -> dict[str, Any]:
    """The parameters of a call, from JSON or a form; lists for names that end in `[]`."""
    if call.headers.get("content-type", "").startswith("application/json"):
        return call.json()
    lists = {name: values for name, values in call.lists.items() if name not in call.fields}
    return {**call.query, **call.fields, **lists}


def _wish(call: Call, wish: Mapping[str, Any], kept: set[str] | None = None) -> Wish:
    text, warning = (_text(wish.get(name)) for name in ("status", "spoiler_text"))
    media = _media(call, wish.get("media_ids"), kept or set())
    if not text.strip() and warning.strip():
        text, warning = warning, ""
    if not text.strip() and not media:
        raise invalid("Text can't be blank")
    if mastodon_text.length(text, warning) > mastodon_text.MAX_CHARACTERS:
        raise invalid(f"Text character limit of {mastodon_text.MAX_CHARACTERS} exceeded")
    visibility = _text(wish.get("visibility")) or "public"
    if visibility not in VISIBILITIES:
        raise invalid("Visibility is not included in the list")
    language = _text(wish.get("language"))
    extra: dict[str, Any] = {"visibility": visibility}
    if warning:
        extra["warning"] = warning
    if _yes(wish.get("sensitive")) or warning:
        extra["sensitive"] = True
    if wish.get("quoted_status_id"):
        extra["quote"] = _quoted(call, _text(wish["quoted_status_id"]), media)
    return Wish(
        text,
        media,
        _parent(_text(wish.get("in_reply_to_id"))),
        # A language it does not know is not an error there: the account's own counts.
        language=language if _LANGUAGE.fullmatch(language) else call.account.language,
        extra=extra,
    )


def _parent(value: str) -> int | None:
    if not value:
        return None
    if not _ID.fullmatch(value):
        raise _no_parent()
    return int(value)


def _no_parent() -> Exception:
    return refused(404, "The post you are trying to reply to does not appear to exist.")


def _quoted(call: Call, value: str, media: list[Upload]) -> str:
    if not _ID.fullmatch(value) or not posts.visible(call.ledger, [int(value)], "mastodon"):
        raise refused(404, "The post you are trying to quote does not appear to exist.")
    if media:
        raise invalid("Media attachments are not allowed in quote posts")
    return value


def _media(call: Call, wish: object, kept: set[str]) -> list[Upload]:
    ids = [str(value) for value in wish] if isinstance(wish, list) else []
    if len(ids) > MAX_MEDIA:
        raise refused(422, "Cannot attach more than 4 files")
    found = {n: uploads.owned_remote(call.ledger, call.account, n) for n in ids}
    lost = [n for n in ids if found[n] is None or (_used(call, n) and n not in kept)]
    if lost:
        lost_ids = ", ".join(lost)
        raise refused(422, f"Media {lost_ids} not found or already attached to another post")
    media = [upload for upload in found.values() if upload is not None]
    if len(media) > 1 and any(m.kind != "picture" for m in media):
        raise refused(422, "Cannot attach a video to a post that already contains images")
    if not all(m.ready(call.ledger.clock()) for m in media):
        raise refused(422, NOT_READY)
    return media


def _used(call: Call, number: str) -> bool:
    with call.ledger.reading() as db:
        sql = "SELECT 1 FROM post_media WHERE media_id = ?"
        return db.execute(sql, (int(number),)).fetchone() is not None


def _said_under(call: Call, db: sqlite3.Connection, key: str | None) -> int | None:
    """The post that this account made under a key within the hour; the words are not compared."""
    if not key:
        return None
    row = db.execute(
        "SELECT facts FROM tokens WHERE value = ? AND expires_at > ?",
        (_key(call, key), to_micros(call.ledger.clock())),
    ).fetchone()
    return int(json.loads(row["facts"])["post"]) if row is not None else None


def _keep_key(call: Call, db: sqlite3.Connection, key: str | None, made: Post) -> None:
    if key:
        facts, ends = json.dumps({"post": made.id}), call.ledger.clock() + KEY_LIFETIME
        db.execute(
            "INSERT OR REPLACE INTO tokens VALUES (?, 'mastodon', 'idempotency', ?, ?, ?)",
            (_key(call, key), call.account.id, facts, to_micros(ends)),
        )


def _key(call: Call, key: str) -> str:
    return f"idempotency:{call.account.id}:{key}"


def _found(call: Call) -> Post:
    value = call.path["id"]
    found = posts.visible(call.ledger, [int(value)], "mastodon") if _ID.fullmatch(value) else []
    if not found:
        raise missing()
    return found[0]


def _own(call: Call) -> Post:
    post = _found(call)
    if post.author.id != call.account.id:
        raise missing()
    return post


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(value) if isinstance(value, int) else ""


def _yes(value: object) -> bool:
    return value is True or str(value).lower() in ("true", "1", "on", "t")


def _number(value: str | None) -> int | None:
    return int(value) if value and _ID.fullmatch(value) else None
