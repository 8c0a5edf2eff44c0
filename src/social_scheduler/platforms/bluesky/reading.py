"""Reads from a Bluesky server: whose keys these are, one post, and what a post refers to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from social_scheduler.errors import NotSent, Refused, Unauthorized
from social_scheduler.platforms import Identity, Seen
from social_scheduler.platforms.bluesky import addresses, outcomes, seen
from social_scheduler.platforms.bluesky.addresses import Address, Ref
from social_scheduler.platforms.bluesky.handles import Handles
from social_scheduler.platforms.bluesky.sessions import claims
from social_scheduler.platforms.bluesky.wire import Line, Request

_WHOLE_ACCOUNT = "com.atproto.access"
"""The scope of a session made with the account's own password."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as a server keeps it."""

    ref: Ref
    value: Mapping[str, Any]


def identify(line: Line) -> Identity:
    """com.atproto.server.getSession."""
    told = line.told(Request("com.atproto.server.getSession"))
    did, handle = told.get("did"), told.get("handle")
    if not (isinstance(did, str) and isinstance(handle, str)):
        raise NotSent("Bluesky did not say whose keys these are.")
    did, handle = line.redacted(did), line.redacted(handle)
    if told.get("active") is False:
        status = line.redacted(told.get("status") or "not active")
        raise Unauthorized(
            f"The account {handle} is {status}.",
            "Sign in to Bluesky and see what it says there.",
        )
    scope = claims(line.signed_in().access).get("scope")
    if scope == _WHOLE_ACCOUNT:
        raise Unauthorized(
            f"This is the password of {handle} itself, with which the account can be taken away.",
            "Make an app password in Bluesky's settings, connect with it, and change the password.",
        )
    return Identity(did, handle, scopes=(line.redacted(scope),) if isinstance(scope, str) else ())


def read_back(line: Line, remote_id: str) -> Seen | None:
    """The record as the account's server keeps it; None when it is gone."""
    found = record(line, native(remote_id))
    return None if found is None else seen.shown(found.ref.uri, found.value)


def record(line: Line, at: Address) -> Stored | None:
    """com.atproto.repo.getRecord; None when there is none.

    Signed, though anybody may ask: Bluesky's front passes it on to the very server that keeps the
    account, instead of to an index that learns of a new record later.
    """
    query = {"repo": at.owner, "collection": at.collection, "rkey": at.key}
    answer = line.ask(Request("com.atproto.repo.getRecord", query=query))
    if answer.status == 400 and answer.problem == outcomes.NOT_THERE:
        return None
    told = line.judged(answer)
    uri, cid, value = told.get("uri"), told.get("cid"), told.get("value")
    if not (isinstance(uri, str) and isinstance(cid, str) and isinstance(value, dict)):
        raise NotSent("Bluesky answered without the record.")
    return Stored(Ref(uri, cid), value)


def thread_of(line: Line, uri: str) -> tuple[Ref, Ref]:
    """The first post of the thread that a post is in, and the post itself."""
    parent = record(line, native(uri))
    if parent is None:
        raise Refused(f"The post that is answered is gone: {uri}", "Decide how the thread ends.")
    reply = parent.value.get("reply")
    root = reply.get("root") if isinstance(reply, dict) else None
    if not isinstance(root, dict):
        return parent.ref, parent.ref
    return Ref(str(root.get("uri")), str(root.get("cid"))), parent.ref


def subject(line: Line, url: str, handles: Handles) -> Ref:
    """The post that is quoted or repeated, as it is now."""
    at = addresses.in_page(url)
    if at is None:
        raise Refused(f"{url} is not the address of a post on Bluesky.", "Copy the post's address.")
    owner = at.owner if at.owner.startswith("did:") else handles.did(line, at.owner.lower())
    found = record(line, at._replace(owner=owner)) if owner else None
    if found is None:
        raise Refused(f"There is no post at {url} (any more).", "Look at it, and copy it again.")
    return found.ref


def native(remote_id: str) -> Address:
    """An id as the network gives them; anything else must not become part of a question."""
    at = addresses.address(remote_id)
    if at is None:
        raise Refused(
            f"{remote_id!r} is not the id of anything on Bluesky.", "Ids begin with at://."
        )
    return at
