"""Bluesky's API for records, files and names: the methods of com.atproto.repo and their kin."""

from __future__ import annotations

from typing import Any

from . import bluesky_ids as ids
from . import bluesky_repo as repo
from . import films, pictures, uploads
from .accounts import Account, by_handle, by_native_id
from .bluesky_ids import Address
from .bluesky_lexicon import GATE, POST, REPOST
from .bluesky_problems import bad, refused
from .bluesky_repo import UNTOLD, Write
from .gate import Answer, Call
from .ledger import to_micros
from .pictures import NotAPicture, Picture

VERSION = "0.5.35"
MAX_WRITES = 200
_KEYED_BY_TIME = {POST, REPOST, GATE}
_WRITES = "com.atproto.repo.applyWrites"


def put(call: Call) -> Answer:
    """com.atproto.repo.putRecord: the same again changes nothing, whatever `swapRecord` says."""
    wish = call.json()
    write = Write("put", _place(call, wish), _value(wish), wish.get("swapRecord", UNTOLD))
    commit, result = repo.put(call.ledger, call.account, write, wish.get("swapCommit", UNTOLD))
    return 200, {**result, "commit": commit} if commit else result


def create(call: Call) -> Answer:
    """com.atproto.repo.createRecord. Under a key that is taken the reference server breaks: 500."""
    wish = call.json()
    write = Write("create", _place(call, wish, may_make=True), _value(wish))
    commit, (result,) = repo.apply(
        call.ledger, call.account, [write], wish.get("swapCommit", UNTOLD)
    )
    return 200, {**result, "commit": commit}


def apply(call: Call) -> Answer:
    """com.atproto.repo.applyWrites: all of it or nothing."""
    wish = call.json()
    _own(call, wish)
    given = wish.get("writes")
    if not isinstance(given, list) or not all(isinstance(w, dict) for w in given):
        raise bad('Input must have the property "writes"')
    if len(given) > MAX_WRITES:
        raise bad(f"Too many writes. Max: {MAX_WRITES}")
    writes = [_write(call, one) for one in given]
    commit, results = repo.apply(call.ledger, call.account, writes, wish.get("swapCommit", UNTOLD))
    shown = [
        {"$type": f"{_WRITES}#{write.action}Result", **result}
        for write, result in zip(writes, results, strict=True)
    ]
    return 200, {"commit": commit, "results": shown}


def remove(call: Call) -> Answer:
    """com.atproto.repo.deleteRecord: content when there is nothing."""
    wish = call.json()
    at = _place(call, wish)
    with call.ledger.reading() as db:
        there = repo.read(db, call.account, at.collection, at.key)
    if there is None:
        return 200, {}
    write = Write("delete", at, swap=wish.get("swapRecord", UNTOLD))
    commit, _ = repo.apply(call.ledger, call.account, [write], wish.get("swapCommit", UNTOLD))
    return 200, {"commit": commit}


def read(call: Call) -> Answer:
    """com.atproto.repo.getRecord."""
    owner, collection = _owner(call, call.query.get("repo")), call.query.get("collection", "")
    key = call.query.get("rkey", "")
    with call.ledger.reading() as db:
        found = repo.read(db, owner, collection, key)
    if found is None or call.query.get("cid", found.cid) != found.cid:
        at = Address(owner.native_id, collection, key)
        raise bad(f"Could not locate record: {at}", "RecordNotFound")
    return 200, found.as_json()


def listed(call: Call) -> Answer:
    """com.atproto.repo.listRecords, the newest first."""
    owner = _owner(call, call.query.get("repo"))
    limit = call.query.get("limit", "50")
    if not limit.isdecimal() or not 1 <= int(limit) <= 100:
        raise bad("Invalid query parameters: limit must be from 1 to 100")
    with call.ledger.reading() as db:
        found = repo.listed(
            db,
            owner,
            call.query.get("collection", ""),
            int(limit),
            call.query.get("cursor"),
            oldest_first=call.query.get("reverse") == "true",
        )
    more = {"cursor": found[-1].at.key} if found else {}
    return 200, {"records": [record.as_json() for record in found], **more}


