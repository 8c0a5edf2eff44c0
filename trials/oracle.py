"""The judge of every trial: what the network accepted, against what people approved and were told.

Written from the promise, not from the engine: *never twice without a person saying so; never
silently lost; never after its window; never different from what was approved*. It is given
three things that come from three places: the network's own ledger, the trial's own record of
what people did, and what the workspace says in the end.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from social_scheduler.sandbox import LedgerEntry

STOP_REACHES = timedelta(seconds=1)
"""A call begins at most this long after its intent; so a stop reaches every later one."""
ON_THE_WAY = timedelta(seconds=1)
"""How long a request may take from its beginning until the network has accepted it."""

SEEN_BY_PEOPLE = frozenset(
    {"failed", "missed", "partial", "unconfirmed", "cancelled", "removed", "published"}
)
"""States in which a delivery is settled or stands in somebody's inbox."""


@dataclass(frozen=True, slots=True)
class Words:
    """What one call says: text, and (SHA-256, alt text) of every picture."""

    text: str
    media: tuple[tuple[str, str], ...] = ()


@dataclass(slots=True)
class Approved:
    """Somebody said yes to these words of one post to one account, for this window."""

    post: str
    account: str
    handle: str
    parts: tuple[Words, ...]
    due_at: datetime
    not_after: datetime
    given_at: datetime
    ended_at: datetime | None = None
    """When a person took the approval back: an edit, a withdrawal, a request for changes."""


@dataclass(frozen=True, slots=True)
class Again:
    """A person said: send it again. Counts from `asked_at`, and gives a new window."""

    post: str
    account: str
    asked_at: datetime
    not_after: datetime


@dataclass(slots=True)
class Held:
    """A hold: committed at `since`; `until` is when a person released it."""

    accounts: frozenset[str]
    since: datetime
    until: datetime | None = None


@dataclass(slots=True)
class Record:
    """What people did in a trial, written down by the trial itself."""

    approved: list[Approved] = field(default_factory=list)
    again: list[Again] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    forgotten: set[tuple[str, str]] = field(default_factory=set)
    """(post, account) queued after the backup that was put back: it need not be there any more."""


@dataclass(frozen=True, slots=True)
class PartSaid:
    """One part as the workspace has it in the end."""

    number: int
    state: str
    remote_id: str | None


