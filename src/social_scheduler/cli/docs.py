"""Writes the pages of docs/ that are made from the code, so that they cannot say anything else.

python -m social_scheduler.cli.docs           writes them (`python3 dev.py docs`)
python -m social_scheduler.cli.docs --check   names those that differ; exit code 1 if any does
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from social_scheduler.campaign import json_schema
from social_scheduler.cli import docs_commands, docs_files, docs_platforms
from social_scheduler.cli.docs_text import code, page, table
from social_scheduler.config import SETTINGS_FILE, Settings
from social_scheduler.lifecycle import (
    FINAL,
    INBOX,
    RULES,
    STATES,
    Thing,
    meaning,
    steps_from,
)

ROOT = Path(__file__).parents[3]
TITLE = {Thing.POST: "Posts", Thing.DELIVERY: "Deliveries", Thing.PART: "Parts"}
ABOUT = {
    Thing.POST: "A post is one thing to say, in all its languages. It is what people review.",
    Thing.DELIVERY: "A delivery is one post to one account. It is what is sent.",
    Thing.PART: "A part is one call of a delivery: one of a thread, or the only one.",
}


def pages() -> dict[Path, str]:
    """Every generated file, from the project's folder, and what it says."""
    reference = Path("docs/reference")
    schemas = json_schema.texts().items()
    return {
        Path("docs/lifecycle.md"): page("Lifecycle", _lifecycle()),
        reference / "commands.md": page("Commands", docs_commands.lines()),
        reference / "campaign-file.md": page("Campaign files", docs_files.lines()),
        reference / "settings.md": page("Settings", _settings()),
        reference / "platforms.md": page("Platforms", docs_platforms.lines()),
        **{Path("campaigns/schema") / name: text for name, text in schemas},
    }


def differing(root: Path) -> list[Path]:
    """The generated files that are missing or say something else."""
    return [
        path
        for path, text in pages().items()
        if not (root / path).exists() or (root / path).read_text(encoding="utf-8") != text
    ]


def main(arguments: Sequence[str]) -> int:
    """Write the pages, or with --check compare them."""
    if not (ROOT / "pyproject.toml").exists() or list(arguments) not in ([], ["--check"]):
        print("In a checkout: python3 dev.py docs [--check]", file=sys.stderr)  # noqa: T201
        return 2
    found = differing(ROOT)
    if arguments:
        for path in found:
            print(f"{path} differs: run python3 dev.py docs", file=sys.stderr)  # noqa: T201
        return 1 if found else 0
    texts = pages()
    for path in found:
        (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / path).write_text(texts[path], encoding="utf-8", newline="\n")
        print(path)  # noqa: T201
    return 0


def _lifecycle() -> Iterator[str]:
    yield "What has a state, and what may happen to it: nothing else can."
    yield "One function in `store/` takes every step, with one row of history; "
    yield "`src/social_scheduler/lifecycle.py` holds the table that this page is made from."
    for thing in Thing:
        yield f"\n## {TITLE[thing]}\n"
        yield ABOUT[thing]
        yield ""
        yield from _diagram(thing)
        yield ""
        yield from table(
            ("state", "means", "then"),
            [(code(state), meaning(thing, state), _then(thing, state)) for state in STATES[thing]],
        )
        yield ""
        yield from table(
            ("step", "from", "to", "who", "what happens"),
            [
                (
                    code(rule.step),
                    ", ".join(code(state) for state in rule.sources),
                    code(rule.target),
                    ", ".join(rule.who),
                    rule.meaning,
                )
                for rule in RULES
                if rule.thing is thing
            ],
        )


def _then(thing: Thing, state: StrEnum) -> str:
    if thing is Thing.DELIVERY and state in FINAL:
        return "nothing more is needed"
    if thing is Thing.DELIVERY and state in INBOX:
        return "waits for a person: `social-scheduler settle list`"
    steps = dict.fromkeys(rule.step for rule in steps_from(thing, state))
    return ", ".join(code(step) for step in steps) or "the end"


def _diagram(thing: Thing) -> Iterator[str]:
    """Mermaid; steps that join the same two states share one arrow."""
    first = next(iter(STATES[thing]))
    arrows: dict[tuple[str, str], list[str]] = {}
    for rule in RULES:
        if rule.thing is thing:
            for source in rule.sources:
                arrows.setdefault((source, rule.target), []).append(rule.step)
    yield "```mermaid"
    yield "stateDiagram-v2"
    yield f"    [*] --> {first}"
    for (start, target), steps in arrows.items():
        yield f"    {start} --> {target}: {', '.join(steps)}"
    yield "```"


def _settings() -> Iterator[str]:
    yield f"Each setting is a line of `{SETTINGS_FILE}` in the workspace, such as `web_port = 8600`,"
    yield "or a variable of the environment, which counts for more."
    yield "None of them is a secret: keys and passwords never stand in settings."
    yield ""
    prefix = Settings.model_config.get("env_prefix", "")
    yield from table(
        ("setting", "variable", "default", "meaning"),
        [
            (
                code(name),
                code(f"{prefix}{name}".upper()),
                code(_toml(field.default)),
                f"{field.description or ''}{_bounds(field.metadata)}",
            )
            for name, field in Settings.model_fields.items()
        ],
    )
    yield ""
    yield "An unknown name in the file is an error. Other variables: "
    yield "[commands](commands.md#environment)."


def _toml(default: object) -> str:
    written = list(default) if isinstance(default, tuple) else default
    return repr(written).replace("'", '"')


def _bounds(metadata: Sequence[object]) -> str:
    words = {"ge": "from", "gt": "more than", "le": "to", "lt": "less than"}
    found = [
        f"{told} {getattr(item, name):g}"
        for item in metadata
        for name, told in words.items()
        if hasattr(item, name)
    ]
    return f" ({' '.join(found)})" if found else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
