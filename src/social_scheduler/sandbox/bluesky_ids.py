"""Names in the AT protocol: addresses of records, keys in time's order, and ids made of content."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import libipld

_LETTERS = "234567abcdefghijklmnopqrstuvwxyz"
_TID = re.compile(rf"[234567abcdefghij][{_LETTERS}]{{12}}", re.ASCII)
_KEY = re.compile(r"[A-Za-z0-9._:~-]{1,512}", re.ASCII)
_COLLECTION = re.compile(r"[a-z]+(\.[a-zA-Z0-9-]+){2,}", re.ASCII)
_DAG_CBOR, _RAW, _SHA2_256 = 0x71, 0x55, b"\x12\x20"


@dataclass(frozen=True)
class Address:
    """One record of one account."""

    did: str
    collection: str
    key: str

    def __str__(self) -> str:
        return f"at://{self.did}/{self.collection}/{self.key}"


def is_tid(key: str) -> bool:
    return bool(_TID.fullmatch(key))


def is_key(key: str) -> bool:
    return bool(_KEY.fullmatch(key)) and key not in (".", "..")


def is_collection(name: str) -> bool:
    return bool(_COLLECTION.fullmatch(name))


def tid(micros: int, clock: int) -> str:
    """A key for a moment: microseconds, and ten bits that tell two clocks apart."""
    number = (micros << 10) | (clock & 1023)
    return "".join(_LETTERS[number >> shift & 31] for shift in range(60, -1, -5))


def cid_of(record: Mapping[str, Any]) -> str:
    """The id of a record: what its bytes in DAG-CBOR hash to. ValueError when it has none."""
    encoded = libipld.encode_dag_cbor(_linked(dict(record)))
    return _cid(_DAG_CBOR, hashlib.sha256(encoded).digest())


def cid_of_file(content: bytes) -> str:
    """The id of a blob: what its bytes hash to."""
    return _cid(_RAW, hashlib.sha256(content).digest())


def is_cid(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(libipld.decode_cid(value))
    except ValueError:
        return False


def _linked(value: Any) -> Any:
    """`{"$link": …}` is a link and `{"$bytes": …}` are bytes, and no maps."""
    if isinstance(value, list):
        return [_linked(item) for item in value]
    if isinstance(value, float):
        raise ValueError("floats are not allowed")
    if not isinstance(value, dict):
        return value
    if value.keys() == {"$link"}:
        link = str(value["$link"])
        libipld.decode_cid(link)  # ValueError unless it is one
        return libipld.decode_multibase(link)[1]
    if value.keys() == {"$bytes"}:
        text = str(value["$bytes"])
        return base64.b64decode(text + "=" * (-len(text) % 4))
    return {name: _linked(item) for name, item in value.items()}


def _cid(codec: int, digest: bytes) -> str:
    found: str = libipld.encode_cid(bytes((1, codec)) + _SHA2_256 + digest)
    return found
