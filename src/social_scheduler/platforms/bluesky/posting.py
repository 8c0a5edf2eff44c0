"""Says parts on Bluesky under keys of our own, or takes one down.

A part alone is written with `swapRecord: null`: only where nothing stands under its key. A thread
is one `applyWrites`, of which the server does all or nothing. Neither can be said twice.
"""

from __future__ import annotations

from social_scheduler.errors import NotSent, Refused, Unconfirmed
from social_scheduler.platforms import Call, Published
from social_scheduler.platforms.bluesky import (
    addresses,
    check,
    ids,
    media,
    outcomes,
    reading,
    records,
)
from social_scheduler.platforms.bluesky.addresses import GATE, POST, Address
from social_scheduler.platforms.bluesky.handles import Handles
from social_scheduler.platforms.bluesky.records import Held, Known, Record
from social_scheduler.platforms.bluesky.wire import Line, Request

_REPO = "com.atproto.repo"
_OPTIONS = {"replies", "quote", "repost"}


def publish(line: Line, call: Call, handles: Handles) -> Published:
    """Say a part; the first call of a thread says all of it."""
    may_be_said(call)
    first, *rest = found = records.records(call, _known(line, call, handles))
    gate = records.gate(call, first) if call.number == 1 else None
    if rest or gate:
        _write_all(line, call, [*found, gate] if gate else found)
    else:
        _write_one(line, call, first)
    return live(line, call)


def find(line: Line, call: Call, known: frozenset[str]) -> Published | None:
    """Whether a part stands under its key; with the first, by the network's word, the thread does.

    Another record under that key is not ours, and nothing overwrites it: ours is not there.
    """
    at = records.place(call, call.number)
    found = None if str(at) in known else reading.record(line, at)
    if found is None or found.value.get("createdAt") != ids.created_at(call.due_at, call.number):
        return None
    return live(line, call)


def live(line: Line, call: Call) -> Published:
    """What a call has made live, and where."""
    first, *rest = (_at(line, call, number) for number in records.numbers(call))
    return Published(first.remote_id, first.url, tuple(rest))


def remove(line: Line, remote_id: str) -> None:
    """com.atproto.repo.deleteRecord, which is content when there is nothing.

    With a post goes what says who may reply to it.
    """
    at = reading.native(remote_id)
    session = line.told(Request("com.atproto.server.getSession"))
    if not isinstance(session.get("did"), str):
        raise NotSent("Bluesky did not say whose keys these are.")
    if at.owner not in (session["did"], session.get("handle")):
        raise Refused(f"{remote_id} is not this account's.", "Take it down where it was said.")
    for collection in (at.collection, GATE) if at.collection == POST else (at.collection,):
        place = {"repo": session["did"], "collection": collection, "rkey": at.key}
        line.told(Request(f"{_REPO}.deleteRecord", body=place))


def may_be_said(call: Call) -> None:
    """Leaving out what was approved is not ours to decide."""
    if unknown := sorted(set(call.message.options) - _OPTIONS):
        raise Refused(f"Bluesky has no option {unknown[0]!r}.", "Remove it from the post.")
    for problem in check.problems(call.message):
        raise Refused(problem, "Write the post anew.")


def _at(line: Line, call: Call, number: int) -> Published:
    at = records.place(call, number)
    repeated = call.message.options.get("repost")
    shown = addresses.in_page(repeated) if repeated else None
    return Published(str(at), addresses.page(line.base_url, shown or at))


def _known(line: Line, call: Call, handles: Handles) -> Known:
    """Everything that must be asked first; all of it may be asked again."""
    parts = [call.message.parts[number - 1] for number in records.numbers(call)]
    approved = {m.text[1:].lower(): m.id for part in parts for m in part.mentions}
    options = call.message.options
    subject = options.get("quote") or options.get("repost")
    return Known(
        dids=handles.mentioned(line, [part.text for part in parts], approved),
        held=_held(line, call),
        reply=reading.thread_of(line, call.reply_to) if call.reply_to else None,
        subject=reading.subject(line, subject, handles) if subject and call.number == 1 else None,
    )


def _held(line: Line, call: Call) -> dict[str, Held]:
    """The uploads that the call's parts need, by SHA-256."""
    uploads = {upload.sha256: upload for upload in call.uploads}
    found = {}
    for item in (m for number in records.numbers(call) for m in call.message.attached(number)):
        upload = uploads.get(item.sha256)
        if upload is None or upload.expires_at <= line.now():
            raise NotSent(
                f"Bluesky does not hold {item.sha256[:12]} (any more).",
                "It is uploaded again before the next try.",
            )
        found[item.sha256] = media.held(upload)
    return found


def _write_one(line: Line, call: Call, record: Record) -> None:
    """com.atproto.repo.putRecord, where nothing stands yet."""
    body = {
        **_place(call, record.at),
        "record": record.value,
        "swapRecord": None,
    }
    answer = line.ask(Request(f"{_REPO}.putRecord", body=body), publishing=True)
    if answer.status == 400 and answer.problem == outcomes.TAKEN:
        if record.cid in answer.words():
            return  # said by an earlier call, in these very bytes
        raise Unconfirmed(
            "Something stands under this post's key already.",
            "Look whether it is live before anything else.",
            evidence=answer.evidence,
        )
    told = line.judged(answer, publishing=True)
    if told.get("uri") != str(record.at):
        raise Unconfirmed(
            "Bluesky took the post but named another one.",
            "Look whether it is live before anything else.",
            evidence="HTTP 2xx without the address of the post",
        )


def _write_all(line: Line, call: Call, found: list[Record]) -> None:
    """com.atproto.repo.applyWrites: all of them, or none."""
    writes = [
        {
            "$type": f"{_REPO}.applyWrites#create",
            "collection": record.at.collection,
            "rkey": record.at.key,
            "value": record.value,
        }
        for record in found
    ]
    body = {"repo": call.message.account, "writes": writes}
    told = line.told(Request(f"{_REPO}.applyWrites", body=body), publishing=True)
    results = told.get("results")
    named = [r.get("uri") for r in results if isinstance(r, dict)] if results else []
    if named != [str(record.at) for record in found]:
        raise Unconfirmed(
            "Bluesky took the thread but did not name its posts.",
            "Look whether it is live before anything else.",
            evidence="HTTP 2xx without the addresses of the posts",
        )


def _place(call: Call, at: Address) -> dict[str, str]:
    return {"repo": call.message.account, "collection": at.collection, "rkey": at.key}
