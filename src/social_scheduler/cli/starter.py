"""The files a new workspace begins with: accounts to fill in, and the default policy."""

from __future__ import annotations

from pathlib import Path

from social_scheduler.campaign.json_schema import write
from social_scheduler.policy import DEFAULT_POLICY

ACCOUNTS = """\
# yaml-language-server: $schema=schema/accounts.schema.json
# Where we speak. Keys and tokens are never written here: social-scheduler accounts connect NAME
accounts:
  - name: x-en
    platform: x
    handle: example_en
    language: en
    groups: [all-x]
"""


def write_starter(root: Path) -> list[str]:
    """Write the files that are not there yet; answers their names."""
    folder = root / "campaigns"
    folder.mkdir(exist_ok=True)
    write(folder / "schema")
    written = []
    for name, text in (("accounts.yaml", ACCOUNTS), ("policy.yaml", _policy())):
        if not (folder / name).exists():
            (folder / name).write_text(text, encoding="utf-8")
            written.append(f"campaigns/{name}")
    return written


def _policy() -> str:
    lines = [
        "# yaml-language-server: $schema=schema/policy.schema.json",
        "# How many different people must approve. Of all rules that match, the strictest counts.",
        "# An admin puts a changed policy in force: social-scheduler policy apply",
        "rules:",
    ]
    for rule in DEFAULT_POLICY.rules:
        lines.append(f"  - approvals: {rule.approvals}")
        if rule.kinds:
            lines.append(f"    kinds: [{', '.join(rule.kinds)}]")
    return "\n".join(lines) + "\n"