@dataclass(frozen=True, slots=True)
class DeliverySaid:
    """One delivery as the workspace has it in the end. `told` are its history's steps."""

    post: str
    account: str
    state: str
    parts: tuple[PartSaid, ...]
    held: bool = False
    told: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken promise. `kind`: doubled, lost, unexplained or late."""

    kind: str
    what: str


KINDS = ("doubled", "lost", "unexplained", "late")


@dataclass(slots=True)
class Verdict:
    """What the judge found, and how many deliveries stand unconfirmed in the end."""

    findings: list[Finding] = field(default_factory=list)
    unconfirmed: int = 0
    said: int = 0
    deliveries: int = 0

    def count(self, kind: str) -> int:
        """How many findings there are of a kind."""
        return sum(f.kind == kind for f in self.findings)


def judge(
    ledger: Sequence[LedgerEntry],
    record: Record,
    final: Sequence[DeliverySaid],
    *,
    now: datetime,
    clocks_lie: bool = False,
    history_kept: bool = True,
) -> Verdict:
    """Compare the three. `clocks_lie`: a process had a wrong clock; windows are not judged, and
    what is still scheduled inside its window counts as waiting.

    `history_kept` is False where the database was put back: its history may lack what was said.
    """
    judged = _Judge(ledger, record, final, now, clocks_lie, history_kept)
    return judged.verdict()


class _Judge:
    def __init__(
        self,
        ledger: Sequence[LedgerEntry],
        record: Record,
        final: Sequence[DeliverySaid],
        now: datetime,
        clocks_lie: bool,
        history_kept: bool,
    ) -> None:
        self.record, self.final, self.now = record, final, now
        self.clocks_lie, self.history_kept = clocks_lie, history_kept
        self.ledger = sorted(ledger, key=lambda e: (e.received_at, int(e.id)))
        self.found: list[Finding] = []
        self.by_words: dict[tuple[str, Words], list[tuple[Approved, int]]] = defaultdict(list)
        for approved in record.approved:
            for number, words in enumerate(approved.parts, 1):
                self.by_words[approved.handle.lower(), words].append((approved, number))
        self.entries: dict[tuple[str, str, int], list[LedgerEntry]] = defaultdict(list)
        self.said_as: dict[str, tuple[str, str, int]] = {}
        self.again = _by_delivery(record.again)

    def verdict(self) -> Verdict:
        for entry in self.ledger:
            self._place(entry)
        for (post, account, number), entries in self.entries.items():
            self._once(post, account, number, entries)
        said = {(d.post, d.account): d for d in self.final}
        for delivery in self.final:
            self._in_the_end(delivery)
        for key in dict.fromkeys((a.post, a.account) for a in self.record.approved):
            if key not in said and key not in self.record.forgotten:
                self._add(
                    "lost", f"{key[0]} to {key[1]} was approved; the workspace has it no more"
                )
        return Verdict(
            self.found,
            sum(d.state == "unconfirmed" for d in self.final),
            len(self.ledger),
            len(self.final),
        )

    def _add(self, kind: str, what: str) -> None:
        self.found.append(Finding(kind, what))

    def _place(self, entry: LedgerEntry) -> None:
        """Whose words these are, and whether they were allowed at this moment."""
        media = tuple((m.sha256, m.alt_text or "") for m in entry.media)
        known = self.by_words.get((entry.account.lower(), Words(entry.text, media)), [])
        if not known:
            self._add("unexplained", f"@{entry.account} said what nobody approved: {entry.text!r}")
            return
        valid = [(a, n) for a, n in known if self._counted(a, entry.received_at)]
        approved, number = (valid or known)[-1]
        name = f"{approved.post} part {number} to {approved.account}"
        key = (approved.post, approved.account, number)
        self.entries[key].append(entry)
        self.said_as[entry.id] = key
        if not valid:
            self._add("unexplained", f"{name} was said without an approval that stood")
        if any(
            approved.account in hold.accounts
            and entry.received_at > hold.since + STOP_REACHES + ON_THE_WAY
            and (hold.until is None or entry.received_at < hold.until)
            for hold in self.record.held
        ):
            self._add("unexplained", f"{name} was said while it was held")
        self._in_order(entry, name, key)
        if not self.clocks_lie:
            self._in_time(entry, approved, name)

    def _counted(self, approved: Approved, at: datetime) -> bool:
        ended = approved.ended_at
        return approved.given_at <= at and (
            ended is None or at <= ended + STOP_REACHES + ON_THE_WAY
        )

    def _in_order(self, entry: LedgerEntry, name: str, key: tuple[str, str, int]) -> None:
        """Every part of a thread answers the part before it; a first part answers nothing."""
        post, account, number = key
        before = {e.id for e in self.entries.get((post, account, number - 1), [])}
        right = entry.reply_to in before if number > 1 else entry.reply_to is None
        if not right:
            self._add("unexplained", f"{name} stands under {entry.reply_to}, not in its thread")

    def _in_time(self, entry: LedgerEntry, approved: Approved, name: str) -> None:
        windows = [(approved.due_at, approved.not_after)]
        windows += [(a.asked_at, a.not_after) for a in self.again[approved.post, approved.account]]
        at = entry.received_at
        if not any(begin <= at <= end + ON_THE_WAY for begin, end in windows):
            begin, end = windows[-1]
            self._add("late", f"{name} was said at {at:%H:%M:%S.%f}, window {begin}–{end}")

    def _once(self, post: str, account: str, number: int, entries: Sequence[LedgerEntry]) -> None:
        """Between two times the same is said, a person must have said so."""
        asked = [a.asked_at for a in self.again[post, account]]
        for earlier, later in itertools.pairwise(entries):
            if not any(earlier.received_at < at <= later.received_at for at in asked):
                self._add(
                    "doubled",
                    f"{post} part {number} to {account} was said at "
                    f"{earlier.received_at:%H:%M:%S.%f} and again at {later.received_at:%H:%M:%S.%f}",
                )

    def _in_the_end(self, delivery: DeliverySaid) -> None:
        key = (delivery.post, delivery.account)
        name = f"{delivery.post} to {delivery.account}"
        approvals = [a for a in self.record.approved if (a.post, a.account) == key]
        if approvals and delivery.state not in SEEN_BY_PEOPLE and not delivery.held:
            latest = approvals[-1]
            dues = [latest.due_at, *(a.asked_at for a in self.again[key])]
            closes = [latest.not_after, *(a.not_after for a in self.again[key])]
            ends = closes if self.clocks_lie else dues
            if latest.ended_at is None and max(ends) <= self.now:
                self._add("lost", f"{name} is {delivery.state} in the end, and nobody is told")
        for part in delivery.parts:
            self._part_in_the_end(delivery, part, f"{name} part {part.number}")
        if delivery.state == "published" and any(p.state != "live" for p in delivery.parts):
            self._add("unexplained", f"{name} is published, but not every part of it is live")

    def _part_in_the_end(self, delivery: DeliverySaid, part: PartSaid, name: str) -> None:
        entries = self.entries.get((delivery.post, delivery.account, part.number), [])
        if part.state in {"live", "removed"} and not entries:
            self._add("lost", f"{name} is {part.state} here; the network never had it")
        elif part.state in {"live", "removed"} and part.remote_id not in {e.id for e in entries}:
            self._add("unexplained", f"{name} is live here as {part.remote_id}; that is another")
        # What a person sent again may be there from before.
        asked = max((a.asked_at for a in self.again[delivery.post, delivery.account]), default=None)
        since = [e for e in entries if asked is None or e.received_at > asked]
        denied = part.state in {"waiting", "refused"}
        if since and denied:
            self._add(
                "unexplained",
                f"{name} is {part.state} ({delivery.state}) here, as if never sent; it is live",
            )
        if entries and self.history_kept and "begin" not in delivery.told:
            self._add("unexplained", f"{name} was said; its history does not know when it began")


def _by_delivery(again: Iterable[Again]) -> Mapping[tuple[str, str], list[Again]]:
    found: dict[tuple[str, str], list[Again]] = defaultdict(list)
    for each in again:
        found[each.post, each.account].append(each)
    return found
