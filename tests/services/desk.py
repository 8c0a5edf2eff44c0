"""A whole workspace for tests: people, accounts, posts, a clock that tests turn, one worker."""

from __future__ import annotations

import atexit
import dataclasses
import functools
import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from social_scheduler.app import DATABASE_FILE, Opened, make_workspace, open_workspace
from social_scheduler.config import Settings
from social_scheduler.lifecycle import DeliveryState, PostState
from social_scheduler.message import Attachment, Message, MessagePart, Window, content_digest
from social_scheduler.planning import PlannedMessage, PlannedPost
from social_scheduler.services import enqueue as queueing
from social_scheduler.services import people, reading, review
from social_scheduler.services.accounts import speakers
from social_scheduler.services.actor import Actor, rights_of
from social_scheduler.services.claim import Claim, Turn
from social_scheduler.services.compare import ChangeKind
from social_scheduler.services.context import Context
from social_scheduler.services.keys import Owner
from social_scheduler.services.people import Passwords
from social_scheduler.services.prove import prove
from social_scheduler.services.publish import Publisher
from social_scheduler.services.reconcile import (
    look_for_lost,
    miss_lapsed,
    recover,
    recover_silent,
)
from social_scheduler.store import accounts as account_store
from social_scheduler.store import people as people_store
from social_scheduler.store import reading as reading_store
from social_scheduler.store import review as review_store
from social_scheduler.store import secrets as secret_store
from social_scheduler.store import steps
from social_scheduler.store.looking import Looked, look
from social_scheduler.store.review import StoredApproval
from social_scheduler.store.tables import Account, AccountState, History
from tests.postgresql import Databases
from tests.services.wire import Wire

MONDAY = datetime(2027, 1, 11, 7, 0, tzinfo=UTC)
PASSWORD = "correct horse battery"
SANDBOX = "http://127.0.0.1:8640"
WORKER = "worker-test"
PEOPLE: Mapping[str, tuple[list[str], list[str]]] = {
    "noor": (["admin"], []),
    "amal": (["author"], []),
    "badr": (["author"], []),
    "rana": (["reviewer"], ["en", "ar"]),
    "sami": (["reviewer"], ["en", "ar"]),
    "tala": (["reviewer"], ["en"]),
    "dima": (["duty"], []),
}


def whose(name: str, server: str = SANDBOX) -> Owner:
    """The keys of an account that is named after its network, `wire-en`."""
    return Owner(name, name.partition("-")[0], server)


class Clock:
    """A clock that stands still until a test turns it."""

    def __init__(self, at: datetime = MONDAY) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **by: float) -> datetime:
        """Turn it on by hours, minutes, seconds."""
        self.at += timedelta(**by)
        return self.at


@functools.cache
def _template(databases: Databases | None) -> tuple[Path, str]:
    """An empty workspace with people and two accounts, made once and copied by every test.

    Answers its folder and, on PostgreSQL, the name of its database.
    """
    root = Path(tempfile.mkdtemp(prefix="desk-"))
    atexit.register(shutil.rmtree, root, ignore_errors=True)
    made = databases.create() if databases else ""
    clock, settings = Clock(), _settings(databases.address(made) if databases else "")
    make_workspace(root, kind="rehearsal", now=clock, settings=settings)
    with _open(root, clock, settings) as opened:
        context = opened.context
        admin: Actor | None = None
        for name, (roles, languages) in PEOPLE.items():
            people.add_person(
                context, admin, name, roles=roles, languages=languages, password=PASSWORD
            )
            admin = admin or _signed_in(context, name)
        desk = Desk(opened, clock, Wire(clock))
        desk.account("wire-en", "en")
        desk.account("wire-ar", "ar")
    return root, made


def _settings(address: str) -> Settings:
    return Settings(sandbox_url=SANDBOX, calls_at_once=2, database_url=address)


@contextmanager
def _open(root: Path, clock: Clock, settings: Settings) -> Iterator[Opened]:
    with open_workspace(
        root, now=clock, settings=settings, passwords=Passwords(cheap=True)
    ) as opened:
        yield opened


@contextmanager
def open_desk(
    root: Path, databases: Databases | None = None, *, kind: str = "rehearsal"
) -> Iterator[Desk]:
    """A desk in an empty folder, on SQLite there or on a new PostgreSQL database."""
    folder, template = _template(databases)
    shutil.copytree(folder, root, dirs_exist_ok=True)
    made = databases.create(template=template) if databases else ""
    clock, settings = Clock(), _settings(databases.address(made) if databases else "")
    try:
        with _open(root, clock, settings) as opened:
            if databases:  # the server's clock stands still too, until a test turns it
                opened.context.database.now = lambda tx: clock()  # type: ignore[method-assign]
            wire = Wire(clock)
            context = dataclasses.replace(opened.context, kind=kind, platforms={"wire": wire})
            yield Desk(dataclasses.replace(opened, context=context), clock, wire)
    finally:
        if databases:
            databases.drop(made)


