"""Reads from X: whose keys these are, one post, and our own recent posts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

from social_scheduler.errors import NotSent, Refused
from social_scheduler.platforms import Call, Identity, Published, Seen
from social_scheduler.platforms.x import keys, posting, seen, wire
from social_scheduler.platforms.x.addresses import Repost, native, repost_in

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
    body = line.ask(lambda client: client.get_me(user_auth=line.user_auth))
    data = (body or {}).get("data")
    if isinstance(data, dict):
        native_id, handle = data.get("id"), data.get("username")
        if isinstance(native_id, str) and isinstance(handle, str):
            held = line.connection.keys
            lasts = bool(held.get(keys.REFRESH))
            return Identity(
                line.redacted(native_id),
                line.redacted(handle),
                scopes=keys.scopes(held),
                ends_at=None if lasts else keys.ends_at(held),
            )
    raise NotSent("X did not say whose keys these are.")


def read_back(line: wire.Line, remote_id: str) -> Seen | None:
    """GET /2/tweets/:id. X says 200 with `errors` for a post that is not there."""
    if repost := repost_in(remote_id):
        return _read_back_repost(line, repost)
    post = native(remote_id)
    body = line.ask(
        lambda client: client.get_tweet(post, user_auth=line.user_auth, **_FIELDS), gone=True
    )
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
    account = native(call.message.account)
    address = call.message.options.get("repost")
    if address is not None:
        repost = Repost(account, posting.named_post(address))
        if str(repost) in known or not _reposts(line, repost, start_time=since - _SKEW):
            return None
        return Published(str(repost), address)
    wanted = seen.expected(call)
    found: list[str] = []
    for body in _pages(line, account, lambda: not found, start_time=since - _SKEW):
        for post in _dicts(body.get("data")):
            remote_id = str(post.get("id"))
            if remote_id not in known and seen.is_copy(seen.shown(post, _includes(body)), wanted):
                found.append(remote_id)
    return posting.published(line.base_url, found[-1]) if found else None


def _read_back_repost(line: wire.Line, repost: Repost) -> Seen | None:
    """Ids grow: what is repeated is older than its repost, so everything since then holds it."""
    there = _reposts(line, repost, since_id=repost.post)
    return seen.reposted(repost) if there else None


def _reposts(line: wire.Line, repost: Repost, **stretch: Any) -> bool:
    """Whether the account's timeline has this repost, in a stretch of it."""
    return any(
        seen.referenced(post, "retweeted") == repost.post
        for body in _pages(line, repost.account, lambda: True, **stretch)
        for post in _dicts(body.get("data"))
    )


def _pages(
    line: wire.Line, account: str, wanting: Callable[[], bool], **stretch: Any
) -> Iterator[dict[str, Any]]:
    """The timeline's pages, newest first; NotSent when they go on while there is still `wanting`."""
    token: str | None = None
    for _ in range(_PAGES):
        body = _page(line, account, token, stretch)
        yield body
        token = body["meta"].get("next_token")
        if token is None:
            return
    if wanting():
        raise NotSent(
            f"The account has said more than {_PAGE * _PAGES} things since; not all was read."
        )


def _page(
    line: wire.Line, account: str, token: str | None, stretch: dict[str, Any]
) -> dict[str, Any]:
    body = line.ask(
        lambda client: client.get_users_tweets(
            account,
            user_auth=line.user_auth,
            max_results=_PAGE,
            pagination_token=token,
            **stretch,
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
