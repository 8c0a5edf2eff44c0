"""JSON Schemas of the files people write, so that their editors complete and check as they type."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from social_scheduler.campaign.partners import Partners
from social_scheduler.campaign.schema import Accounts, Campaign
from social_scheduler.policy import Policy

DRAFT = "http://json-schema.org/draft-07/schema#"
"""The draft that editors' YAML support knows best."""

# An editor reads `no`, `2026` and `1.5` as YAML means them; our reader keeps what was typed.
_SCALAR = ["string", "number", "boolean"]


def campaign_schema() -> dict[str, Any]:
    """The schema of a campaign file."""
    return _schema(Campaign, "A campaign: what is said, where, when and by whom.")


def accounts_schema() -> dict[str, Any]:
    """The schema of accounts.yaml."""
    return _schema(Accounts, "The accounts campaigns may speak from.")


def policy_schema() -> dict[str, Any]:
    """The schema of policy.yaml."""
    return _schema(Policy, "How many people must approve what.")


def partners_schema() -> dict[str, Any]:
    """The schema of partners.yaml."""
    return _schema(Partners, "Who our partners are on each network.")


def texts() -> dict[str, str]:
    """File name → content, for every schema."""
    schemas = {
        "campaign": campaign_schema(),
        "accounts": accounts_schema(),
        "partners": partners_schema(),
        "policy": policy_schema(),
    }
    return {
        f"{name}.schema.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in schemas.items()
    }


def write(folder: Path) -> None:
    """Write the schemas into a folder, such as `campaigns/schema`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def _schema(model: type[BaseModel], description: str) -> dict[str, Any]:
    schema: dict[str, Any] = _for_editors(model.model_json_schema())
    definitions = schema.pop("$defs", {})
    head = {"$schema": DRAFT, "description": description}
    return head | {k: v for k, v in schema.items() if k not in head} | {"definitions": definitions}


def _for_editors(node: Any) -> Any:
    if isinstance(node, list):
        return [_for_editors(item) for item in node]
    if not isinstance(node, dict):
        return node.replace("#/$defs/", "#/definitions/") if isinstance(node, str) else node
    node = {
        key: {name: _for_editors(child) for name, child in value.items()}
        if key in ("properties", "patternProperties", "$defs")
        else _for_editors(value)
        for key, value in node.items()
        if key != "title" or not isinstance(value, str)
    }
    node = _without_null(node)
    if "patternProperties" in node:
        node["additionalProperties"] = False
    if node.pop("words", False):
        return node
    if node.get("type") == "string" and "enum" not in node:
        node["type"] = list(_SCALAR)
    elif node.get("type") == "integer":
        node["type"] = ["integer", "string"]
        node["pattern"] = "^[0-9]+$"
    elif node.get("enum") == ["yes", "no"]:
        node["enum"] = ["yes", "no", True, False]
        node.pop("type", None)
    return node


def _without_null(node: dict[str, Any]) -> dict[str, Any]:
    """What may be left out may not be written empty: the reader refuses a key without a value."""
    choices = node.get("anyOf")
    if choices is None:
        return node
    kept = [choice for choice in choices if choice != {"type": "null"}]
    if node.get("default", "") is None:
        node.pop("default")
    if len(kept) > 1:
        return node | {"anyOf": kept}
    node.pop("anyOf")
    only: dict[str, Any] = kept[0]
    return only | node
