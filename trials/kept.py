"""Keeps what a run found in a file, so that several runs make one report."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trials.oracle import Finding
from trials.result import Result


@dataclass(frozen=True)
class Kept:
    """One run: how it was called, its chance, when it began (POSIX seconds), and what it found."""

    seed: str
    begun: float
    seconds: float
    options: Sequence[str]
    """The options that repeat it, without its seed."""
    results: Sequence[Result]
    commit: str = ""
    """Of what it tried; with a + when its files differ from that commit."""
    machine: Mapping[str, str] = field(default_factory=dict)


def keep(path: Path, run: Kept) -> None:
    """Write a run down; a file of that name is replaced whole."""
    draft = path.with_name(f"{path.name}.part")
    results = [
        {**vars(each), "findings": [dataclasses.asdict(f) for f in each.findings]}
        for each in run.results
    ]
    text = json.dumps({**vars(run), "results": results}, indent=1)
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)


def read(path: Path) -> Kept:
    """A run as `keep` wrote it."""
    fields: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Kept(**(fields | {"results": [_result(each) for each in fields["results"]]}))


def _result(fields: dict[str, Any]) -> Result:
    findings = [Finding(**each) for each in fields["findings"]]
    return Result(**(fields | {"findings": findings, "where": Counter(fields["where"])}))
