"""Reads from X: whose keys these are, one post, and our own recent posts."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from social_scheduler.errors import NotSent, Refused
from social_scheduler.platforms import Call, Identity, Published, Seen
from social_scheduler.platforms.x import posting, seen, wire

_FIELDS = {
    "expansions": ["attachments.media_keys"],
    "media_fields": ["alt_text", "media_key", "type"],
    "tweet_fields": [
        "attachments",
        "author_id",
        "created_at",
        "entities",
        "note_tweet",
        "referenced_tweets",
        "text",
    ],
}
_SKEW = timedelta(minutes=2)
"""Our clock and X's may differ by this much."""
_PAGE = 100
_PAGES = 5


def identify(line: wire.Line) -> Identity:
    """GET /2/users/me."""
    body = line.ask(lambda client: client.get_me(user_auth=True))
    data = (body or {}).get("data")
    if isinstance(data, dict):
        native_id, handle = data.get("id"), data.get("username")
        if isinstance(native_id, str) and isinstance(handle, str):
            return Identity(native_id, handle)
    raise NotSent("X did not say whose keys these are.")


def read_back(line: wire.Line, remote_id: str) -> Seen | None:
    """GET /2/tweets/:id. X says 200 with `errors` for a post that is not there."""
    post = posting.native(remote_id)
    body = line.ask(lambda client: client.get_tweet(post, user_auth=True, **_FIELDS), gone=True)
    if body is None:
        return None
    data = body.get("data")
    if isinstance(data, dict) and data.get("id") == post and isinstance(data.get("text"), str):
        return seen.shown(data, _includes(body))
    kinds = [str(e.get("type", "")) for e in _dicts(body.get("errors"))]
    if any(kind.endswith("resource-not-found") for kind in kinds):
        return None
    if kinds:
        raise Refused("X does not show this post.", evidence=", ".join(kinds)[:500])
    raise NotSent("X answered without the post.")


def find(line: wire.Line, call: Call, since: datetime, known: frozenset[str]) -> Published | None:
    """GET /2/users/:id/tweets: the earliest post of ours since then that says this part.

    None means that everything since then was read and it is not there.
    """
    account = posting.native(call.message.account)
    wanted = seen.expected(call)
    found: str | None = None
    token: str | None = None
    for _ in range(_PAGES):
        body = _page(line, account, since - _SKEW, token)
        for post in _dicts(body.get("data")):
            remote_id = str(post.get("id"))
            if remote_id not in known and seen.is_copy(seen.shown(post, _includes(body)), wanted):
                found = remote_id
        token = body["meta"].get("next_token")
        if token is None:
            return None if found is None else posting.published(line.base_url, found)
    if found is not None:
        return posting.published(line.base_url, found)
    raise NotSent(
        f"The account has said more than {_PAGE * _PAGES} things since; not all was read."
    )


def _page(line: wire.Line, account: str, since: datetime, token: str | None) -> dict[str, Any]:
    body = line.ask(
        lambda client: client.get_users_tweets(
            account,
            user_auth=True,
            start_time=since,
            max_results=_PAGE,
            pagination_token=token,
            **_FIELDS,
        )
    )
    # Every timeline says how many posts it holds; without that, nothing found means nothing.
    if body is None or not isinstance(body.get("meta"), dict):
        raise NotSent("X answered without a timeline.")
    return body


def _includes(body: dict[str, Any]) -> dict[str, Any]:
    found = body.get("includes")
    return found if isinstance(found, dict) else {}


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
