"""What services/reading.py answers with: posts, messages and parts as people look at them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.services.approval import LanguageVerdict
from social_scheduler.store.reading import DeliveryLine, PostLine


@dataclass(frozen=True, slots=True)
class PictureView:
    """One picture of a part."""

    sha256: str
    alt: str
    kind: str


@dataclass(frozen=True, slots=True)
class PartView:
    """One part as it will be said: its words, and how long the network counts them."""

    number: int
    text: str
    length: int
    limit: int
    counted_in: str
    pictures: tuple[PictureView, ...]
    state: str | None
    url: str | None
    live_at: datetime | None


@dataclass(frozen=True, slots=True)
class MessageView:
    """What one account says, and how its delivery stands."""

    account: str
    platform: str
    handle: str
    language: str
    link: str | None
    parts: tuple[PartView, ...]
    delivery: DeliveryLine | None


@dataclass(frozen=True, slots=True)
class LanguageView:
    """One language of a post: what is said, and how its approval stands."""

    language: str
    verdict: LanguageVerdict
    messages: tuple[MessageView, ...]

    @property
    def approved_by(self) -> list[str]:
        """Those whose approval counts, in order."""
        return list(dict.fromkeys(a.person for a in self.verdict.approvals))


@dataclass(frozen=True, slots=True)
class HistoryView:
    """One line of what happened."""

    at: datetime
    who: str
    step: str
    post: str | None
    account: str | None
    part: int | None
    source: str | None
    target: str | None
    why: str | None


@dataclass(frozen=True, slots=True)
class PostView:
    """One post whole."""

    line: PostLine
    not_before: datetime
    tags: tuple[str, ...]
    release: str
    place: str
    written_by: tuple[str, ...]
    languages: tuple[LanguageView, ...]
    history: tuple[HistoryView, ...]
    removed_from_file_at: datetime | None
    mine: tuple[str, ...]
    """The languages whose approval this person can give now."""
    why_not: str
    """Why they can give none; empty when they can."""
    others: tuple[DeliveryLine, ...]
    """Deliveries that keep what an earlier revision said (live already, or no longer meant)."""

    @property
    def missing(self) -> dict[str, str]:
        """What each language still needs; nothing when it may go out."""
        return {v.language: m for v in self.languages if (m := v.verdict.verdict.missing)}


@dataclass(frozen=True, slots=True)
class Waiting:
    """A post that waits for approval, with what it lacks, and whether this person can give it."""

    line: PostLine
    missing: dict[str, str]
    mine: tuple[str, ...]
    why_not: str
    verdicts: dict[str, LanguageVerdict]
    words: dict[str, str]
    """The first words of each language, whole."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A post in a list, with (account, language, state) of each delivery."""

    line: PostLine
    deliveries: tuple[tuple[str, str, DeliveryState], ...]
