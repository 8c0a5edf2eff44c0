"""A workspace with the samples queued, some of them sent, and its desk on a free port."""

from __future__ import annotations

import dataclasses
import re
import shutil
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from social_scheduler.app import Opened, make_workspace, open_workspace
from social_scheduler.config import Settings
from social_scheduler.platforms import Platform
from social_scheduler.services import check, enqueue, people, reading, review
from social_scheduler.services.actor import Actor
from social_scheduler.services.context import Context
from social_scheduler.services.people import Passwords
from social_scheduler.serving import QUIET, Announcing, listen
from social_scheduler.store import proofs, publishing
from social_scheduler.store.accounts import keep_account
from social_scheduler.store.looking import look
from social_scheduler.store.steps import By, step_delivery, step_part
from social_scheduler.store.tables import AccountState, Verdict
from social_scheduler.web import create_app

SAMPLES = Path(__file__).parents[2] / "campaigns"
QUEUED = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)
MONDAY = datetime(2027, 1, 11, 6, 20, tzinfo=UTC)
"""70 minutes before the partner spotlight's first post."""
PASSWORD = "a loom, a canal, a bridge"
OPENING = "spotlight-2027-01-meridia/opening"
WEAVING = "spotlight-2027-01-meridia/weaving"
QUOTE = "quote-2027-01-reconstruction/reasons-to-stay"
MARKET = "story-2026-12-market-street/market"
PENCIL = "story-2026-12-market-street/red-pencil"
DIGEST = "digest-2026-week-49/friday"
PEOPLE: dict[str, tuple[list[str], list[str]]] = {
    "noor": (["admin"], []),
    "amal": (["author"], ["en", "ar"]),
    "yusuf": (["author"], ["en"]),
    "rana": (["reviewer"], ["en", "ar"]),
    "leila": (["reviewer"], ["en", "ar", "fr"]),
    "dana": (["duty"], []),
    "mallory": ([], []),
}


@dataclass
class Clock:
    """A clock that stands still until it is set."""

    at: datetime = QUEUED

    def __call__(self) -> datetime:
        """The present moment."""
        return self.at


@dataclass
class Newsroom:
    """A running desk, and the workspace behind it."""

    opened: Opened
    clock: Clock
    url: str
    clients: list[httpx2.Client] = field(default_factory=list)

    @property
    def context(self) -> Context:
        """The opened workspace."""
        return self.opened.context

    def actor(self, name: str) -> Actor:
        """Somebody acting past the desk."""
        return actor(self.context, name)

    def browser(self, **headers: str) -> httpx2.Client:
        """Somebody's browser, not signed in."""
        client = httpx2.Client(base_url=self.url, follow_redirects=True, headers=headers)
        self.clients.append(client)
        return client

    def edit(self, name: str, old: str, new: str) -> None:
        """Amal changes some words of a campaign file and queues it again."""
        file = self.context.root / "campaigns" / name / "campaign.yaml"
        text = file.read_text("utf-8")
        assert old in text
        file.write_text(text.replace(old, new), "utf-8")
        files = check.find_files([file], self.context.root)
        outcome = check.check(files, now=self.clock(), context=self.context)
        for facts, posts in check.plan(self.context, outcome):
            enqueue.enqueue(self.context, self.actor("amal"), facts, posts)

    def signed_in(self, name: str) -> httpx2.Client:
        """The browser of somebody who signed in."""
        client = self.browser()
        answer = post(client, "/sign-in", page="/sign-in", name=name, password=PASSWORD)
        assert "session" in client.cookies, answer.text
        return client


def post(
    client: httpx2.Client, path: str, *, page: str, shown: bool = True, **fields: str
) -> httpx2.Response:
    """Send a form as a browser would: with the token, and what was shown, of the page it is on."""
    html = client.get(page).text
    data: dict[str, Any] = {"token": token_in(html), **fields}
    if shown and path.endswith("/approve"):
        data["shown"] = shown_in(html)
    if form := re.search(rf'action="{re.escape(path)}".*?</form>', html, re.S):
        hidden = re.findall(r'type="hidden" name="(attempt)" value="(\d+)"', form[0])
        data = dict(hidden) | data
    return client.post(path, data=data)


