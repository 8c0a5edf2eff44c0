"""Finds what a journal knows and a database that was put back does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from social_scheduler.errors import WorkspaceError
from social_scheduler.journal import Intent, Journal, Outcome, Stop, as_intent, as_outcome, as_stop
from social_scheduler.services.past import reading_words
from social_scheduler.store import past as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.past import Call
from social_scheduler.store.publishing import mark_of
from social_scheduler.store.tables import History


@dataclass(frozen=True, slots=True)
class LostCall:
    """A call that the database does not know, or of which it does not know what came of it."""

    worker: str
    intent: Intent
    outcome: Outcome | None
    begun: bool
    """Whether the database knows that it began."""


@dataclass
class Lost:
    """One journal, compared with the database."""

    worker: str
    identity: str
    last_seen: tuple[int, str] | None = None
    calls: list[LostCall] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    released: list[Stop] = field(default_factory=list)
    """Every release of a hold, whether the database knows of it or not."""
    highest: int = 0
    """The highest number of a delivery that it speaks of."""
    older: bool = False
    """Whether the database lacks something that was not read into it before."""

    @property
    def words(self) -> str:
        """How the history tells that this journal was read up to here."""
        return reading_words(self.worker, self.last_seen)


def header(journal: Journal, workspace: str) -> tuple[str, str]:
    """The worker and the id that a journal says it has; refused when it is of another workspace."""
    first = next(journal.records(), {})
    if first.get("workspace") != workspace:
        raise WorkspaceError(
            f"{journal.path} is not a journal of this workspace.", "Name this workspace's journals."
        )
    return str(first.get("worker", journal.name)), str(first.get("id", ""))


def compare(tx: Transaction, journal: Journal, workspace: str) -> Lost:
    """Everything in a journal that the database lacks. Reads it whole; keeps what is lost."""
    lost = Lost(*header(journal, workspace))
    unclear = store.open_calls(tx)
    fresh = False
    pending: dict[tuple[int, int, int], tuple[Intent, bool]] = {}
    for batch in _batches(journal):
        intents = [r for r in batch if isinstance(r, Intent)]
        lost.highest = max([lost.highest, *(i.delivery for i in intents)])
        unknown = set(store.unknown_calls(tx, [_key(i) for i in intents]))
        for record in batch:
            match record:
                case Intent():
                    _close(lost, pending, record.call)
                    if _key(record) in unknown:
                        pending[record.call] = record, False
                        fresh = True
                    elif _key(record) in unclear:
                        pending[record.call] = record, True
                case Outcome():
                    if found := pending.pop(record.call, None):
                        lost.calls.append(LostCall(lost.worker, found[0], record, found[1]))
                case Stop():
                    (lost.released if record.step == "release_hold" else lost.stops).append(record)
                case tuple():
                    lost.last_seen = record
                case None:  # read into a database before: what it lacks from before, it may lack
                    fresh = False
                    for call in list(pending):
                        _close(lost, pending, call)
    for call in list(pending):
        _close(lost, pending, call)
    seen = lost.last_seen
    missing = seen is not None and mark_of(tx, seen[0]) != seen[1]
    lost.older = (missing or fresh) and not store.remembered(tx, "reconcile", lost.words)
    lost.stops = _unknown(tx, lost.stops)
    return lost


def _close(
    lost: Lost,
    pending: dict[tuple[int, int, int], tuple[Intent, bool]],
    call: tuple[int, int, int],
) -> None:
    """Nobody wrote down what came of a call; one that the database knows, it settles itself."""
    found = pending.pop(call, None)
    if found and not found[1]:
        lost.calls.append(LostCall(lost.worker, found[0], None, False))


Record = Intent | Outcome | Stop | tuple[int, str] | None


def _batches(journal: Journal) -> Iterator[list[Record]]:
    batch: list[Record] = []
    for record in journal.records():
        match record["is"]:
            case "intent":
                batch.append(as_intent(record))
            case "outcome":
                batch.append(as_outcome(record))
            case "stop":
                batch.append(as_stop(record))
            case "seen":
                batch.append((record["change"], record["mark"]))
            case "reconciled":
                batch.append(None)
        if len(batch) >= store.BATCH:
            yield batch
            batch = []
    yield batch


def _unknown(tx: Transaction, stops: list[Stop]) -> list[Stop]:
    rows = store.known_decisions(tx, {stop.change for stop in stops})
    return [stop for stop in stops if not _is(rows.get(stop.change), stop)]


def _is(row: History | None, stop: Stop) -> bool:
    if row is None or row.step != stop.step or (row.why or "") != stop.what:
        return False
    return not stop.who or (row.who, row.at.timestamp()) == (stop.who, stop.at)


def _key(intent: Intent) -> Call:
    return intent.delivery, intent.attempt, intent.part, intent.digest
