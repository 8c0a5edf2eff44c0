"""Campaign + accounts + limits → posts and deliveries: exactly what would be said, where and when."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from social_scheduler.campaign.partners import NOBODY, Partners
from social_scheduler.campaign.render import Rendered, RenderedPart, render
from social_scheduler.campaign.schema import AccountEntry, Accounts, Campaign, Post
from social_scheduler.campaign.times import Resolved, resolve
from social_scheduler.errors import InvalidInput
from social_scheduler.message import (
    Attachment,
    Card,
    Limits,
    Mention,
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
    limits: Limits
    """The account's own: what the message was made to fit."""


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


class Attach(Protocol):
    """Makes the attachment that is uploaded of a picture's or film's path and its alt text.

    `captions` are for a film on a network that takes them: a path, and the language of its words.
    """

    def __call__(
        self, file: str, alt: str, limits: Limits, captions: tuple[str, str] | None = None
    ) -> Attachment: ...


Refusals = Callable[[Message, Limits], Sequence[str]]
"""What a network would refuse in a message, in sentences (`Platform.check`)."""


def plan_campaign(
    campaign: Campaign,
    accounts: Accounts,
    *,
    speakers: Mapping[str, Speaker],
    limits: Mapping[str, Limits],
    attach: Attach,
    place: Callable[[int], str],
    partners: Partners = NOBODY,
    refusals: Mapping[str, Refusals] | None = None,
) -> list[PlannedPost]:
    """Every post of a checked campaign. `place(i)` names where the i-th post stands.

    `refusals` are by platform, for those that look at messages themselves.
    """
    plan = _Plan(campaign, speakers, limits, attach, partners, refusals or {})
    return [
        plan.post(number, post, accounts.named(post.to or campaign.to), place(number))
        for number, post in enumerate(campaign.posts)
    ]


@dataclass(frozen=True, slots=True)
class _Plan:
    """One campaign being planned, and what it is planned with."""

    campaign: Campaign
    speakers: Mapping[str, Speaker]
    limits: Mapping[str, Limits]
    attach: Attach
    partners: Partners
    refusals: Mapping[str, Refusals]

    def post(
        self, number: int, post: Post, entries: Sequence[AccountEntry], place: str
    ) -> PlannedPost:
        """One post with all its messages."""
        campaign = self.campaign
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
            messages=tuple(self._message(number, post, entry, place) for entry in entries),
            place=place,
            expires_at=_instant(campaign, campaign.expires) if campaign.expires else None,
        )

    def _message(self, number: int, post: Post, entry: AccountEntry, place: str) -> PlannedMessage:
        speaker = _speaker(self.speakers, entry)
        own = entry.limits(self.limits[entry.platform], speaker.told)
        rendered = render(
            self.campaign, post, entry, partners=self.partners, limits=own, number=number
        )
        message = Message(
            platform=speaker.platform,
            server=speaker.server,
            account=speaker.native_id,
            language=speaker.language,
            parts=tuple(self._part(part, entry.language, own) for part in rendered.parts),
            link=rendered.link,
            card=self._card(rendered, entry.language, own),
            options={k: v for k, v in rendered.options.items() if k in own.options},
        )
        refused = self.refusals.get(entry.platform)
        for sentence in refused(message, own) if refused else ():
            problem = f"{place}: {entry.name} cannot say this: {sentence}"
            raise InvalidInput(problem, f"Write a variant for {entry.platform}, or change it.")
        body = message.canonical()
        return PlannedMessage(
            speaker, body, content_digest(body), len(message.parts), len(message.media), own
        )

    def _part(self, part: RenderedPart, language: str, limits: Limits) -> MessagePart:
        return MessagePart(
            text=part.text,
            media=tuple(self._attachment(name, language, limits) for name in part.media),
            mentions=tuple(Mention(text=n.handle, id=n.id) for n in part.named if n.id),
        )

    def _card(self, rendered: Rendered, language: str, limits: Limits) -> Card | None:
        """The box for the link, where it is ours to make and no media take its place."""
        card = rendered.card
        if card is None or rendered.link is None or not limits.own_card or rendered.parts[0].media:
            return None
        most = limits.extra.get("card_picture_bytes", limits.picture_bytes)
        room = replace(limits, picture_bytes=min(most, limits.picture_bytes))
        picture = self._attachment(card.picture, language, room) if card.picture else None
        return Card(
            link=rendered.link, title=card.title, description=card.description, picture=picture
        )

    def _attachment(self, name: str, language: str, limits: Limits) -> Attachment:
        media = self.campaign.media[name]
        file = media.file if isinstance(media.file, str) else media.file[language]
        words = (media.captions or {}).get(language) if limits.captions else None
        captions = (words, language) if words else None
        return self.attach(file, media.alt[language], limits, captions)


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
            f"An admin runs: social-scheduler accounts connect {entry.name}",
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
                f"Correct the file, or an admin runs: social-scheduler accounts connect {entry.name}",
            )
    return speaker
