"""Where the schema expects words that will be published: found from the models, listed nowhere."""

from __future__ import annotations

import types
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

from social_scheduler.campaign.schema import WORDS


@dataclass(frozen=True, slots=True)
class Spec:
    """What the schema expects at one place: words, a mapping of known keys, or entries alike."""

    words: bool = False
    keys: Mapping[str, Spec] = field(default_factory=dict)
    each: Spec | None = None

    def at(self, key: object) -> Spec:
        """What is expected under a key, or in a list."""
        return self.keys.get(key, self.each or NOTHING) if isinstance(key, str) else NOTHING

    @property
    def entry(self) -> Spec:
        """What is expected in a list here."""
        return self.each or NOTHING


NOTHING = Spec()


@cache
def spec_of(model: type[BaseModel]) -> Spec:
    """The places for words in a model, found from its types."""
    keys = {}
    for name, info in model.model_fields.items():
        spec = Spec(words=True) if WORDS in info.metadata else _spec(info.annotation)
        keys[name] = spec
    return Spec(keys=keys)


def _spec(annotation: Any) -> Spec:
    origin = get_origin(annotation)
    args = get_args(annotation)
    if origin is Annotated:
        return Spec(words=True) if WORDS in args[1:] else _spec(args[0])
    if origin in (Union, types.UnionType):
        specs = [spec for arg in args if (spec := _spec(arg)) != NOTHING]
        return specs[0] if specs else NOTHING
    if origin is dict:
        each = _spec(args[1])
        return Spec(each=each) if each != NOTHING else NOTHING
    if origin is list:
        each = _spec(args[0])
        return Spec(each=each) if each != NOTHING else NOTHING
    if origin is Literal:
        return NOTHING
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return spec_of(annotation)
    return NOTHING