def _signed_in(context: Context, name: str) -> Actor:
    token = people.sign_in(context, name, PASSWORD, kind="login", label="a test")
    return people.actor_for(context, token)


def copied_database(desk: Desk, to: Path) -> Path:
    """A whole copy of a SQLite database as it is now."""
    with sqlite3.connect(desk.context.root / DATABASE_FILE) as source:
        source.execute("VACUUM INTO ?", [str(to)])
    return to


class Desk:
    """One open workspace with a scripted network, and short ways to act in it."""

    def __init__(self, opened: Opened, clock: Clock, wire: Wire) -> None:
        self.opened = opened
        self.context = opened.context
        self.clock = clock
        self.wire = wire
        self.moments: list[str] = []
        """Every named moment of publishing, in order."""
        self.at_moment: Callable[[str], None] = lambda _: None
        self.publisher = self.new_publisher()

    def new_publisher(self, name: str = WORKER, **values: Any) -> Publisher:
        """Another worker's hands."""

        def probe(moment: str) -> None:
            self.moments.append(moment)
            self.at_moment(moment)

        values.setdefault("monotonic", lambda: self.clock().timestamp())
        return Publisher(self.context, name, probe=probe, **values)

    # -- people and accounts --

    def actor(self, name: str) -> Actor:
        """Somebody as they may act right now."""
        with self.context.database.read() as tx:
            found = people_store.person_named(tx, name)
        if found is None or not found.active:
            raise AssertionError(f"{name} is not active")
        return Actor(
            found.id,
            found.name,
            frozenset(found.roles),
            frozenset(found.languages),
            rights_of(found.roles),
            token_id=0,
        )

    def account(self, name: str, language: str, **values: Any) -> None:
        """A connected account; its native id is `id-` and its name."""
        native_id = str(values.pop("native_id", f"id-{name}"))
        with self.context.database.write() as tx:
            account_store.keep_account(
                tx,
                name,
                **{
                    "platform": "wire",
                    "handle": f"handle_{native_id}",
                    "language": language,
                    "server": SANDBOX,
                    "native_id": native_id,
                    "may_thread": True,
                    "state": AccountState.CONNECTED,
                    "trouble": None,
                    "limited_until": None,
                    "connected_at": self.clock(),
                    **values,
                },
            )
        kept = self.looked_account(name)
        self.context.vault.put(Owner(name, kept.platform, kept.server), {"token": native_id})

    def looked_account(self, name: str) -> Account:
        """An account's row."""
        with self.context.database.read() as tx:
            found = account_store.account_named(tx, name)
        if found is None:
            raise AssertionError(f"{name} is not connected")
        return found

    def lose_keys(self, name: str) -> None:
        """Nothing is kept for an account any more."""
        with self.context.database.write() as tx:
            secret_store.forget(tx, f"account/{name}")

    def spoil_keys(self, name: str) -> None:
        """Something that nobody can open is kept for an account."""
        with self.context.database.write() as tx:
            secret_store.reseal(tx, [(f"account/{name}", b"not a box")])

    # -- posts --

    def post(
        self,
        key: str = "opening",
        words: Mapping[str, str | Sequence[str]] | None = None,
        *,
        minutes: float = 60,
        late: float = 10,
        due: datetime | None = None,
        campaign: str = "week",
        kind: str = "spotlight",
        owner: str = "amal",
        tags: Sequence[str] = (),
        pictures: Sequence[Attachment] = (),
        expires: datetime | None = None,
    ) -> PlannedPost:
        """One post as planning makes it; `words` by account, a list of texts for a thread."""
        due = due or MONDAY + timedelta(minutes=minutes)
        said = words or {"wire-en": f"{key}: good morning"}
        known = speakers(self.context)
        messages = []
        for account, texts in said.items():
            parts = [texts] if isinstance(texts, str) else list(texts)
            message = Message(
                platform=known[account].platform,
                server=known[account].server,
                account=known[account].native_id,
                language=known[account].language,
                parts=tuple(
                    MessagePart(text=t, media=tuple(pictures) if n == 0 else ())
                    for n, t in enumerate(parts)
                ),
            )
            body = message.canonical()
            messages.append(
                PlannedMessage(
                    known[account],
                    body,
                    content_digest(body),
                    len(parts),
                    len(message.media),
                    self.context.platforms[known[account].platform].limits,
                )
            )
        return PlannedPost(
            campaign=campaign,
            key=key,
            kind=kind,
            owner=owner,
            tags=tuple(tags),
            release="apart",
            window=Window(due, due, due + timedelta(minutes=late)),
            zone="UTC",
            wall=f"{due:%Y-%m-%d %H:%M}",
            messages=tuple(messages),
            place="campaigns/week.yaml:9",
            expires_at=expires,
        )

    def facts(self, campaign: str = "week", path: str = "") -> queueing.CampaignFacts:
        """What is kept of a campaign."""
        return queueing.CampaignFacts(
            campaign, "spotlight", "The week", path or f"campaigns/{campaign}.yaml"
        )

    def queue(
        self, *posts: PlannedPost, by: str = "amal", **options: bool
    ) -> dict[str, ChangeKind]:
        """Queue one campaign's posts; answers what changed, by post."""
        campaign = posts[0].campaign if posts else "week"
        changes = queueing.enqueue(
            self.context, self.actor(by), self.facts(campaign), posts, **options
        )
        return {c.post: c.kind for c in changes}

    def shown(self, reference: str, *languages: str) -> dict[str, review.Shown]:
        """The digests that somebody who looks now is shown."""
        view = reading.show(self.context, self.actor("noor"), reference)
        return {
            v.language: review.Shown(v.verdict.content_digest, v.verdict.window_digest)
            for v in view.languages
            if not languages or v.language in languages
        }

    def approve(
        self, reference: str = "week/opening", by: str = "rana", *languages: str
    ) -> dict[str, str]:
        """Somebody looks and approves; answers what is still missing."""
        return review.approve(
            self.context, self.actor(by), reference, self.shown(reference, *languages)
        )

    def picture(self, colour: str = "red") -> Attachment:
        """A small picture that the workspace holds."""
        data = BytesIO()
        Image.new("RGB", (8, 8), colour).save(data, "PNG")
        sha256 = self.context.media.put(data.getvalue(), "image/png")
        return Attachment(sha256=sha256, type="image/png", alt=f"A {colour} square.")

    def ready(self, *posts: PlannedPost) -> None:
        """Queue posts, have Rana approve them, and turn the clock to the first's due time."""
        self.queue(*posts)
        for post in posts:
            self.approve(f"{post.campaign}/{post.key}")
        self.clock.at = max(self.clock.at, posts[0].window.due_at)

    # -- the worker --

    def by(self) -> steps.By:
        """The worker, now."""
        return steps.By(WORKER, self.clock())

    def tick(self) -> None:
        """What a worker does every second, here and now."""
        recover_silent(self.context, self.by())
        miss_lapsed(self.context, self.by())
        for turn in self.publisher.claim_due():
            self.publisher.send(turn)

    def claimed(self) -> Claim:
        """The one delivery that the worker takes now."""
        ((claim,),) = (turn.claims for turn in self.publisher.claim_due())
        return claim

    def send(self, *claims: Claim) -> None:
        """What the worker does with what it has taken."""
        for claim in claims:
            self.publisher.send(Turn((claim,), self.clock(), pictures=True))

    def restart(self) -> None:
        """What the worker does at its start with what it left behind."""
        answered = self.context.journal.read().outcomes
        recover(self.context, self.by(), answered, worker=WORKER)

    def look(self) -> None:
        """Look for what is lost, and read back what is live."""
        look_for_lost(self.publisher, self.by())
        prove(self.publisher, self.by())

    # -- looking --

    def looked(self, reference: str = "week/opening", account: str = "wire-en") -> Looked:
        """Everything about one delivery."""
        with self.context.database.read() as tx:
            post, _ = review.find_post(tx, reference)
            for delivery in review_store.deliveries_of(tx, post.id):
                found = look(tx, delivery.id)
                if found.account.name == account:
                    return found
        raise AssertionError(f"{reference} does not go to {account}")

    def state(self, reference: str = "week/opening", account: str = "wire-en") -> DeliveryState:
        """Where a delivery stands."""
        return self.looked(reference, account).delivery.state

    def parts(self, reference: str = "week/opening", account: str = "wire-en") -> list[str]:
        """Where a delivery's parts stand."""
        return [p.state.value for p in self.looked(reference, account).parts]

    def trouble(self, reference: str = "week/opening", account: str = "wire-en") -> str:
        """What a person is told about a delivery."""
        return self.looked(reference, account).delivery.trouble or ""

    def post_state(self, reference: str = "week/opening") -> PostState:
        """Where a post stands in review."""
        with self.context.database.read() as tx:
            return review.find_post(tx, reference)[0].state

    def approvals(self, reference: str = "week/opening") -> list[StoredApproval]:
        """Every approval of the current revision, ended ones too."""
        with self.context.database.read() as tx:
            post, revision = review.find_post(tx, reference)
            return review_store.approvals_of(tx, post.id, revision.number)

    def history(self) -> list[History]:
        """Every row of the history."""
        with self.context.database.read() as tx:
            return [row for row, _, _ in reading_store.history(tx, limit=10_000)]

    def steps(self) -> list[str]:
        """Every step in the history, in order."""
        return [row.step for row in self.history()]
