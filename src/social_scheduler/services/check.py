"""Check campaign files against what the workspace knows, and plan what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from social_scheduler import platforms
from social_scheduler.campaign.checks import (
    NOT_CAMPAIGNS,
    Report,
    Rules,
    campaign_files,
    check_policy,
    each_checked,
)
from social_scheduler.campaign.checks_accounts import check_entries
from social_scheduler.campaign.checks_partners import check_partners
from social_scheduler.campaign.load import (
    Loaded,
    load_accounts,
    load_campaign,
    load_partners,
    load_policy,
)
from social_scheduler.campaign.partners import NOBODY, Partners
from social_scheduler.campaign.schema import Accounts, Campaign
from social_scheduler.errors import Finding, InvalidCampaign, InvalidInput
from social_scheduler.media import Film, Picture, decode_check, inspect
from social_scheduler.media.headers import FILMS
from social_scheduler.message import Attachment, Captions, Limits
from social_scheduler.planning import PlannedPost, plan_campaign
from social_scheduler.policy import DEFAULT_POLICY
from social_scheduler.services.accounts import keys_end, speakers
from social_scheduler.services.context import Context
from social_scheduler.services.enqueue import CampaignFacts
from social_scheduler.store import people as people_store
from social_scheduler.store import queue as queue_store
from social_scheduler.text import nfc

Progress = Callable[[Path], None]
FilmProgress = Callable[[Path, float], None]
"""Told which film is worked on, and how much of it is done, from 0 to 1."""


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
    partners: Partners = NOBODY


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
            if file.name not in NOT_CAMPAIGNS:
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
    partners = load_partners(files.root / "partners.yaml", files.root)
    limits = platforms.limits()
    of_accounts = [*accounts.findings, *check_entries(accounts, limits), *_check_servers(accounts)]
    report.findings += sorted(of_accounts, key=lambda f: (f.line, f.column))
    report.findings += check_policy(policy, accounts.model)
    report.findings += check_partners(partners, limits)
    if accounts.model is None:
        for path in files.paths:
            report.findings += load_campaign(path, files.root).findings
            report.files += 1
        return Outcome(report, [], accounts.model)
    people, known = _known(context)
    rules = Rules(
        accounts=accounts.model,
        limits=limits,
        policy=policy.model or DEFAULT_POLICY,  # what is wrong with it is a finding already
        now=now,
        inspect=_look_into,
        people=people,
        known=known,
        told={s.name: s.told for s in speakers(context).values()} if context else {},
        ends=keys_end(context) if context else {},
        partners=partners.model or NOBODY,
        sandbox=context.sandbox_url if context and context.kind == "rehearsal" else None,
        id_in=lambda platform, address: platforms.named(platform).id_in(address),
        refusals=platforms.refusals(),
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
    return Outcome(report, sound, accounts.model, rules.partners)


def _check_servers(accounts: Loaded[Accounts]) -> Iterator[Finding]:
    """Keys of a network that has one address are never sent to another."""
    known = platforms.discover()
    for number, account in enumerate(accounts.model.accounts if accounts.model else ()):
        module = known.get(account.platform)
        if module is None or module.many_servers or account.server in (None, module.default_url):
            continue
        yield accounts.finding(
            ("accounts", number, "server"),
            f"{module.label} is at {module.default_url} only",
            "leave `server` out",
        )


def _known(context: Context | None) -> tuple[frozenset[str] | None, Callable[[str, str], bool]]:
    if context is None:
        return None, lambda campaign, post: False
    with context.database.read() as tx:
        people = frozenset(p.name for p in people_store.everybody(tx) if p.active)
        keys = queue_store.known_keys(tx)
    return people, lambda campaign, post: (campaign, post) in keys


def _look_into(path: Path) -> Picture | Film:
    """What a picture or film is, having read it whole: a damaged one is found now."""
    found = inspect(path)
    if isinstance(found, Picture):
        decode_check(path)
    return found


def plan(
    context: Context, outcome: Outcome, *, progress: FilmProgress | None = None
) -> Iterator[tuple[CampaignFacts, list[PlannedPost]]]:
    """What each sound campaign says: the exact bytes, with pictures and films made ready.

    InvalidCampaign when anything was found wrong: nothing of a run is queued then. `progress` is
    told of films, whose copies can take minutes.
    """
    if outcome.report.errors or outcome.accounts is None:
        raise InvalidCampaign(outcome.report.errors)
    known = speakers(context)
    limits = platforms.limits()
    for sound in outcome.sound:
        folder = sound.path.parent

        def attach(
            file: str,
            alt: str,
            limits: Limits,
            captions: tuple[str, str] | None = None,
            folder: Path = folder,
        ) -> Attachment:
            return _attachment(context, folder, file, alt, limits, captions, progress)

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
                partners=outcome.partners,
                refusals=platforms.refusals(),
            ),
        )


def _attachment(
    context: Context,
    folder: Path,
    file: str,
    alt: str,
    limits: Limits,
    captions: tuple[str, str] | None,
    progress: FilmProgress | None,
) -> Attachment:
    """What is uploaded of one picture or film, its copy made now if it was not before."""
    media = context.media
    name = file
    try:
        told = partial(progress, Path(file)) if progress else None
        made = media.derive(folder / file, limits, told)
        words = None
        if captions and made.kind in FILMS:
            name = captions[0]
            sha256 = media.captions(folder / name, made.milliseconds)
            words = Captions(sha256=sha256, language=captions[1])
    except InvalidInput as error:
        problem = f"{folder.name}/{name} cannot be used: {error.problem.rstrip('.')}."
        raise InvalidInput(problem, _sentence(error.remedy)) from error
    return Attachment(
        sha256=made.sha256,
        type=made.kind,
        alt=nfc(alt),
        width=made.width,
        height=made.height,
        milliseconds=made.milliseconds,
        captions=words,
    )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}." if words and words[-1] != "." else words


def _path_in(root: Path, path: Path) -> str:
    root = root.resolve()
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
