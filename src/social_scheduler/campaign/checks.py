"""Checks campaigns against everything that would go wrong later: one file, or a whole folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from social_scheduler.campaign.checks_accounts import check_entries
from social_scheduler.campaign.checks_media import check_media
from social_scheduler.campaign.checks_partners import check_partners
from social_scheduler.campaign.checks_plan import check_accounts, check_people, check_times
from social_scheduler.campaign.checks_words import check_posts, check_words
from social_scheduler.campaign.facts import Facts, Inspect, Picture, Rules
from social_scheduler.campaign.load import (
    Loaded,
    load_accounts,
    load_campaign,
    load_partners,
    load_policy,
)
from social_scheduler.campaign.mistakes import did_you_mean
from social_scheduler.campaign.partners import NOBODY
from social_scheduler.campaign.schema import Accounts, Campaign, Kind
from social_scheduler.errors import Finding
from social_scheduler.message import Limits
from social_scheduler.policy import Policy

__all__ = [
    "Checked",
    "Inspect",
    "Picture",
    "Report",
    "Rules",
    "campaign_files",
    "check_campaign",
    "check_folder",
    "check_policy",
    "each_checked",
]

NOT_CAMPAIGNS = frozenset({"accounts.yaml", "policy.yaml", "partners.yaml"})
"""Files of a campaigns folder that are something else."""


@dataclass(frozen=True, slots=True)
class Checked:
    """One file after its checks: what it holds, and all that was found, in the file's order."""

    loaded: Loaded[Campaign]
    findings: list[Finding]

    @property
    def campaign(self) -> Campaign | None:
        """The campaign, when nothing is wrong with it (warnings may remain)."""
        wrong = any(not finding.warning for finding in self.findings)
        return None if wrong else self.loaded.model


@dataclass(slots=True)
class Report:
    """What the check of a folder came to."""

    files: int = 0
    posts: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def errors(self) -> list[Finding]:
        """What must be put right."""
        return [finding for finding in self.findings if not finding.warning]

    @property
    def warnings(self) -> list[Finding]:
        """What somebody should look at; it fails nothing."""
        return [finding for finding in self.findings if finding.warning]

    @property
    def ok(self) -> bool:
        """Whether everything may be queued."""
        return not self.errors


def check_campaign(loaded: Loaded[Campaign], rules: Rules) -> list[Finding]:
    """All that is wrong with one file: mistakes of its shape, and of what it says."""
    findings = list(loaded.findings)
    if loaded.model is not None:
        facts = Facts(loaded, loaded.model, rules)
        said = [
            *check_accounts(facts),
            *check_people(facts),
            *check_times(facts),
            *check_words(facts, ("title",), facts.campaign.title, ""),
            *check_posts(facts),
            *check_media(facts),
        ]
        findings += [finding for finding in said if finding.line not in loaded.guessed]
    return _in_order(findings)


def check_policy(loaded: Loaded[Policy], accounts: Accounts | None) -> list[Finding]:
    """policy.yaml: its shape, and that it speaks of kinds and accounts there are."""
    findings = list(loaded.findings)
    names = {account.name for account in accounts.accounts} if accounts else None
    kinds = {kind.value for kind in Kind}
    for number, rule in enumerate(loaded.model.rules if loaded.model else []):
        known = ("kinds", rule.kinds, kinds), ("accounts", rule.accounts, names)
        for key, values, choices in known:
            for index, value in enumerate(values or []):
                if choices is not None and value not in choices:
                    findings.append(
                        loaded.finding(
                            ("rules", number, key, index),
                            f"`{value}` is not one of the {key}",
                            did_you_mean(value, choices),
                        )
                    )
    return _in_order(findings)


def campaign_files(root: Path) -> list[Path]:
    """The campaign files of a folder and the folders in it, in order; links are not followed."""
    found: list[Path] = []
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [
            Path(folder) / name
            for name in names
            if name.endswith((".yaml", ".yml"))
            and not name.startswith(".")
            and not (Path(folder) == root and name in NOT_CAMPAIGNS)
        ]
    return sorted(found)


def each_checked(
    paths: Iterable[Path],
    rules: Rules,
    *,
    root: Path | None = None,
    progress: Callable[[Path], None] | None = None,
) -> Iterator[Checked]:
    """Read and check files one by one, so that never more than one is in memory.

    A campaign's name that two files use is a finding of the second.
    """
    names: dict[str, str] = {}
    for path in paths:
        if progress is not None:
            progress(path)
        loaded = load_campaign(path, root)
        findings = check_campaign(loaded, rules)
        if loaded.model is not None:
            line, _ = loaded.tree.position(("campaign",))
            name = loaded.model.campaign
            first = names.setdefault(name, f"{loaded.file}:{line}")
            if first != f"{loaded.file}:{line}":
                findings.append(
                    loaded.finding(
                        ("campaign",),
                        f"{first} and {loaded.file} are both the campaign `{name}`",
                        "rename one, or put all posts into one file",
                    )
                )
        yield Checked(loaded, _in_order(findings))


def check_folder(
    root: Path,
    *,
    now: datetime,
    limits: Mapping[str, Limits],
    inspect: Inspect,
    people: Iterable[str] | None = None,
    known: Callable[[str, str], bool] | None = None,
    paths: Iterable[Path] | None = None,
    progress: Callable[[Path], None] | None = None,
) -> Report:
    """Check a campaigns folder with its accounts, policy and partners, or some files of it.

    Without readable accounts only the shape of the campaigns can be checked.
    """
    report = Report()
    accounts = load_accounts(root / "accounts.yaml", root)
    policy = load_policy(root / "policy.yaml", root)
    partners = load_partners(root / "partners.yaml", root)
    report.findings += _in_order([*accounts.findings, *check_entries(accounts, limits)])
    report.findings += check_partners(partners, limits)
    report.findings += check_policy(policy, accounts.model)
    files = campaign_files(root) if paths is None else list(paths)
    if accounts.model is None or policy.model is None:
        for path in files:
            report.findings += load_campaign(path, root).findings
            report.files += 1
        return report
    rules = Rules(
        accounts=accounts.model,
        limits=limits,
        policy=policy.model,
        now=now,
        inspect=inspect,
        people=None if people is None else frozenset(people),
        known=known or (lambda campaign, post: False),
        partners=partners.model or NOBODY,
    )
    for checked in each_checked(files, rules, root=root, progress=progress):
        report.files += 1
        report.posts += len(checked.loaded.model.posts) if checked.loaded.model else 0
        report.findings += checked.findings
    return report


def _in_order(findings: list[Finding]) -> list[Finding]:
    return sorted(findings, key=lambda f: (f.line, f.column, f.warning))
