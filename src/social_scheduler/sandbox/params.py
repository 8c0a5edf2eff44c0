"""Reading the parameters of X's API as strictly as X does: names, ids, times, page sizes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from .problems import invalid

_ID = re.compile(r"[0-9]{1,19}", re.ASCII)
_LARGEST = 2**63 - 1
_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d{1,6})?Z", re.ASCII)


def only(given: Mapping[str, Any], known: set[str] | frozenset[str], where: str) -> None:
    for name in given:
        if name in known:
            continue
        if where == "query":
            allowed = ",".join(sorted(known))
            raise invalid(f"The query parameter [{name}] is not one of [{allowed}]", name)
        raise invalid(
            f"{where}.{name}: is not defined in the schema and the schema does not allow"
            " additional properties",
            f"{where}.{name}",
            given[name],
        )


def is_id(value: str) -> bool:
    return bool(_ID.fullmatch(value)) and int(value) <= _LARGEST


def parse_id(value: str, parameter: str) -> int:
    if not is_id(value):
        raise invalid(
            f"The `{parameter}` query parameter value [{value}] is not valid", parameter, value
        )
    return int(value)


def optional_id(query: Mapping[str, str], name: str) -> int | None:
    return parse_id(query[name], name) if name in query else None


def until(query: Mapping[str, str]) -> int | None:
    until = optional_id(query, "until_id")
    token = query.get("pagination_token")
    if token is None:
        return until
    if not re.fullmatch(r"[0-7]?[0-9a-f]{1,15}", token):
        raise invalid(
            "The `pagination_token` query parameter value is not valid", "pagination_token", token
        )
    return int(token, 16) if until is None else min(until, int(token, 16))


def max_results(query: Mapping[str, str]) -> int:
    value = query.get("max_results", "10")
    if not re.fullmatch(r"[0-9]{1,4}", value) or not 5 <= int(value) <= 100:
        raise invalid(
            f"The `max_results` query parameter value [{value}] is not between 5 and 100",
            "max_results",
            value,
        )
    return int(value)


def instant(query: Mapping[str, str], name: str) -> datetime | None:
    """Times count in whole seconds, as X's `created_at` does."""
    if name not in query:
        return None
    match = _STAMP.fullmatch(query[name])
    try:
        return datetime.fromisoformat(match[1]).replace(tzinfo=UTC) if match else _bad(query, name)
    except ValueError:
        return _bad(query, name)


def _bad(query: Mapping[str, str], name: str) -> datetime:
    raise invalid(
        f"The `{name}` query parameter value [{query[name]}] is not a valid RFC3339 timestamp",
        name,
        query[name],
    )
