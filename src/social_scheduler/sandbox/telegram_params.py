"""Reading what a method of the Bot API was given, and its form of every refusal."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from .gate import Call
from .problems import Problem
from .telegram_shapes import cleaned, units

_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)


def refusal(code: int, description: str, parameters: dict[str, Any] | None = None) -> Problem:
    """Telegram's form of every answer that is no success."""
    body = {"ok": False, "error_code": code, "description": description}
    return Problem(code, body | ({"parameters": parameters} if parameters else {}))


def bad(why: str) -> Problem:
    """400, in the words that follow "Bad Request"."""
    return refusal(400, f"Bad Request: {why}")


def arguments(call: Call) -> Mapping[str, Any]:
    """What a method was given: in the address, as a form, or as JSON; all count alike."""
    given: dict[str, Any] = {**call.query, **call.fields}
    if call.headers.get("content-type", "").startswith("application/json") and call.body:
        given |= call.json()
    return given


def text(call: Call, name: str, most: int, too_long: str) -> str:
    """A text as the server keeps it; "" when there is none. Raises Problem 400."""
    given = arguments(call)
    if given.get("parse_mode"):
        raise bad("unsupported parse_mode")
    value = given.get(name, "")
    if not isinstance(value, str):
        raise bad(f"{name} must be a String")
    value = cleaned(value)
    if units(value) > most:
        raise bad(too_long)
    return value


def number(call: Call, name: str, otherwise: str) -> int:
    """A whole number; raises Problem 400 in the words `otherwise`."""
    found = whole(arguments(call).get(name))
    if found is None:
        raise bad(otherwise)
    return found


def whole(value: Any) -> int | None:
    """A value as a whole number, if it is one."""
    if isinstance(value, str):
        return int(value) if _WHOLE.fullmatch(value) else None
    return value if type(value) is int and abs(value) < 10**18 else None


def truth(call: Call, name: str) -> bool:
    """A yes or no, in any of the spellings that Telegram takes."""
    value = arguments(call).get(name)
    return value is True or str(value).lower() in ("true", "1", "yes")


def mapping(call: Call, name: str) -> dict[str, Any]:
    """An object; empty when there is none. Raises Problem 400."""
    value = decoded(call, name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise bad(f"can't parse {name} JSON object")
    return value


def decoded(call: Call, name: str) -> Any:
    """A value that is an object or an array: in a form it is JSON in a field."""
    value = arguments(call).get(name)
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value
