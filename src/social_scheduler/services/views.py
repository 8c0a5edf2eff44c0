"""What services/reading.py answers with: posts, messages and parts as people look at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from social_scheduler.lifecycle import FINAL, DeliveryState, PostState
from social_scheduler.preview import PartLook
from social_scheduler.services.approval import LanguageVerdict
from social_scheduler.store.batches import Last
from social_scheduler.store.reading import DeliveryLine, PostLine

UNAPPROVED = "waits for approval"
"""What is said of a delivery that is scheduled while its post is not approved."""


def said_of(post: PostState, delivery: DeliveryState) -> str:
    """How a delivery stands, in one word: nobody takes for approved what is not."""
    unapproved = delivery is DeliveryState.SCHEDULED and post is not PostState.APPROVED
    return UNAPPROVED if unapproved else delivery.value


def said_of_post(post: PostState, deliveries: Collection[DeliveryState]) -> str:
    """How a post stands, in one word: what came of it once that is the same everywhere."""
    ended = set(deliveries)
    same = len(ended) == 1 and ended <= FINAL and post is not PostState.WITHDRAWN
    return ended.pop().value if same else post.value


@dataclass(frozen=True, slots=True)
class PictureView:
    """One picture or film of a part; `captions` is the SHA-256 of a film's."""

    sha256: str
    alt: str
    kind: str
    captions: str | None = None


@dataclass(frozen=True, slots=True)
class PartView:
    """One part as it will be said: its words, how long the network counts them, how it looks."""

    number: int
    text: str
    length: int
    limit: int
    counted_in: str
    pictures: tuple[PictureView, ...]
    state: str | None
    url: str | None
    live_at: datetime | None
    look: PartLook


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
    warning: str = ""
    """Words in front of it, which a reader opens first."""
    told: Mapping[str, str] = field(default_factory=dict)
    """What else its author chose (message.OPTIONS)."""


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
    changes_requested: HistoryView | None
    """Who asked for changes and why, while they are not made."""
    others: tuple[DeliveryLine, ...]
    """Deliveries that keep what an earlier revision said (live already, or no longer meant)."""

    @property
    def missing(self) -> dict[str, str]:
        """What each language still needs; nothing when it may go out."""
        return {v.language: m for v in self.languages if (m := v.verdict.verdict.missing)}

    @property
    def states(self) -> tuple[DeliveryState, ...]:
        """How all its deliveries stand."""
        said = (m.delivery for v in self.languages for m in v.messages)
        return tuple(d.state for d in (*said, *self.others) if d)

    @property
    def over(self) -> bool:
        """Nothing of it is left to send."""
        return all(state in FINAL for state in self.states)


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

    @property
    def states(self) -> tuple[DeliveryState, ...]:
        """How its deliveries stand."""
        return tuple(state for _, _, state in self.deliveries)


@dataclass(frozen=True, slots=True)
class Act:
    """Something that can be decided about a delivery, and why this person cannot; empty: they can."""

    name: str
    why_not: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One delivery that needs a person."""

    line: DeliveryLine
    words: str
    """What it says first, whole."""
    last: Last
    acts: tuple[Act, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """The deliveries of one post that need a person, with how all its deliveries stand."""

    post: PostLine
    entries: tuple[Entry, ...]
    together: bool
    """Its accounts were to speak together or not at all."""
    deliveries: tuple[tuple[str, str, DeliveryState], ...]

    @property
    def live(self) -> tuple[str, ...]:
        """The accounts on which it is live, whole or in part."""
        live = (DeliveryState.PUBLISHED, DeliveryState.PARTIAL)
        return tuple(account for account, _, state in self.deliveries if state in live)

    @property
    def rest(self) -> tuple[Entry, ...]:
        """What can be sent again without a doubt that it is there already."""
        unsaid = (DeliveryState.FAILED, DeliveryState.MISSED, DeliveryState.PARTIAL)
        return tuple(
            e for e in self.entries if e.line.state in unsaid and Act("send_again", "") in e.acts
        )

    def without_the_last(self) -> tuple[Block, ...]:
        """The block with one entry less: none when that was all of it."""
        fewer = self.entries[:-1]
        return (replace(self, entries=fewer),) if fewer else ()

    @property
    def partly_published(self) -> bool:
        """Released together, and live on some of its accounts while others need a person."""
        unsaid = any(e.line.state is not DeliveryState.PUBLISHED for e in self.entries)
        return self.together and bool(self.live) and unsaid
