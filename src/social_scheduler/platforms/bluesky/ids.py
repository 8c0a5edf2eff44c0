"""The ids of records, known before they are sent: the key we give, and what their bytes come to.

A key is made of the due time and of what is said, so a repeated call names the same record; the
network then keeps one of both. A record's own id (CID) is a hash of its bytes, so that the parts of
a thread can name one another before any of them is there.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from social_scheduler.message import content_digest, part_digest
from social_scheduler.platforms import EPOCH, Call

_SORTABLE = "234567abcdefghijklmnopqrstuvwxyz"
_RECORD = b"\x01\x71\x12\x20"
_FILE = b"\x01\x55\x12\x20"
_MICROSECOND = timedelta(microseconds=1)
_SPREAD = 1_000_000
"""Microseconds over which posts due in the same moment are spread."""


def record_key(call: Call, number: int) -> str:
    """The key of part `number`: the same whenever and from whichever part it is asked for."""
    first = call.key
    if call.number != 1:
        first = part_digest(content_digest(call.message.canonical()), 1)
    seed = int.from_bytes(hashlib.sha256(f"bluesky/v1\n{first}".encode()).digest()[:8])
    spread, clock = divmod(seed, 1024)
    micros = (call.due_at - EPOCH) // _MICROSECOND + spread % _SPREAD + number - 1
    return tid(micros, clock)


def tid(micros: int, clock: int) -> str:
    """The network's form of a moment in microseconds, and of one of 1024 clocks."""
    value = (micros << 10 | clock) & (1 << 63) - 1
    return "".join(_SORTABLE[value >> shift & 31] for shift in range(60, -1, -5))


def created_at(due_at: datetime, number: int) -> str:
    """What a part's record says of when it was made: the due time, each part a little later."""
    moment = due_at.astimezone(UTC) + timedelta(milliseconds=number - 1)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def record_cid(record: Mapping[str, Any]) -> str:
    """The id that the network will give a record."""
    import libipld

    body = libipld.encode_dag_cbor(_with_links(record))
    cid: str = libipld.encode_cid(_RECORD + hashlib.sha256(body).digest())
    return cid


def file_cid(sha256: str) -> str:
    """The id that the network will give a file."""
    import libipld

    cid: str = libipld.encode_cid(_FILE + bytes.fromhex(sha256))
    return cid


def _with_links(value: Any) -> Any:
    """JSON's `{"$link": cid}` as the bytes that a CID is in a record."""
    import libipld

    if isinstance(value, Mapping):
        if set(value) == {"$link"}:
            return libipld.decode_multibase(value["$link"])[1]
        return {name: _with_links(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_with_links(item) for item in value]
    return value
