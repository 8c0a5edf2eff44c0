"""The schemas editors use are the models', and take what the reader takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from social_scheduler.campaign import json_schema
from social_scheduler.campaign.reader import read

FOLDER = Path(__file__).parents[2] / "campaigns"
SAMPLES = sorted(FOLDER.glob("*/campaign.yaml"))


def mistakes(schema: dict[str, Any], data: object) -> list[str]:
    """What an editor would underline."""
    return [error.message for error in Draft7Validator(schema).iter_errors(data)]


@pytest.mark.parametrize("name", sorted(json_schema.texts()))
def test_the_schemas_in_the_repository_are_the_generated_ones(name: str) -> None:
    kept = (FOLDER / "schema" / name).read_text("utf-8")
    assert kept == json_schema.texts()[name], (
        "write them anew: python -c 'from pathlib import Path; "
        'from social_scheduler.campaign.json_schema import write; write(Path("campaigns/schema"))\''
    )


def test_write_makes_the_same_files(tmp_path: Path) -> None:
    json_schema.write(tmp_path / "schema")
    written = {p.name: p.read_text("utf-8") for p in (tmp_path / "schema").iterdir()}
    assert written == json_schema.texts()


@pytest.mark.parametrize("file", SAMPLES, ids=lambda file: file.parent.name)
def test_every_sample_is_valid_as_typed_and_as_an_editor_reads_it(file: Path) -> None:
    schema = json_schema.campaign_schema()
    assert mistakes(schema, read(file.read_bytes(), file.name).data) == []
    core = yaml.load(file.read_text("utf-8"), EditorLoader)  # noqa: S506 - it makes plain data only
    assert mistakes(schema, core) == []


def test_accounts_and_policy_are_valid() -> None:
    for name, schema in (
        ("accounts.yaml", json_schema.accounts_schema()),
        ("policy.yaml", json_schema.policy_schema()),
    ):
        assert mistakes(schema, read((FOLDER / name).read_bytes(), name).data) == []
        core = yaml.load((FOLDER / name).read_text("utf-8"), EditorLoader)  # noqa: S506
        assert mistakes(schema, core) == []


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"titel": "x"}, "titel"),
        ({"kind": "nws"}, "nws"),
        ({"embargo": "soon"}, "soon"),
        ({"week_of": "Monday"}, "Monday"),
        ({"posts": []}, "[]"),
        ({"late": "later"}, "later"),
        ({"title": 7}, "7"),
    ],
)
def test_an_editor_sees_the_mistake(change: dict[str, object], part: str) -> None:
    data = read(SAMPLES[0].read_bytes(), "a.yaml").data
    found = mistakes(json_schema.campaign_schema(), data | change)
    assert any(part in message for message in found)


@pytest.mark.parametrize(
    ("key", "value"), [("consent", 2026118), ("consent", 1.5), ("owner", True)]
)
def test_what_yaml_reads_as_a_number_is_no_mistake(key: str, value: object) -> None:
    data = read(SAMPLES[0].read_bytes(), "a.yaml").data
    assert mistakes(json_schema.campaign_schema(), data | {key: value}) == []


class EditorLoader(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors' YAML support has it: no dates, no `yes` and `no`."""


EditorLoader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern) for tag, pattern in resolvers if "timestamp" not in tag and "bool" not in tag
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
