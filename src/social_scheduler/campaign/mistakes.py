"""What the schema finds wrong, in words an author can act on."""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from social_scheduler.campaign.partners import Partner, Partners
from social_scheduler.campaign.schema import AccountEntry, Accounts, Campaign, Media, Post
from social_scheduler.policy import Policy, PolicyRule

_EXAMPLES = {
    "campaign": "campaign: spotlight-2027-02-example",
    "kind": "kind: spotlight",
    "title": 'title: "Partner spotlight: the example mission"',
    "owner": "owner: amal",
    "timezone": "timezone: Asia/Baghdad",
    "to": "to: [all-x]",
    "posts": "posts:",
    "id": "id: opening",
    "at": "at: 2027-01-11 10:30",
    "file": "file: media/workshop.jpg",
    "alt": "alt:",
    "accounts": "accounts:",
    "name": "name: x-en",
    "platform": "platform: x",
    "handle": "handle: example_en",
    "language": "language: en",
    "rules": "rules:",
    "approvals": "approvals: 1",
}
_SECRETS = re.compile(r"key|token|secret|password", re.IGNORECASE)
_PLACES: tuple[tuple[type[BaseModel], str], ...] = (
    (Campaign, "at the top of a campaign"),
    (Post, "in a post"),
    (Media, "in an entry of `media`"),
    (AccountEntry, "in an account"),
    (Accounts, "at the top of accounts.yaml"),
    (Policy, "at the top of policy.yaml"),
    (PolicyRule, "in a rule"),
    (Partner, "in a partner"),
    (Partners, "at the top of partners.yaml"),
)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with the nearest known name, or a list of those there are."""
    choices = sorted(set(known))
    near = difflib.get_close_matches(name.lower(), choices, n=1, cutoff=0.6)
    if near:
        return f"did you mean `{near[0]}`?"
    if not choices:
        return "remove it"
    shown = ", ".join(choices[:12]) + (", …" if len(choices) > 12 else "")
    return f"write one of: {shown}"


def one_of(error: Mapping[str, Any]) -> list[str]:
    """The words of which one was wanted."""
    return re.findall(r"'([^']+)'", str(error.get("ctx", {}).get("expected", "")))


def explain(
    error: Mapping[str, Any], path: tuple[str | int, ...], root: type[BaseModel]
) -> tuple[bool, str, str]:
    """Whether the key is meant rather than its value, what is wrong, what to write instead."""
    kind = str(error["type"])
    loc = error["loc"]
    name = next((str(step) for step in reversed(path) if isinstance(step, str)), "the file")
    value = error.get("input")
    if loc and loc[-1] == "[key]":
        return (True, *_wrong_key(str(path[-1]), path))
    if kind == "missing":
        return (True, *_missing(str(loc[-1])))
    if kind == "extra_forbidden":
        return (True, *_unknown_key(str(path[-1]), _model_at(root, path[:-1])))
    if kind in ("enum", "literal_error"):
        allowed = one_of(error)
        return (
            False,
            f"`{short(value)}` is not possible for `{name}`",
            did_you_mean(str(value), allowed),
        )
    if kind == "value_error":
        told = str(error["ctx"]["error"])
        either = told.startswith("a post has either")
        return False, told, "write exactly one of them" if either else "write at least one of them"
    if kind == "string_pattern_mismatch" and "handles" in path:
        return (False, *_wrong_handle(str(value)))
    return (False, *_by_kind(kind, name, value, error.get("ctx", {})))


def _wrong_handle(value: str) -> tuple[str, str]:
    if value.startswith("@"):
        return f"`{short(value)}` begins with @", f"write `{short(value[1:])}`: the @ is added"
    return f"`{short(value)}` cannot be a handle", "write it as the network shows it"


def _by_kind(kind: str, name: str, value: Any, ctx: Mapping[str, Any]) -> tuple[str, str]:
    shown = short(value)
    if kind == "string_pattern_mismatch":
        if name == "late":
            return f"`{shown}` is not a length of time", "write such as `10 minutes` or `2 hours`"
        if name == "language":
            return f"`{shown}` is not a language", "write its short code, such as en, ar or fr"
        return f"`{shown}` cannot be a name", _NAME
    if kind == "string_too_short":
        return f"`{name}` is empty", "write something here, or remove the line"
    if kind in ("string_too_long",):
        return f"`{name}` is too long", f"shorten it to {ctx.get('max_length')} characters"
    if kind == "too_short":
        return f"`{name}` has nothing in it", "add an entry, or remove it"
    if kind == "too_long":
        return f"`{name}` has too many entries", f"at most {ctx.get('max_length')} are possible"
    if kind == "list_type":
        example = f"[{shown}]" if isinstance(value, str) else "[first, second]"
        return f"`{name}` must be a list", f"write `{name}: {example}`"
    if kind in ("dict_type", "model_type"):
        return _mapping_wanted(name, value)
    if kind.startswith("int"):
        return f"`{shown}` is not a whole number", "write digits, such as 2"
    if kind in ("greater_than_equal", "less_than_equal"):
        word = "at least" if kind.startswith("greater") else "at most"
        limit = ctx.get("ge", ctx.get("le"))
        return f"`{name}` is {shown}", f"it must be {word} {limit}"
    if kind == "string_type":
        return (
            f"`{name}` must be one line or one text",
            f"write `{_EXAMPLES.get(name, name + ': …')}`",
        )
    return f"`{name}` cannot be `{shown}`", "compare it with the samples"


_NAME = "use small letters a-z, digits, - and _, beginning with a letter or digit"


def _mapping_wanted(name: str, value: Any) -> tuple[str, str]:
    if name in ("text", "alt", "warning", "card", "captions"):
        return (
            f"`{name}` has no languages",
            f"write each language on its own line beneath `{name}:`, such as `en: |`",
        )
    if name == "thread":
        return "`thread` has no languages", "write a list of parts beneath each: `en:`"
    what = "a list" if isinstance(value, list) else "one value"
    return f"`{name}` is {what} where keys are needed", "write `key: value` lines beneath it"


def _missing(name: str) -> tuple[str, str]:
    return f"`{name}` is missing", f"add `{_EXAMPLES.get(name, name + ':')}`"


def _wrong_key(key: str, path: tuple[str | int, ...]) -> tuple[str, str]:
    owner = path[-2] if len(path) > 1 else ""
    if owner in ("text", "thread", "alt", "link", "file", "card", "warning", "captions", "name"):
        return f"`{key}` is not a language", "write its short code, such as en, ar or fr"
    if owner == "media_by_part":
        return f"`{key}` is not the number of a part", "write digits; parts count from 1"
    return f"`{key}` cannot be a name", _NAME


def _unknown_key(key: str, model: type[BaseModel] | None) -> tuple[str, str]:
    if model is None:
        return f"`{key}` cannot stand here", "remove it"
    where = next((words for known, words in _PLACES if known is model), "here")
    if model is AccountEntry and _SECRETS.search(key):
        return (
            f"`{key}`: keys and passwords are never written in this file",
            "remove it, change the key if others have seen it, and use `accounts connect`",
        )
    near = difflib.get_close_matches(key.lower(), model.model_fields, n=1, cutoff=0.6)
    elsewhere = [words for other, words in _PLACES if key in other.model_fields]
    if not near and elsewhere:
        return f"`{key}` is not known {where}", f"it belongs {elsewhere[0]}: check the indentation"
    return f"`{key}` is not known {where}", did_you_mean(key, model.model_fields)


def _model_at(root: type[BaseModel], path: tuple[str | int, ...]) -> type[BaseModel] | None:
    """The model a path of the data leads to."""
    annotation: Any = root
    for step in path:
        annotation = _bare(annotation)
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            info = annotation.model_fields.get(str(step))
            annotation = info.annotation if info else None
        else:
            args = get_args(annotation)
            annotation = args[-1] if get_origin(annotation) in (dict, list) else None
    annotation = _bare(annotation)
    known = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return annotation if known else None


def _bare(annotation: Any) -> Any:
    """Without what `Annotated` and `| None` add."""
    if get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        return _bare(next(arg for arg in get_args(annotation) if arg is not type(None)))
    return annotation


def short(value: Any) -> str:
    """What stands in a file, as a finding quotes it."""
    text = value if isinstance(value, str) else "…"
    return text if len(text) <= 40 else text[:39] + "…"
