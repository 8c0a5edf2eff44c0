"""A comms team at work: one rehearsal workspace, its people, and the commands they run."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from social_scheduler.sandbox import LedgerEntry
from tests.process.commands import Done, Started
from tests.process.network import Network

PASSWORD = "the bridge at the market"
BOTH = ("en", "ar")
PEOPLE: dict[str, tuple[Sequence[str], Sequence[str]]] = {
    "amal": (["author"], ()),
    "yusuf": (["author", "reviewer"], BOTH),
    "rana": (["reviewer"], BOTH),
    "karim": (["reviewer"], BOTH),
    "dana": (["duty"], ()),
}
ACCOUNTS = """\
accounts:
  - {name: x-en, platform: x, handle: bridge_en, language: en, groups: [all-x], may_thread: yes}
  - {name: x-ar, platform: x, handle: bridge_ar, language: ar, groups: [all-x], may_thread: yes}
"""
SETTINGS = """\
sandbox_url = "{url}"
connect_timeout = 3
read_timeout = 10
settle_seconds = [0.2, 0.6]
"""
_NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Plan:
    """A campaign as its author has it in mind; `posts` in the form of the campaign file."""

    posts: Sequence[Mapping[str, Any]]
    kind: str = "news"
    name: str = "bridge"
    to: Sequence[str] = ("x-en",)
    media: Mapping[str, Any] = field(default_factory=dict)
    late: str = "2 hours"
    closes: float | None = None
    """Seconds after the due moment at which the window closes, if sooner than `late`."""

    @property
    def references(self) -> list[str]:
        """Every post, as commands take it."""
        return [f"{self.name}/{post['id']}" for post in self.posts]

    def written(self, due: datetime, owner: str) -> str:
        """The campaign file; JSON is YAML with everything in quotes."""
        until = due + timedelta(seconds=self.closes or 0)
        expires = {"expires": stamp(until)} if self.closes else {}
        return json.dumps(
            {
                **expires,
                "campaign": self.name,
                "kind": self.kind,
                "title": "The bridge is open",
                "owner": owner,
                "timezone": "Asia/Baghdad",
                "to": list(self.to),
                "late": self.late,
                "release": "apart",
                "media": self.media,
                "posts": [{"at": stamp(due), **post} for post in self.posts],
            },
            ensure_ascii=False,
            indent=1,
        )


@dataclass
class Team:
    """One workspace. `who` in every command is the person whose sign-in is used."""

    folder: Path
    network: Network

    @classmethod
    def enrolled(cls, folder: Path, network: Network) -> Team:
        """A new rehearsal workspace with its people signed in and its accounts connected."""
        team = cls(folder, network)
        folder.mkdir()
        (folder / "settings.toml").write_text(SETTINGS.format(url=network.url), encoding="utf-8")
        team.run("init", "--rehearsal")
        team.run("login", "admin", who="admin")
        (folder / "campaigns" / "accounts.yaml").write_text(ACCOUNTS, encoding="utf-8")
        team.run("accounts", "connect", "--all", who="admin")
        for name, (roles, languages) in PEOPLE.items():
            options = [f"--role={r}" for r in roles] + [f"--language={x}" for x in languages]
            team.run("people", "add", name, *options, who="admin")
            team.run("login", name, who=name)
        return team

    def copy(self, folder: Path) -> Team:
        """The same workspace as it is now, to go on with elsewhere."""
        shutil.copytree(self.folder, folder)
        return Team(folder, self.network)

    def start(
        self,
        *arguments: str,
        who: str = "nobody",
        fresh: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Started:
        """One public command as its own process."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SOCIAL_SCHEDULER_")}
        own = {
            "SOCIAL_SCHEDULER_WORKSPACE": str(self.folder),
            "SOCIAL_SCHEDULER_PASSWORD": PASSWORD,
            "XDG_CONFIG_HOME": str(self.folder / ".sign-ins" / who),
        }
        logs = self.folder / ".logs"
        logs.mkdir(exist_ok=True)
        log = logs / f"{next(_NUMBERS):03}-{arguments[0]}"
        return Started(arguments, {**kept, **own, **(environment or {})}, log, fresh=fresh)

    def run(
        self,
        *arguments: str,
        who: str = "nobody",
        code: int = 0,
        fresh: bool = False,
        environment: Mapping[str, str] | None = None,
    ) -> Done:
        """One public command from start to end; fails unless it ends with exit code `code`."""
        started = self.start(*arguments, who=who, fresh=fresh, environment=environment)
        done = started.wait()
        assert done.code == code, f"{' '.join(arguments)}: {done.code}\n{done.out}\n{done.err}"
        return done

    def ask(self, *arguments: str, who: str = "dana") -> Any:
        """What a command answers with --json."""
        return self.run(*arguments, "--json", who=who).json()

    def work(
        self, *options: str, code: int = 0, environment: Mapping[str, str] | None = None
    ) -> Done:
        """A worker that publishes until nothing is due any more."""
        return self.run("work", "--until-idle", *options, code=code, environment=environment)

    def write(self, plan: Plan, *, due: datetime | None = None, owner: str = "amal") -> None:
        """Write the campaign's file; due in a minute unless told otherwise."""
        due = due or in_seconds(60)
        folder = self.folder / "campaigns" / plan.name
        folder.mkdir(exist_ok=True)
        draw(folder / "bridge.png")
        (folder / "campaign.yaml").write_text(plan.written(due, owner), encoding="utf-8")

    def approve(self, plan: Plan, who: str = "rana") -> None:
        """Somebody approves every post of it."""
        self.run("review", "approve", "--yes", *plan.references, who=who)

    def queued(self, plan: Plan, *, who: str = "amal", fresh: bool = False) -> datetime:
        """Somebody writes and queues it, to be due very soon; answers when."""
        for seconds in (5, 30) if fresh else (2, 5, 30):
            due = in_seconds(seconds)
            self.write(plan, due=due, owner=who)
            done = self.start("queue", who=who, fresh=fresh).wait()
            if done.code == 0:
                return due
            assert "is past" in done.err, done.err  # a busy machine: it took too long to start
        raise AssertionError("queueing takes longer than half a minute")

    def ledger(self) -> list[LedgerEntry]:
        """What the network accepted, in order."""
        return self.network.ledger()

    def said(self) -> list[str]:
        """The words that the network accepted, in order."""
        return [entry.text for entry in self.ledger()]

    def history(self, reference: str) -> list[dict[str, Any]]:
        """What happened to a post, oldest first."""
        lines: list[dict[str, Any]] = self.ask("history", reference)
        return lines

    def unsettled(self) -> list[tuple[str, str]]:
        """What waits for a person: (state, post)."""
        return [(line["state"], line["reference"]) for line in self.ask("settle", "list")]

    def tamper(self, statement: str, *values: object) -> None:
        """Change the database behind the product's back."""
        with closing(sqlite3.connect(self.folder / "social-scheduler.db", timeout=10)) as database:
            changed = database.execute(statement, values).rowcount
            database.commit()
        assert changed > 0, f"nothing was changed by: {statement}"

    def peek(self, statement: str, *values: object) -> list[Any]:
        """Look into the database, to know what to change there."""
        with closing(sqlite3.connect(self.folder / "social-scheduler.db", timeout=10)) as database:
            return database.execute(statement, values).fetchall()


def stamp(moment: datetime) -> str:
    """As campaign files say it."""
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"


def in_seconds(seconds: float) -> datetime:
    """A whole second that many seconds from now, as campaign files can say it."""
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)


def draw(path: Path) -> None:
    """A small picture, always the same."""
    if not path.exists():
        Image.radial_gradient("L").resize((640, 360)).save(path)