def token_in(html: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="token" value="([0-9a-f]{64})"', html)
    assert found, html
    return found[1]


def shown_in(html: str) -> list[str]:
    """What the page says it showed: language:content digest:window digest."""
    return re.findall(r'name="shown" value="([^"]+)"', html)


def actor(context: Context, name: str) -> Actor:
    """Somebody acting past the desk."""
    token = people.sign_in(context, name, PASSWORD, kind="login", label="tests")
    return people.actor_for(context, token)


def make_newsroom(root: Path) -> None:
    """The workspace: the samples queued in November, the December posts sent or not."""
    clock = Clock()
    make_workspace(root, kind="rehearsal", now=clock, settings=Settings())
    shutil.rmtree(root / "campaigns")
    shutil.copytree(SAMPLES, root / "campaigns")
    for file in (root / "campaigns").glob("*/campaign.yaml"):
        file.write_text(_only_x(file.read_text("utf-8")), "utf-8")
    with opened(root, clock) as opened_:
        context = opened_.context
        admin = None
        for name, (roles, languages) in PEOPLE.items():
            people.add_person(
                context, admin, name, roles=roles, languages=languages, password=PASSWORD
            )
            admin = admin or actor(context, name)
        _connect(context)
        _queue(context)
        _approve_december(context)
        _send_december(context)


def _only_x(text: str) -> str:
    """A sample as it is for X alone; test_looks.py has all networks."""
    others = r"(bluesky|mastodon|telegram)"
    text = re.sub(rf", all-{others}\b", "", text)
    text = re.sub(rf"^ {{6}}{others}:.*\n(?: {{8}}.*\n)*", "", text, flags=re.M)
    return re.sub(r"^ {4}variants:\n(?! {6})", "", text, flags=re.M)


def _connect(context: Context) -> None:
    with context.database.write() as tx:
        for number, (language, handle) in enumerate(
            [("en", "CoalitionDemoEN"), ("ar", "CoalitionDemoAR"), ("fr", "CoalitionDemoFR")], 1
        ):
            keep_account(
                tx,
                f"x-{language}",
                platform="x",
                handle=handle,
                language=language,
                server=context.sandbox_url,
                native_id=str(1000 + number),
                may_thread=True,
                state=AccountState.CONNECTED,
                trouble=None,
                limited_until=None,
                connected_at=QUEUED,
            )


def _queue(context: Context) -> None:
    amal, yusuf = actor(context, "amal"), actor(context, "yusuf")
    files = check.find_files([], context.root)
    outcome = check.check(files, now=context.now(), context=context)
    assert not outcome.report.errors, outcome.report.errors
    for facts, posts in check.plan(context, outcome):
        who = yusuf if posts[0].owner == "yusuf" else amal
        enqueue.enqueue(context, who, facts, posts)


def _approve_december(context: Context) -> None:
    leila = actor(context, "leila")
    for reference in (MARKET, PENCIL, DIGEST):
        approve_all(context, leila, reference)


def approve_all(context: Context, who: Actor, reference: str) -> None:
    """Approve every language of a post that this person reads, past the desk."""
    view = reading.show(context, who, reference)
    shown = {
        v.language: review.Shown(v.verdict.content_digest, v.verdict.window_digest)
        for v in view.languages
        if v.language in view.mine
    }
    review.approve(context, who, reference, shown)


def _send_december(context: Context) -> None:
    ends = {
        (MARKET, "x-en"): "published",
        (MARKET, "x-ar"): "published",
        (MARKET, "x-fr"): "differs",
        (PENCIL, "x-en"): "published",
        (PENCIL, "x-ar"): "unconfirmed",
        (PENCIL, "x-fr"): "failed",
        (DIGEST, "x-en"): "partial",
        (DIGEST, "x-ar"): "missed",
        (DIGEST, "x-fr"): "published",
    }
    rana = actor(context, "rana")
    with context.database.read() as tx:
        lines = {
            (reference, m.account): m.delivery.id
            for reference in (MARKET, PENCIL, DIGEST)
            for group in reading.show(context, rana, reference).languages
            for m in group.messages
            if m.delivery
        }
        due = {key: look(tx, i).window.due_at for key, i in lines.items()}
    for key, end in ends.items():
        send(context, lines[key], end, due[key])


def send(context: Context, delivery: int, end: str, at: datetime) -> None:
    """Take the worker's steps for one delivery, as if the network had answered so."""
    by = By("worker", at)
    with context.database.write() as tx:
        if end == "missed":
            step_delivery(tx, delivery, "miss", by, trouble="the window closed")
            return
        parts = look(tx, delivery).parts
        step_delivery(tx, delivery, "claim", by, attempt=1)
        step_delivery(tx, delivery, "begin", by)
        for part in parts:
            n = part.number
            step_part(tx, delivery, n, "begin", by)
            if end == "failed":
                step_part(tx, delivery, n, "refuse", by)
                told = by.because("403: duplicate content")
                step_delivery(tx, delivery, "refuse", told, trouble=told.why)
                return
            if end == "unconfirmed":
                step_part(tx, delivery, n, "lose", by)
                told = by.because("the connection was cut after the request was sent")
                step_delivery(tx, delivery, "lose", told, trouble=told.why)
                return
            if end == "partial" and n == 2:
                step_part(tx, delivery, n, "refuse", by)
                told = by.because("403: replies are closed")
                step_delivery(tx, delivery, "stop", told, trouble=told.why)
                return
            url = f"{context.sandbox_url}/@demo/status/{7000 + delivery * 10 + n}"
            step_part(
                tx, delivery, n, "confirm", by, remote_id=f"{delivery}{n}", url=url, live_at=at
            )
            publishing.await_proofs(tx, [(delivery, n)], at)
            differs = end == "differs"
            shown = {
                "verdict": Verdict.DIFFERS if differs else Verdict.EQUAL,
                "fields": ["alt_texts"] if differs else [],
                "checked_at": at,
                "next_look_at": None,
            }
            proofs.keep(tx, [(proofs.Taken(delivery, n, None, 0), shown)], [], by)
        step_delivery(tx, delivery, "confirm", by)


@contextmanager
def opened(root: Path, clock: Clock, settings: Settings | None = None) -> Iterator[Opened]:
    """The workspace, with passwords that are quick to check."""
    with open_workspace(
        root, now=clock, settings=settings or Settings(), passwords=Passwords(cheap=True)
    ) as found:
        yield found


@contextmanager
def running(
    root: Path,
    settings: Settings | None = None,
    platforms: Mapping[str, Platform] | None = None,
) -> Iterator[Newsroom]:
    """The desk of a workspace on a free port, on Monday morning."""
    clock = Clock(MONDAY)
    ready = threading.Event()
    listener = listen("127.0.0.1", 0)
    with opened(root, clock, settings) as found:
        if platforms is not None:
            context = dataclasses.replace(found.context, platforms=platforms)
            found = dataclasses.replace(found, context=context)
        server = Announcing(uvicorn.Config(create_app(found), **QUIET), ready.set)
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            assert ready.wait(20), "the desk did not start"
            room = Newsroom(found, clock, f"http://127.0.0.1:{listener.getsockname()[1]}")
            yield room
        finally:
            for client in room.clients:
                client.close()
            server.should_exit = True
            thread.join(20)
            listener.close()