def upload(call: Call) -> Answer:
    """com.atproto.repo.uploadBlob: any bytes; what may be posted is asked when a record uses them."""
    if not call.body:
        raise bad("A request body was expected but none was provided")
    kind = call.headers.get("content-type", "application/octet-stream").partition(";")[0]
    found = _inspected(call.body, kind)
    cid = ids.cid_of_file(call.body)
    made = uploads.begin(call.ledger, call.account, "blob", len(call.body), remote_id=cid)
    uploads.keep(call.ledger, made, call.body, found)
    ref = {"$link": cid}
    blob = {"$type": "blob", "ref": ref, "mimeType": found.media_type, "size": len(call.body)}
    return 200, {"blob": blob}


def resolve(call: Call) -> Answer:
    """com.atproto.identity.resolveHandle."""
    with call.ledger.reading() as db:
        found = by_handle(db, "bluesky", call.query.get("handle", ""))
    if found is None:
        raise bad("Unable to resolve handle")
    return 200, {"did": found.native_id}


def describe_server(call: Call) -> Answer:
    """com.atproto.server.describeServer."""
    return 200, {
        "did": "did:web:localhost",
        "availableUserDomains": [".example"],
        "inviteCodeRequired": True,
        "links": {},
        "contact": {},
    }


def health(_: Call) -> Answer:
    """_health."""
    return 200, {"version": VERSION}


def _write(call: Call, wish: dict[str, Any]) -> Write:
    action = str(wish.get("$type")).removeprefix(f"{_WRITES}#")
    if action not in ("create", "update", "delete"):
        raise bad(f"Action not supported: {wish.get('$type')}")
    at = _address(call, wish, may_make=action == "create")
    return Write(action, at, None if action == "delete" else _value(wish, "value"))


def _place(call: Call, wish: dict[str, Any], *, may_make: bool = False) -> Address:
    _own(call, wish)
    return _address(call, wish, may_make=may_make)


def _own(call: Call, wish: dict[str, Any]) -> None:
    """Raises Problem unless `repo` is the caller's."""
    if _owner(call, wish.get("repo")).id != call.account.id:
        raise refused(401, "AuthenticationRequired", "Authentication Required")


def _address(call: Call, wish: dict[str, Any], *, may_make: bool) -> Address:
    collection, key = wish.get("collection"), wish.get("rkey")
    if not isinstance(collection, str) or not ids.is_collection(collection):
        raise bad("Input/collection must be a valid nsid")
    if key is None and may_make:
        key = ids.tid(to_micros(call.ledger.clock()), call.account.id)
    if not isinstance(key, str) or not ids.is_key(key):
        raise bad("Input/rkey must be a valid record key")
    if collection in _KEYED_BY_TIME and not ids.is_tid(key):
        raise bad(f"Invalid TID: {key}")
    return Address(call.account.native_id, collection, key)


def _value(wish: dict[str, Any], name: str = "record") -> dict[str, Any]:
    value = wish.get(name)
    if not isinstance(value, dict):
        raise bad(f'Input must have the property "{name}"')
    return value


def _owner(call: Call, name: object) -> Account:
    with call.ledger.reading() as db:
        found = by_native_id(db, "bluesky", str(name)) or by_handle(db, "bluesky", str(name))
    if found is None:
        raise bad(f"Could not find repo: {name}")
    return found


def _inspected(content: bytes, kind: str) -> Picture:
    """What the bytes are, whatever the caller calls them; strange bytes are what they are called."""
    if content[4:8] == b"ftyp":
        try:
            return films.inspect(content)
        except NotAPicture:
            return Picture(kind, 0, 0)
    if kind.startswith("image/"):
        try:
            return pictures.inspect(content, "image")
        except NotAPicture:
            return Picture(kind, 0, 0)
    return Picture(kind, 0, 0)
