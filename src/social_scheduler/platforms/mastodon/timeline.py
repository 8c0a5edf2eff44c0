"""Reads from a Mastodon server: whose keys these are, one post, and our own recent posts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from social_scheduler.errors import NotSent, PlatformError, Refused, Unauthorized
from social_scheduler.platforms import Call, Identity, Published, Seen
from social_scheduler.platforms.mastodon import outcomes, posting, seen, servers, wire

_PAGE = 40
_PAGES = 10
_SOURCES = 10
"""For how many posts that could be ours the server is asked for the words as they were sent."""


def identify(line: wire.Line) -> Identity:
    """GET /api/v1/accounts/verify_credentials, and what the server tells of itself."""
    try:
        body = line.ask(lambda client: client.account_verify_credentials())
    except Refused as refused:  # nothing was said, so it can only be the keys
        raise Unauthorized(
            "The server does not accept this account's keys.",
            "Connect the account again.",
            evidence=refused.evidence,
        ) from None
    native_id = posting.named(body)
    handle = (body.get("acct") or body.get("username")) if isinstance(body, dict) else None
    if native_id is None or not isinstance(handle, str):
        raise outcomes.unnamed("saying whose keys these are")
    told = servers.told(servers.instance(line))
    return Identity(line.redacted(native_id), line.redacted(handle), told, _scopes(line))


def read_back(line: wire.Line, remote_id: str) -> Seen | None:
    """GET /api/v1/statuses/:id, and its source where there is one.

    404 just after a success means that the server took the post and silently dropped it.
    """
    post = posting.native(remote_id)
    body = line.ask(lambda client: client.status(post), gone=True)
    if body is None:
        return None
    if not isinstance(body, dict) or body.get("id") != post:
        raise outcomes.unnamed("the post")
    return seen.shown(body, None if body.get("reblog") else _source(line, post), line.base_url)


def find(line: wire.Line, call: Call, since: datetime, known: frozenset[str]) -> Published | None:
    """GET /api/v1/accounts/:id/statuses: the earliest post of ours since then that says this part.

    None means that everything since then was read and it is not there.
    """
    wanted = seen.expected(call)
    repeated = call.message.options.get("repost")
    theirs = servers.local(line, repeated) if repeated else None
    found: dict[str, Any] | None = None
    perhaps: list[dict[str, Any]] = []
    for post in _since(line, posting.native(call.message.account), since - posting.SKEW):
        if str(post.get("id")) in known:
            continue
        if repeated is not None or post.get("reblog"):
            if repeated is not None and seen.repeats(post, repeated, theirs):
                found = post
            continue
        mine = seen.shown(post, server=line.base_url)
        if seen.is_copy(mine, wanted):
            found = post
        elif seen.could_be(mine, wanted):
            perhaps.append(post)
    if found is None:
        # Some servers read marks such as * in the words, and show other words.
        found = next(
            (post for post in perhaps[-_SOURCES:][::-1] if _says(line, post, wanted)), None
        )
    return None if found is None else posting.published(line.base_url, found)


def _says(line: wire.Line, post: dict[str, Any], wanted: Seen) -> bool:
    source = _source(line, posting.native(str(post.get("id"))))
    return source is not None and seen.is_copy(seen.shown(post, source, line.base_url), wanted)


def _source(line: wire.Line, remote_id: str) -> dict[str, Any] | None:
    """The words as they were sent; None where the server does not tell them."""
    try:
        body = line.ask(lambda client: client.status_source(remote_id), gone=True)
    except (Refused, Unauthorized):
        return None
    return body if isinstance(body, dict) else None


def _since(line: wire.Line, account: str, since: datetime) -> Iterator[dict[str, Any]]:
    """Our posts and reposts, newest first, down to the first one before `since`."""
    before: str | None = None
    for _ in range(_PAGES):
        posts = _page(line, account, before)
        if not posts:
            return
        yield from (post for post in posts if not posting.said_before(post, since))
        if posting.said_before(posts[-1], since):
            return
        before = posting.native(str(posts[-1]["id"]))
    raise NotSent(
        f"The account has said more than {_PAGE * _PAGES} things since; not all was read."
    )


def _page(line: wire.Line, account: str, before: str | None) -> list[dict[str, Any]]:
    page = line.ask(lambda client: client.account_statuses(account, limit=_PAGE, max_id=before))
    if not isinstance(page, list):
        raise outcomes.unnamed("a timeline")
    return [post for post in page if isinstance(post, dict) and "id" in post]


def _scopes(line: wire.Line) -> tuple[str, ...]:
    """What our app may do there, where the server tells."""
    try:
        body = line.ask(lambda client: client.app_verify_credentials(), gone=True)
    except PlatformError:
        return ()
    scopes = body.get("scopes") if isinstance(body, dict) else None
    return (
        tuple(line.redacted(s) for s in scopes if isinstance(s, str))
        if isinstance(scopes, list)
        else ()
    )
