"""Check campaign files against what the workspace knows, and plan what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from social_scheduler import platforms
from social_scheduler.campaign.checks import (
    Report,
    Rules,
    campaign_files,
    check_policy,
    each_checked,
)
from social_scheduler.campaign.load import load_accounts, load_campaign, load_policy
from social_scheduler.campaign.schema import Accounts, Campaign
from social_scheduler.errors import InvalidCampaign, InvalidInput
from social_scheduler.media.pictures import Picture, decode_check, inspect
from social_scheduler.message import Attachment, Limits
from social_scheduler.planning import PlannedPost, plan_campaign
from social_scheduler.policy import DEFAULT_POLICY
from social_scheduler.services.accounts import speakers
from social_scheduler.services.context import Context
from social_scheduler.services.enqueue import CampaignFacts
from social_scheduler.store import people as people_store
from social_scheduler.store import queue as queue_store
from social_scheduler.text import nfc

Progress = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class Files:
    """Campaign files, and the folder whose accounts.yaml and policy.yaml speak for them."""

    root: Path
    paths: list[Path]


@dataclass(frozen=True, slots=True)
class Sound:
    """A campaign in which nothing is wrong, and where its posts stand in the file."""

    campaign: Campaign
    path: Path
    file: str
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What checking came to."""

    report: Report
    sound: list[Sound]
    accounts: Accounts | None


def find_files(paths: Iterable[Path], workspace: Path) -> Files:
    """The campaign files that are meant; none named: all of the workspace's `campaigns/`."""
    named = [p.resolve() for p in paths] or [(workspace / "campaigns").resolve()]
    for path in named:
        if not path.exists():
            raise InvalidInput(f"There is no {path}.", "Name a campaign file or a folder of them.")
    root = next((r for p in named if (r := _root_above(p)) is not None), None)
    if root is None:
        raise InvalidInput(
            f"There is no accounts.yaml in {named[0]} or above it.",
            "Campaign files live in a folder with accounts.yaml and policy.yaml.",
        )
    files: dict[Path, None] = {}
    for path in named:
        for file in campaign_files(path) if path.is_dir() else [path]:
            if file.name not in ("accounts.yaml", "policy.yaml"):
                files[file] = None
    return Files(root, list(files))


def _root_above(path: Path) -> Path | None:
    folders = [path, *path.parents] if path.is_dir() else list(path.parents)
    return next((f for f in folders if (f / "accounts.yaml").exists()), None)


def check(
    files: Files, *, now: datetime, context: Context | None = None, progress: Progress | None = None
) -> Outcome:
    """Every mistake in some files. With a workspace, also against its people and its queue."""
    report = Report()
    accounts = load_accounts(files.root / "accounts.yaml", files.root)
    policy = load_policy(files.root / "policy.yaml", files.root)
    report.findings += accounts.findings
    report.findings += check_policy(policy, accounts.model)
    if accounts.model is None:
        for path in files.paths:
            report.findings += load_campaign(path, files.root).findings
            report.files += 1
        return Outcome(report, [], accounts.model)
    people, known = _known(context)
    rules = Rules(
        accounts=accounts.model,
        limits=platforms.limits(),
        policy=policy.model or DEFAULT_POLICY,  # what is wrong with it is a finding already
        now=now,
        inspect=_look_into,
        people=people,
        known=known,
        told={s.name: s.told for s in speakers(context).values()} if context else {},
    )
    sound = []
    for checked in each_checked(files.paths, rules, root=files.root, progress=progress):
        report.files += 1
        report.findings += checked.findings
        if checked.loaded.model is not None:
            report.posts += len(checked.loaded.model.posts)
        if checked.campaign is not None:
            tree = checked.loaded.tree
            lines = tuple(
                tree.position(("posts", n))[0] for n in range(len(checked.campaign.posts))
            )
            sound.append(Sound(checked.campaign, checked.loaded.path, checked.loaded.file, lines))
    return Outcome(report, sound, accounts.model)


def _known(context: Context | None) -> tuple[frozenset[str] | None, Callable[[str, str], bool]]:
    if context is None:
        return None, lambda campaign, post: False
    with context.database.read() as tx:
        people = frozenset(p.name for p in people_store.everybody(tx) if p.active)
        keys = queue_store.known_keys(tx)
    return people, lambda campaign, post: (campaign, post) in keys


def _look_into(path: Path) -> Picture:
    """What a picture is, having decoded it whole: a damaged one is found now."""
    picture = inspect(path)
    decode_check(path)
    return picture


def plan(context: Context, outcome: Outcome) -> Iterator[tuple[CampaignFacts, list[PlannedPost]]]:
    """What each sound campaign says: the exact bytes, with pictures made ready.

    InvalidCampaign when anything was found wrong: nothing of a run is queued then.
    """
    if outcome.report.errors or outcome.accounts is None:
        raise InvalidCampaign(outcome.report.errors)
    known = speakers(context)
    limits = platforms.limits()
    pictures: dict[tuple[Path, int, int], tuple[str, str]] = {}
    for sound in outcome.sound:
        folder = sound.path.parent

        def attach(file: str, alt: str, limit: Limits, folder: Path = folder) -> Attachment:
            key = (folder / file, limit.picture_bytes, limit.picture_side)
            if key not in pictures:
                made = context.media.derive(key[0], max_bytes=key[1], max_side=key[2])
                pictures[key] = (made.sha256, made.kind)
            sha256, kind = pictures[key]
            return Attachment(sha256=sha256, type=kind, alt=nfc(alt))

        yield (
            CampaignFacts(
                name=sound.campaign.campaign,
                kind=sound.campaign.kind.value,
                title=sound.campaign.title,
                path=_path_in(context.root, sound.path),
            ),
            plan_campaign(
                sound.campaign,
                outcome.accounts,
                speakers=known,
                limits=limits,
                attach=attach,
                place=lambda n, s=sound: f"{s.file}:{s.lines[n]}",  # type: ignore[misc]
            ),
        )


def _path_in(root: Path, path: Path) -> str:
    root = root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
