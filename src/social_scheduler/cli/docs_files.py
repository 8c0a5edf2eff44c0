"""The reference of the files people write, read from the models that check them."""

from __future__ import annotations

import types
from collections.abc import Iterator
from enum import Enum
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel

from social_scheduler.campaign.nodes import MAX_BYTES, MAX_DEPTH
from social_scheduler.campaign.partners import Handle, Id, Partner
from social_scheduler.campaign.reader import MAX_NODES
from social_scheduler.campaign.schema import (
    AccountEntry,
    Campaign,
    CardWords,
    Day,
    Kind,
    Language,
    Media,
    Moment,
    Name,
    Post,
    Wording,
    Words,
)
from social_scheduler.campaign.times import TimeProblem, resolve
from social_scheduler.cli.docs_text import code, table
from social_scheduler.policy import PolicyRule

NAMED = {
    "name": Name,
    "language": Language,
    "words": Words,
    "handle": Handle,
    "id": Id,
    "time": Moment,
    "date": Day,
}
SECTIONS: tuple[tuple[str, str, type[BaseModel]], ...] = (
    ("A campaign", "The top of the file.", Campaign),
    ("A picture or film", "Each entry of `media`.", Media),
    ("A post", "Each entry of `posts`. It has either `text` or `thread`.", Post),
    (
        "A variant",
        "Each entry of a post's `variants`, named for an account or a platform. "
        "What it leaves out is as in the post.",
        Wording,
    ),
    ("accounts.yaml", "Each entry of `accounts`. Keys are never written here.", AccountEntry),
    (
        "A card",
        "Each entry of `card`. It is shown where no picture or film stands with the first part.",
        CardWords,
    ),
    (
        "partners.yaml",
        "Each entry of `partners`, under the name that campaigns write: `{@nato}` for `nato`. "
        "[How it is used](../how-to/partners.md).",
        Partner,
    ),
    (
        "policy.yaml",
        "Each entry of `rules`. A rule matches when every list it gives contains the post's "
        "value. Of all rules that match, the strictest counts; what none matches is never sent. "
        "A changed file counts after `social-scheduler policy apply`.",
        PolicyRule,
    ),
)
ZONE, WEEK = "Asia/Baghdad", "2027-01-11"
TIMES = (
    "2027-01-11 10:30",
    "2027-01-11 10:30:15",
    "Monday 10:30",
    "2027-01-11 10:30 Europe/Paris",
    "Monday 10:30 UTC",
)
NO_TIMES = (
    "2027-01-11",
    "10:30",
    "2027-01-11T10:30",
    "2027-03-28 02:30 Europe/Paris",
    "2027-10-31 02:30 Europe/Paris",
    "2 days before at 09:00",
    "30 minutes before",
    "when armed",
)


def lines() -> Iterator[str]:
    """The page."""
    yield "Every field of the files below `campaigns/`."
    yield "Editors that know the YAML language server complete and check them as you type, by the"
    yield "schemas in `campaigns/schema/`; `social-scheduler check` checks much more."
    yield from _reading()
    for title, about, model in SECTIONS:
        yield f"\n## {title}\n"
        yield about
        yield ""
        yield from table(("field", "what is written", "meaning"), _fields(model))
    yield "\nKinds: " + ", ".join(code(kind.value) for kind in Kind) + "."
    yield from _times()


def _reading() -> Iterator[str]:
    yield "\n## How files are read\n"
    yield "YAML, read strictly: every value stays as it was typed (`no` is the word no, `17:30` is"
    yield "a time), a key stands once, an unknown key is a mistake. Aliases, anchors and tags are"
    yield f"refused, and so is a file beyond {MAX_BYTES:,} bytes, {MAX_NODES:,} values or"
    yield f"{MAX_DEPTH} levels."
    yield ""
    yield "*Words* are written in quotes or in a `|` block, because YAML would drop a hashtag at the"
    yield "end of an unquoted line. `social-scheduler check --fix` puts them into quotes."
    yield "In a block the last line break is dropped, the others stay."
    yield ""
    yield "`{link}` in words is where the post's link stands, `{@partner}` a partner of partners.yaml."
    yield "`{{` and `}}` are braces themselves."


def _fields(model: type[BaseModel]) -> list[tuple[str, str, str]]:
    hints = get_type_hints(model, include_extras=True)
    rows = []
    for name, field in model.model_fields.items():
        told = field.description or ""
        if field.is_required():
            told = f"**Required.** {told.removesuffix(' Required.')}"
        elif field.default not in (None, [], {}):
            told += f" Without: `{field.default}`."
        rows.append((code(name), _shape(hints[name]), told))
    return rows


def _shape(hint: Any) -> str:
    """A type in the words of people who write files."""
    for name, known in NAMED.items():
        if hint == known:
            return name
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _shape(args[0])
    if origin in (Union, types.UnionType):
        return ", or ".join(_shape(arg) for arg in args if arg is not type(None))
    if origin is list:
        return f"list of {_plural(_shape(args[0]))}"
    if origin is dict:
        return f"{_plural(_shape(args[1]))} by {_shape(args[0])}"
    if origin is Literal:
        return " or ".join(code(str(arg)) for arg in args)
    return _of_class(hint)


def _of_class(hint: Any) -> str:
    if isinstance(hint, type) and issubclass(hint, Enum):
        return "one of the kinds below"
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        known = {"Media": "picture", "Wording": "variant", "CardWords": "card"}
        return known.get(hint.__name__, hint.__name__.lower())
    return {"str": "text", "int": "number"}[hint.__name__]


def _plural(one: str) -> str:
    if one.startswith("list of "):
        return f"lists of {one.removeprefix('list of ')}"
    return one if one.endswith("s") else f"{one}s"


def _times() -> Iterator[str]:
    yield "\n## Times\n"
    yield "A day and a time of day, by the clock of the campaign's `timezone`; a zone name may follow."
    yield f"These are with `timezone: {ZONE}` and `week_of: {WEEK}`:"
    yield ""
    yield from table(
        ("written", "is"),
        [
            (code(t), f"{resolve(t, timezone=ZONE, week_of=WEEK).instant:%Y-%m-%d %H:%M:%S} UTC")
            for t in TIMES
        ],
    )
    yield "\nThese are refused:"
    yield ""
    yield from table(("written", "because", "instead"), [_refused(text) for text in NO_TIMES])


def _refused(text: str) -> tuple[str, str, str]:
    try:
        resolve(text, timezone=ZONE, week_of=WEEK)
    except TimeProblem as problem:
        return code(text), problem.problem, problem.remedy
    raise AssertionError(f"{text} is a time after all")
