"""From a file to a checked model, with every mistake of its shape at its place."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from social_scheduler.campaign.mistakes import explain, one_of
from social_scheduler.campaign.partners import Partners
from social_scheduler.campaign.reader import read, read_file
from social_scheduler.campaign.schema import Accounts, Campaign
from social_scheduler.campaign.tree import Tree
from social_scheduler.campaign.words import spec_of
from social_scheduler.errors import Finding
from social_scheduler.policy import Policy

Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Loaded(Generic[Model]):
    """A file as read: its model if its shape is right, the findings so far, and the places."""

    path: Path
    tree: Tree
    model: Model | None
    """What was read, also when words in it are not quoted; `value` is what may be used."""
    findings: list[Finding]
    guessed: frozenset[int] = frozenset()
    """Lines on which the model has a word that only might be meant; no more is said of them."""

    @property
    def file(self) -> str:
        """The name findings give to the file."""
        return self.tree.file

    @property
    def value(self) -> Model | None:
        """The model, when nothing is wrong with the file's shape."""
        return None if self.findings else self.model

    @property
    def campaign(self: Loaded[Campaign]) -> Campaign | None:
        """The campaign, when its shape is right."""
        return self.value

    def finding(
        self,
        path: tuple[str | int, ...],
        problem: str,
        remedy: str,
        *,
        warning: bool = False,
        key: bool = False,
        offset: int | None = None,
    ) -> Finding:
        """A finding at a path of the data: at its value, its `key`, or a character of its words."""
        if key:
            line, column = self.tree.key_position(path)
        elif offset is not None:
            line, column = self.tree.words_position(path, offset)
        else:
            line, column = self.tree.position(path)
        return Finding(self.file, line, column, problem, remedy, warning)


def load_campaign(path: Path, root: Path | None = None) -> Loaded[Campaign]:
    """Read one campaign file; findings name it as seen from `root`."""
    return _guessed(_load(path, Campaign, root))


def load_campaign_bytes(source: bytes, path: Path, file: str) -> Loaded[Campaign]:
    """The same from bytes already at hand; `path` tells where its media would be."""
    return _guessed(_validated(path, read(source, file, spec_of(Campaign)), Campaign))


def load_accounts(path: Path, root: Path | None = None) -> Loaded[Accounts]:
    """Read accounts.yaml; names and handles may stand in it once."""
    loaded = _load(path, Accounts, root)
    if loaded.model is not None:
        loaded.findings.extend(_twice(loaded, loaded.model))
    return loaded


def load_policy(path: Path, root: Path | None = None) -> Loaded[Policy]:
    """Read policy.yaml."""
    return _load(path, Policy, root)


def load_partners(path: Path, root: Path | None = None) -> Loaded[Partners]:
    """Read partners.yaml; a workspace without one knows no partners."""
    if path.exists():
        return _load(path, Partners, root)
    return Loaded(path, Tree(str(path)), Partners(), [])


def load_partners_bytes(source: bytes, path: Path, file: str) -> Loaded[Partners]:
    """The same from bytes already at hand."""
    return _validated(path, read(source, file, spec_of(Partners)), Partners)


def _load(path: Path, model: type[Model], root: Path | None) -> Loaded[Model]:
    file = str(path)
    if root is not None and path.is_relative_to(root):
        file = path.relative_to(root).as_posix()
    return _validated(path, read_file(path, file, spec_of(model)), model)


def _validated(path: Path, tree: Tree, model: type[Model]) -> Loaded[Model]:
    findings = list(tree.findings)
    value = None
    if tree.data is not None:
        try:
            value = model.model_validate(tree.data)
        except ValidationError as error:
            findings.extend(_shape(tree, model, error))
    findings.sort(key=lambda f: (f.line, f.column))
    return Loaded(path, tree, value, findings)


def _guessed(loaded: Loaded[Campaign]) -> Loaded[Campaign]:
    """Where one of a few words was wanted and another stands, a model with the nearest of them.

    So that a wrong word does not hide what else is wrong; the findings stay.
    """
    if loaded.model is not None or loaded.tree.data is None:
        return loaded
    data, lines = copy.deepcopy(loaded.tree.data), set()
    try:
        Campaign.model_validate(data)
    except ValidationError as error:
        for item in error.errors(include_url=False):
            if item["type"] not in ("enum", "literal_error"):
                return loaded
            path, _ = _known(data, item["loc"], missing=False)
            place = data
            for step in path[:-1]:
                place = place[step]
            choices = one_of(item)
            near = difflib.get_close_matches(str(place[path[-1]]), choices, n=1, cutoff=0)
            place[path[-1]] = near[0]
            lines.add(loaded.tree.position(path)[0])
    try:
        model = Campaign.model_validate(data)
    except ValidationError as error:  # what is looked at only once every word is possible
        return replace(loaded, findings=[*loaded.findings, *_shape(loaded.tree, Campaign, error)])
    return replace(loaded, model=model, guessed=frozenset(lines))


def _shape(tree: Tree, model: type[BaseModel], error: ValidationError) -> Iterator[Finding]:
    """One finding for each mistake; the alternatives of a union count as one."""
    said = {(f.line, f.column) for f in tree.findings}
    unions: set[tuple[str | int, ...]] = set()
    for item in error.errors(include_url=False, include_context=True):
        path, skipped = _known(tree.data, item["loc"], missing=item["type"] == "missing")
        if _inside_none(tree.data, path) or (skipped and path in unions):
            continue
        if skipped:
            unions.add(path)
        key, problem, remedy = explain(item, path, model)
        line, column = tree.key_position(path) if key else tree.position(path)
        if (line, column) not in said or item["type"] in ("missing", "extra_forbidden"):
            yield Finding(tree.file, line, column, problem, remedy)


def _known(
    data: Any, loc: tuple[str | int, ...], *, missing: bool
) -> tuple[tuple[str | int, ...], bool]:
    """The part of a location the file has, and whether names of alternatives were left out."""
    path: list[str | int] = []
    skipped = False
    for step in loc[:-1] if missing else loc:
        if isinstance(data, dict) and str(step) in data:
            data = data[str(step)]
            path.append(str(step))
        elif isinstance(data, list) and isinstance(step, int) and step < len(data):
            data = data[step]
            path.append(step)
        elif step != "[key]":
            skipped = True
    return tuple(path), skipped


def _inside_none(data: Any, path: tuple[str | int, ...]) -> bool:
    """Whether the value there was left out, which has been said already."""
    for step in path:
        data = data[step]
    return data is None


def _twice(loaded: Loaded[Accounts], accounts: Accounts) -> Iterator[Finding]:
    names: set[str] = set()
    handles: set[tuple[str, str]] = set()
    groups = {group for account in accounts.accounts for group in account.groups}
    for number, account in enumerate(accounts.accounts):
        place = ("accounts", number)
        if account.name in names:
            yield loaded.finding(
                (*place, "name"), f"two accounts are named `{account.name}`", "rename one"
            )
        if account.name in groups:
            yield loaded.finding(
                (*place, "name"), f"`{account.name}` is a group's name too", "rename one of them"
            )
        who = (account.platform, account.handle.lower())
        if who in handles:
            yield loaded.finding(
                (*place, "handle"),
                f"the handle {account.handle} on {account.platform} is listed twice",
                "keep one: each account speaks one language",
            )
        names.add(account.name)
        handles.add(who)
