"""Workspaces for `bench/engine.py`: accounts, posts that people approved, and many copies of them."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from _engine_copies import Span, copy
from _engine_wire import WORDS, Wire
from sqlalchemy import text

from social_scheduler import platforms
from social_scheduler.app import make_workspace, open_workspace
from social_scheduler.config import load_settings
from social_scheduler.message import Message, MessagePart, Window, content_digest
from social_scheduler.planning import PlannedMessage, PlannedPost
from social_scheduler.services import enqueue as queueing
from social_scheduler.services import people, reading, review, workers
from social_scheduler.services.accounts import speakers
from social_scheduler.services.actor import Actor
from social_scheduler.services.context import Context
from social_scheduler.services.keys import Owner
from social_scheduler.services.people import Passwords
from social_scheduler.store import accounts as account_store
from social_scheduler.store.tables import AccountState

PASSWORD = "correct horse battery staple"
SERVER = "http://127.0.0.1:8640"
TEAM = {"noor": ["admin"], "amal": ["author"], "rana": ["reviewer"]}
NO_BURST = ("burst_account_minute", "burst_account_hour", "burst_minute", "burst_hour")


class Place:
    """One workspace, on SQLite or PostgreSQL, with as many accounts as wanted."""

    def __init__(self, root: Path, context: Context) -> None:
        self.root = root
        self.context = context
        self.actors: dict[str, Actor] = {}
        self.session = ""
        """A session of the reviewer, for the desk."""
        self._campaigns = 0

    @classmethod
    @contextmanager
    def made(
        cls, root: Path, address: str, accounts: int, *, calls_at_once: int = 64
    ) -> Iterator[Place]:
        """A new workspace."""
        root.mkdir(parents=True)
        written: dict[str, object] = {
            "database_url": address,
            "sandbox_url": SERVER,
            "calls_at_once": calls_at_once,
            **dict.fromkeys(NO_BURST, 0),
        }
        (root / "settings.toml").write_text(
            "".join(f"{name} = {json.dumps(value)}\n" for name, value in written.items())
        )
        settings = load_settings(root)
        make_workspace(root, kind="rehearsal", settings=settings)
        with open_workspace(root, settings=settings, passwords=Passwords(cheap=True)) as opened:
            place = cls(root, dataclasses.replace(opened.context, platforms={"wire": Wire()}))
            place._bring_people()
            place._connect(accounts)
            yield place

    def _bring_people(self) -> None:
        admin = None
        for name, roles in TEAM.items():
            people.add_person(
                self.context, admin, name, roles=roles, languages=["en"] * ("reviewer" in roles),
                password=PASSWORD,
            )  # fmt: skip
            token = people.sign_in(self.context, name, PASSWORD, kind="login", label="bench")
            self.actors[name] = people.actor_for(self.context, token)
            admin = admin or self.actors[name]
        self.session = people.sign_in(
            self.context, "rana", PASSWORD, kind="session", label="browser"
        )

    def _connect(self, accounts: int) -> None:
        with self.context.database.write() as tx:
            for n in range(accounts):
                account_store.keep_account(
                    tx, f"wire-{n}", platform="wire", handle=f"wire_{n}", language="en",
                    server=SERVER, native_id=f"id-{n}", may_thread=True,
                    state=AccountState.CONNECTED, trouble=None, limited_until=None,
                    connected_at=self.context.now(), asked_at=self.context.now(),
                )  # fmt: skip
            for n in range(accounts):
                owner = Owner(f"wire-{n}", "wire", SERVER)
                self.context.vault.keep(tx, owner, {"token": f"id-{n}"})

    def enrol(self, names: Sequence[str]) -> None:
        """More workers."""
        for name in names:
            workers.enrol(self.context, self.actors["noor"], name)

    def approved(self, accounts: Sequence[int]) -> Span:
        """One post for each named account, for next week: queued and approved by people."""
        self._campaigns += 1
        campaign = f"bench{self._campaigns}"
        known = speakers(self.context)
        window = _window(soon(7 * 24 * 3600), 3600)
        posts = [
            _planned(campaign, number, known[f"wire-{account}"], window)
            for number, account in enumerate(accounts)
        ]
        facts = queueing.CampaignFacts(campaign, "news", "Bench", f"campaigns/{campaign}.yaml")
        queueing.enqueue(self.context, self.actors["amal"], facts, posts)
        for post in posts:
            reference = f"{campaign}/{post.key}"
            view = reading.show(self.context, self.actors["rana"], reference)
            shown = {
                v.language: review.Shown(v.verdict.content_digest, v.verdict.window_digest)
                for v in view.languages
            }
            missing = review.approve(self.context, self.actors["rana"], reference, shown)
            assert not any(missing.values()), missing
        found = self.rows(
            "SELECT min(p.id), max(p.id), min(d.id), max(d.id) FROM post p"
            " JOIN campaign c ON c.id = p.campaign_id JOIN delivery d ON d.post_id = p.id"
            " WHERE c.name = :name",
            name=campaign,
        )[0]
        return Span((found[0], found[1]), (found[2], found[3]))

    def copied(self, of: Span, times: int, due: datetime, *, late: float = 3600) -> Span:
        """Copies of approved posts, all due at one moment, with a window of `late` seconds."""
        with self.context.database.write() as tx:
            made = copy(tx, of, times, _window(due, late))
            for table in ("post", "delivery") if self.context.database.is_postgresql else ():
                query = f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), :last)"
                last = made.posts[1] if table == "post" else made.deliveries[1]
                tx.execute(text(query), {"last": last})
        return made

    def settle(self) -> None:
        """What a database does by itself after a while: its log folded in, its statistics taken."""
        url = self.context.database.url
        if self.context.database.is_postgresql:
            import psycopg

            plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
            with psycopg.connect(plain, autocommit=True) as server:
                server.execute("VACUUM ANALYZE")
                server.execute("CHECKPOINT")
        else:
            import sqlite3

            connection = sqlite3.connect(url.database or "")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()

    def rows(self, query: str, **values: Any) -> list[Any]:
        """Rows from the database."""
        with self.context.database.read() as tx:
            return list(tx.execute(text(query), values))

    def value(self, query: str, **values: Any) -> Any:
        """One value from the database."""
        return self.rows(query, **values)[0][0]


def soon(seconds: float) -> datetime:
    """A moment from now, in whole milliseconds."""
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def _window(due: datetime, late: float) -> Window:
    return Window(due, due, due + timedelta(seconds=late))


def _planned(campaign: str, number: int, speaker: Any, window: Window) -> PlannedPost:
    message = Message(
        platform=speaker.platform,
        server=speaker.server,
        account=speaker.native_id,
        language="en",
        parts=(MessagePart(text=f"{number}-{campaign}{WORDS}"),),
    )
    body = message.canonical()
    return PlannedPost(
        campaign=campaign,
        key=f"p{number}",
        kind="news",
        owner="amal",
        tags=("bench",),
        release="apart",
        window=window,
        zone="UTC",
        wall=f"{window.due_at:%Y-%m-%d %H:%M}",
        messages=(
            PlannedMessage(speaker, body, content_digest(body), 1, 0, platforms.limits()["x"]),
        ),
        place=f"campaigns/{campaign}.yaml:9",
    )
