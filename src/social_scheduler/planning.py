"""Campaign + accounts + limits → posts and deliveries: exactly what would be said, where and when."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from social_scheduler.campaign.render import RenderedPart, render
from social_scheduler.campaign.schema import AccountEntry, Accounts, Campaign, Post
from social_scheduler.campaign.times import Resolved, resolve
from social_scheduler.errors import InvalidInput
from social_scheduler.message import (
    Attachment,
    Limits,
    Message,
    MessagePart,
    Window,
    content_digest,
    revision_digest,
    window_digest,
)


@dataclass(frozen=True, slots=True)
class Speaker:
    """A connected account: where on which network it speaks, and as whom."""

    id: int
    name: str
    platform: str
    server: str
    native_id: str
    language: str
    handle: str
    told: Mapping[str, int] = field(default_factory=dict)
    """Limits of its own, as its network said (message.TOLD)."""


@dataclass(frozen=True, slots=True)
class PlannedMessage:
    """What one account will say, as bytes."""

    speaker: Speaker
    body: bytes
    digest: str
    parts: int
    pictures: int


@dataclass(frozen=True, slots=True)
class PlannedPost:
    """One post as its file has it now."""

    campaign: str
    key: str
    kind: str
    owner: str
    tags: tuple[str, ...]
    release: str
    window: Window
    zone: str
    wall: str
    messages: tuple[PlannedMessage, ...]
    place: str
    """`file:line`, for people."""
    expires_at: datetime | None = None
    """Nothing goes out after this, not even when it is sent again later."""

    @property
    def digest(self) -> str:
        """What this says as a whole; the time is not in it (see `window_digest`)."""
        return revision_digest(
            {
                "kind": self.kind,
                "owner": self.owner,
                "tags": list(self.tags),
                "release": self.release,
                "messages": {m.speaker.name: m.digest for m in self.messages},
            }
        )

    @property
    def window_digest(self) -> str:
        """When this may be said."""
        return window_digest(self.window)


Attach = Callable[[str, str, Limits], Attachment]
"""Given a picture's path, its alt text and the network's limits: the attachment to upload."""


def plan_campaign(
    campaign: Campaign,
    accounts: Accounts,
    *,
    speakers: Mapping[str, Speaker],
    limits: Mapping[str, Limits],
    attach: Attach,
    place: Callable[[int], str],
) -> list[PlannedPost]:
    """Every post of a checked campaign. `place(i)` names where the i-th post stands."""
    return [
        _plan_post(campaign, post, accounts, speakers, limits, attach, place(index))
        for index, post in enumerate(campaign.posts)
    ]


def _plan_post(
    campaign: Campaign,
    post: Post,
    accounts: Accounts,
    speakers: Mapping[str, Speaker],
    limits: Mapping[str, Limits],
    attach: Attach,
    place: str,
) -> PlannedPost:
    when, window = post_window(campaign, post)
    return PlannedPost(
        campaign=campaign.campaign,
        key=post.id,
        kind=campaign.kind.value,
        owner=campaign.owner,
        tags=tuple(sorted({*campaign.tags, *post.tags})),
        release=campaign.release,
        window=window,
        zone=when.zone,
        wall=when.wall,
        messages=tuple(
            _plan_message(campaign, post, entry, _speaker(speakers, entry), limits, attach)
            for entry in accounts.named(post.to or campaign.to)
        ),
        place=place,
        expires_at=_instant(campaign, campaign.expires) if campaign.expires else None,
    )


def post_window(campaign: Campaign, post: Post) -> tuple[Resolved, Window]:
    """When a post is due, and the window in which it may go out."""
    when = resolve(post.at, timezone=campaign.timezone, week_of=campaign.week_of)
    not_before, not_after = when.instant, when.instant + duration(campaign.late)
    if campaign.embargo:
        not_before = max(not_before, _instant(campaign, campaign.embargo))
    if campaign.expires:
        not_after = min(not_after, _instant(campaign, campaign.expires))
    return when, Window(due_at=when.instant, not_before=not_before, not_after=not_after)


def duration(written: str) -> timedelta:
    """`10 minutes`, `1 hour` … as a duration."""
    found = re.fullmatch(r"([0-9]+) (second|minute|hour)s?", written)
    if found is None:
        raise InvalidInput(f"{written!r} is no duration.", "Write 10 minutes, or 2 hours.")
    return timedelta(**{f"{found[2]}s": int(found[1])})


def _instant(campaign: Campaign, written: str) -> datetime:
    return resolve(written, timezone=campaign.timezone, week_of=campaign.week_of).instant


def _speaker(speakers: Mapping[str, Speaker], entry: AccountEntry) -> Speaker:
    speaker = speakers.get(entry.name)
    if speaker is None:
        raise InvalidInput(
            f"The account {entry.name} is not connected yet.",
            f"An admin runs: social-scheduler accounts add {entry.name}",
        )
    for what, written, connected in (
        ("language", entry.language, speaker.language),
        ("platform", entry.platform, speaker.platform),
        ("handle", entry.handle, speaker.handle),
    ):
        if written != connected:
            raise InvalidInput(
                f"accounts.yaml gives {entry.name} the {what} {written!r}, "
                f"but it was connected with {connected!r}.",
                f"Correct the file, or an admin runs: social-scheduler accounts add {entry.name}",
            )
    return speaker


def _plan_message(
    campaign: Campaign,
    post: Post,
    entry: AccountEntry,
    speaker: Speaker,
    limits: Mapping[str, Limits],
    attach: Attach,
) -> PlannedMessage:
    rendered = render(campaign, post, entry)
    own = entry.limits(limits[entry.platform], speaker.told)

    def part(source: RenderedPart) -> MessagePart:
        return MessagePart(
            text=source.text,
            media=tuple(
                _attachment(campaign, name, entry.language, own, attach) for name in source.media
            ),
        )

    message = Message(
        platform=speaker.platform,
        server=speaker.server,
        account=speaker.native_id,
        language=speaker.language,
        parts=tuple(part(p) for p in rendered.parts),
        link=rendered.link,
    )
    body = message.canonical()
    return PlannedMessage(
        speaker, body, content_digest(body), len(message.parts), len(message.media)
    )


def _attachment(
    campaign: Campaign, name: str, language: str, limits: Limits, attach: Attach
) -> Attachment:
    media = campaign.media[name]
    file = media.file if isinstance(media.file, str) else media.file[language]
    return attach(file, media.alt[language], limits)
