"""A publishing floor as the watchdog finds it: rows put straight into a database, as workers would."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.store.database import Database, Transaction, sqlite_url
from social_scheduler.store.tables import (
    Account,
    AccountState,
    Base,
    Campaign,
    Delivery,
    History,
    Hold,
    HoldScope,
    Part,
    Post,
    Proof,
    Revision,
    Verdict,
    Worker,
    Workspace,
)
from social_scheduler.store.watching import read_only

NOON = datetime(2027, 1, 11, 12, 0, tzinfo=UTC)
WORDS = "Not to be said before its time"


def minutes(count: float) -> timedelta:
    """That long."""
    return timedelta(minutes=count)


class Floor:
    """One database with one campaign and two accounts; a clock that tests turn."""

    def __init__(self, folder: Path, url: str = "") -> None:
        self.file = folder / "social-scheduler.db"
        self.url = url or sqlite_url(self.file)
        self.now = NOON
        self._ids = itertools.count(1)
        self.database = Database(self.url)
        self.database.upgrade()
        with self.database.write() as tx:
            tx.add(Workspace(id=1, uid="u", kind="rehearsal", created_at=NOON, policy={}))
            tx.add(
                Campaign(
                    id=1, name="week", home="file", path="w.yaml", kind="news", title="The week"
                )
            )
            for number, name in enumerate(("x-en", "x-ar"), start=1):
                tx.add(_account(number, name))

    def read_only(self) -> Database:
        """The same database, as the watchdog opens it."""
        return Database(read_only(self.url))

    def clock(self) -> datetime:
        """The moment it is."""
        return self.now

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Change something."""
        with self.database.write() as tx:
            yield tx

    def post(
        self,
        key: str,
        *,
        due: datetime = NOON,
        account: int = 1,
        state: DeliveryState = DeliveryState.SCHEDULED,
        post: PostState = PostState.APPROVED,
        late: float = 10,
        **values: Any,
    ) -> int:
        """One post to one account; answers the delivery's id."""
        number = next(self._ids)
        language = "en" if account == 1 else "ar"
        window: dict[str, Any] = {
            "due_at": due,
            "not_before": due,
            "not_after": due + minutes(late),
        }
        with self.write() as tx:
            tx.add(
                Post(
                    id=number,
                    campaign_id=1,
                    key=key,
                    state=post,
                    revision=1,
                    removed_from_file_at=None,
                )
            )
            tx.flush()
            tx.add(_revision(number, window))
            row = {
                **window,
                "language": language,
                "kind": "news",
                "tags": ["training"],
                "together": False,
                "pictures": 0,
                "ready_at": due,
                "next_look_at": None,
                "looks": 0,
                "tries": 0,
                "attempt": 1,
                "worker": None,
                "lease_until": None,
                "trouble": None,
                **values,
            }
            tx.add(
                Delivery(
                    id=number, post_id=number, account_id=account, revision=1, state=state, **row
                )
            )
        return number

    def step(self, delivery: int, state: DeliveryState, **values: Any) -> None:
        """What a worker or a person did to a delivery, now."""
        with self.write() as tx:
            row = tx.get_one(Delivery, delivery)
            tx.add(
                History(
                    at=self.now,
                    who="worker",
                    step="a step",
                    post_id=None,
                    delivery_id=delivery,
                    part=None,
                    source=row.state.value,
                    target=state.value,
                    why=None,
                )
            )
            row.state = state
            for name, value in values.items():
                setattr(row, name, value)

    def change(self, kind: type[Base], key: Any, **values: Any) -> None:
        """Change one row."""
        with self.write() as tx:
            row = tx.get_one(kind, key)
            for name, value in values.items():
                setattr(row, name, value)

    def proof(self, delivery: int, verdict: Verdict, *fields: str) -> None:
        """A live part was read back for the last time."""
        with self.write() as tx:
            tx.add(
                Part(
                    delivery_id=delivery,
                    number=1,
                    digest="d",
                    state="live",
                    remote_id="1",
                    url="https://example.org/1",
                    live_at=self.now,
                )
            )
            tx.flush()
            tx.add(
                Proof(
                    delivery_id=delivery,
                    part=1,
                    verdict=verdict,
                    fields=list(fields),
                    seen={"text": WORDS},
                    looks=4,
                    checked_at=self.now,
                    next_look_at=None,
                )
            )

    def beat(self, worker: str = "worker", *, at: datetime | None = None, **values: Any) -> None:
        """A worker is heard of."""
        row = {
            "journal": f"j-{worker}",
            "enrolled_at": NOON,
            "reconciled_at": None,
            "lost_at": None,
            "host": "newsroom",
            "pid": 4711,
            "started_at": NOON,
            "stopped_at": None,
            **values,
        }
        with self.write() as tx:
            tx.merge(Worker(id=worker, heartbeat_at=at or self.now, **row))

    def hold(self, scope: HoldScope, value: str = "", **values: Any) -> None:
        """Somebody stops something."""
        row = {"until": None, "released_by": None, "released_at": None, **values}
        with self.write() as tx:
            tx.add(
                Hold(
                    scope=scope,
                    value=value,
                    reason="attack reported",
                    placed_by="dima",
                    placed_at=self.now,
                    **row,
                )
            )


def _account(number: int, name: str) -> Account:
    return Account(
        id=number,
        name=name,
        platform="x",
        handle=name,
        language=name[-2:],
        server="http://127.0.0.1:1",
        native_id=str(number),
        may_thread=True,
        state=AccountState.CONNECTED,
        trouble=None,
        limited_until=None,
        spacing=0,
        spoke_at=None,
        connected_at=NOON,
    )


def _revision(number: int, window: dict[str, Any]) -> Revision:
    return Revision(
        post_id=number,
        number=1,
        digest="d",
        kind="news",
        owner="amal",
        tags=["training"],
        release="apart",
        zone="UTC",
        wall="2027-01-11 12:00",
        authors=[],
        queued_at=NOON,
        place="w.yaml:1",
        **window,
    )
