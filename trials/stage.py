"""A stage for trials: one workspace, its network, its people, and workers to be killed.

People act through the services that the commands call, in this process, because thousands of
posts are to be queued and approved; workers and the network are processes of their own. What
people did is written down here, for the judge, and nowhere in the program.
"""

from __future__ import annotations

import dataclasses
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from social_scheduler import platforms
from social_scheduler.app import DATABASE_FILE, Opened, open_workspace
from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.message import Attachment, Message, MessagePart, Window, content_digest
from social_scheduler.planning import PlannedMessage, PlannedPost, Speaker
from social_scheduler.services import enqueue as queueing
from social_scheduler.services import hold as holding
from social_scheduler.services import people, reading, review, settle
from social_scheduler.services.accounts import connect_account, speakers
from social_scheduler.services.actor import Actor
from social_scheduler.services.past import RESTORED
from trials import evidence
from trials.network import Network
from trials.oracle import Again, Approved, Held, Record, Verdict, Words, judge
from trials.processes import Done, Process

PASSWORD = "the well by the school"
PEOPLE: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "amal": (["author"], []),
    "rana": (["reviewer"], ["en", "ar", "fr"]),
    "dana": (["duty"], []),
}
LANGUAGES = ("en", "ar", "fr")
LINES = {
    "en": "The well at {place} gives water again; {n} families drew from it today.",
    "ar": "عادت بئر {place} تعطي الماء، واستقت منها اليوم {n} عائلة.",
    "fr": "Le puits de {place} redonne de l'eau ; {n} familles y ont puisé aujourd'hui.",
}
SETTINGS = """\
sandbox_url = "{url}"
connect_timeout = 3
read_timeout = {read_timeout}
settle_seconds = [0.2, 0.6]
calls_at_once = {calls}
burst_account_minute = 0
burst_account_hour = 0
burst_minute = 0
burst_hour = 0
"""
SHAPES = ("text", "image", "thread", "together")
"""A text; a picture with its alt text; five parts; three languages, all of them or none."""
THREAD_PARTS = 5
NEEDS_A_PERSON = 3
"""What `work --until-idle` ends with when something is in the inbox."""


def now() -> datetime:
    """The present moment, UTC."""
    return datetime.now(UTC)


class FalseClock(Protocol):
    """A clock of another time (clocks.py)."""

    def __call__(self) -> datetime:
        """The moment it shows."""

    def environment(self) -> dict[str, str]:
        """What makes a process live at it."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a trial's files and its database are; an empty `database` is SQLite."""

    folder: Path
    database: str = ""


class Stage:
    """One workspace with everything around it. Use it as a context."""

    def __init__(
        self,
        place: Place,
        rng: random.Random,
        *,
        accounts: int = 1,
        calls: int = 4,
        read_timeout: float = 10,
        mutation: str = "",
        clock: FalseClock | None = None,
        through: Callable[[str], str] = str,
    ) -> None:
        """`accounts` in each of the three languages; `calls` at once in each worker.

        `through` answers the address under which workers are to reach the network.
        With `clock`, the network and the workers live at its time, and people act at it.
        """
        self.clock = clock
        self.root = place.folder / "workspace"
        self.logs = place.folder / "logs"
        self.database = place.database or f"sqlite:///{self.root / DATABASE_FILE}"
        self.given_database = place.database
        self.rng, self.mutation = rng, mutation
        self.network = Network(place.folder / "network", clock.environment() if clock else None)
        self.record = Record()
        self.processes: list[Process] = []
        self.name = ""
        """The worker that publishes here; empty for the first."""
        self.first: Path | None = None
        """The folder of the host that published before this one."""
        self.blocked = False
        """Whether something may be waiting for half a minute that was in the way."""
        self._campaigns = 0
        self._signed_in = False
        self._entries: list[AccountEntry] = []
        self._actors: dict[str, Actor] = {}
        self._picture: Attachment | None = None
        self.root.mkdir(parents=True)
        url = through(self.network.url)
        settings = SETTINGS.format(url=url, calls=calls, read_timeout=read_timeout)
        (self.root / "settings.toml").write_text(settings, encoding="utf-8")
        self.command("init", "--rehearsal")
        with self.opened() as opened:
            self._enrol(opened, accounts)
            self.speakers = speakers(opened.context)

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes:
            if process.running():
                process.kill()
        self.network.stop()

    # -- people --

    def now(self) -> datetime:
        """The present moment on this stage."""
        return self.clock() if self.clock else now()

    @contextmanager
    def opened(self) -> Iterator[Opened]:
        """The workspace, open in this process."""
        before = os.environ.get("SOCIAL_SCHEDULER_DATABASE_URL")
        if self.given_database:
            os.environ["SOCIAL_SCHEDULER_DATABASE_URL"] = self.given_database
        try:
            with open_workspace(self.root, now=self.now) as opened:
                yield opened
        finally:
            os.environ.pop("SOCIAL_SCHEDULER_DATABASE_URL", None)
            if before is not None:
                os.environ["SOCIAL_SCHEDULER_DATABASE_URL"] = before

    def _enrol(self, opened: Opened, accounts: int) -> None:
        admin = self._sign_in(opened, "admin")
        for name, (roles, languages) in PEOPLE.items():
            people.add_person(
                opened.context, admin, name, roles=roles, languages=languages, password=PASSWORD
            )
            self._sign_in(opened, name)
        for number in range(1, accounts + 1):
            for language in LANGUAGES:
                handle = f"well_{language}{number}"
                keys = self.network.add_account(handle, language)
                entry = AccountEntry(
                    name=f"x-{language}{number}",
                    platform="x",
                    handle=handle,
                    language=language,
                    groups=[],
                    may_thread="yes",
                )
                connect_account(opened.context, admin, entry, keys)
                self._entries.append(entry)

    def reconnect(self) -> None:
        """The admin connects every account again, with new keys."""
        with self.opened() as opened:
            for entry in self._entries:
                keys = self.network.add_account(entry.handle, entry.language)
                connect_account(opened.context, self.actor("admin"), entry, keys)

    def _sign_in(self, opened: Opened, name: str) -> Actor:
        token = people.sign_in(opened.context, name, PASSWORD, kind="login", label="a trial")
        self._actors[name] = people.actor_for(opened.context, token)
        return self._actors[name]

    def actor(self, name: str) -> Actor:
        """Somebody who is signed in."""
        return self._actors[name]

    # -- posts --

    def plan(
        self,
        shape: str,
        key: str,
        campaign: str,
        *,
        due: datetime,
        late: timedelta = timedelta(hours=2),
        account: int = 1,
        release: str = "apart",
        language: str = "en",
    ) -> PlannedPost:
        """One post as planning makes it, with words that no other post has."""
        to = LANGUAGES if shape == "together" else (language,)
        messages = [
            self._message(self.speakers[f"x-{each}{account}"], shape, f"{campaign}-{key}")
            for each in to
        ]
        return PlannedPost(
            campaign=campaign,
            key=key,
            kind="news",
            owner="amal",
            tags=(),
            release="together" if shape == "together" else release,
            window=Window(due, due, due + late),
            zone="UTC",
            wall=f"{due:%Y-%m-%d %H:%M}",
            messages=tuple(messages),
            place=f"campaigns/{campaign}.yaml:1",
        )

    def _message(self, speaker: Speaker, shape: str, place: str) -> PlannedMessage:
        numbers = range(1, THREAD_PARTS + 1) if shape == "thread" else [0]
        lines = []
        for number in numbers:
            said = LINES[speaker.language].format(place=place, n=self.rng.randint(10, 99_999))
            lines.append(f"{number}/{THREAD_PARTS} {said}" if number else said)
        media = (self.picture(),) if shape == "image" else ()
        message = Message(
            platform=speaker.platform,
            server=speaker.server,
            account=speaker.native_id,
            language=speaker.language,
            parts=tuple(MessagePart(text=line, media=media) for line in lines),
        )
        body = message.canonical()
        limits = platforms.named(speaker.platform).limits
        return PlannedMessage(
            speaker, body, content_digest(body), len(lines), len(message.media), limits
        )

    def picture(self) -> Attachment:
        """A picture in the workspace's store."""
        if self._picture is None:
            file = BytesIO()
            Image.effect_noise((64, 48), 40).convert("RGB").save(file, "PNG")
            with self.opened() as opened:
                sha256 = opened.context.media.put(file.getvalue(), "image/png")
            alt = "A grey field of grains, as on an old television."
            self._picture = Attachment(sha256=sha256, type="image/png", alt=alt)
        return self._picture

    def new_campaign(self) -> str:
        """A name that no other campaign has."""
        self._campaigns += 1
        return f"week-{self._campaigns}"

    def queue(self, posts: Sequence[PlannedPost]) -> None:
        """Amal queues the posts of one campaign; queued again with other words, it is an edit."""
        if not posts:
            return
        name = posts[0].campaign
        facts = queueing.CampaignFacts(name, "news", "Water", f"campaigns/{name}.yaml")
        with self.opened() as opened:
            queueing.enqueue(opened.context, self.actor("amal"), facts, posts)
        committed = self.now()
        for post in posts:
            for message in post.messages:
                self._reworded(approved(post, message, committed))

    def approve(self, posts: Sequence[PlannedPost]) -> None:
        """Rana approves them, as they are shown to her."""
        with self.opened() as opened:
            for post in posts:
                reference = f"{post.campaign}/{post.key}"
                view = reading.show(opened.context, self.actor("rana"), reference)
                shown = {
                    each.language: review.Shown(
                        each.verdict.content_digest, each.verdict.window_digest
                    )
                    for each in view.languages
                }
                at = self.now()
                missing = review.approve(opened.context, self.actor("rana"), reference, shown)
                if any(missing.values()):
                    raise AssertionError(f"{reference} is not approved: {missing}")
                self.record.approved += [approved(post, each, at) for each in post.messages]

    def ready(self, posts: Sequence[PlannedPost]) -> None:
        """Queued and approved."""
        self.queue(posts)
        self.approve(posts)

    def withdraw(self, reference: str) -> None:
        """Amal takes a post back."""
        with self.opened() as opened:
            review.withdraw(opened.context, self.actor("amal"), reference, "No longer true")
        self._end_approvals(reference, self.now())

    def hold(self, scope: str = "everything", value: str = "") -> tuple[int, Held]:
        """Dana stops something; answers the hold's number."""
        with self.opened() as opened:
            placed = holding.add_hold(
                opened.context, self.actor("dana"), scope=scope, value=value, reason="A rumour"
            )
        accounts = {
            s.name
            for s in self.speakers.values()
            if scope == "everything" or value in {s.name, s.language}  # others: see the drills
        }
        held = Held(frozenset(accounts), self.now())
        self.record.held.append(held)
        return placed.id, held

    def release(self, number: int, held: Held) -> None:
        """Dana releases a hold."""
        held.until = self.now()
        with self.opened() as opened:
            holding.release_hold(opened.context, self.actor("dana"), number)

    def send_again(self, reference: str, account: str) -> None:
        """Dana says: send it again, now."""
        asked = self.now()
        with self.opened() as opened:
            window = settle.send_again(opened.context, self.actor("dana"), reference, account)
        self.record.again.append(Again(reference, account, asked, window.not_after))

    def _reworded(self, now_says: Approved) -> None:
        for each in self.record.approved:
            same = (each.post, each.account) == (now_says.post, now_says.account)
            if same and each.ended_at is None and each.parts != now_says.parts:
                each.ended_at = now_says.given_at

    def _end_approvals(self, reference: str, at: datetime) -> None:
        for each in self.record.approved:
            if each.post == reference and each.ended_at is None:
                each.ended_at = at

    # -- processes --

    def environment(self, **more: str) -> dict[str, str]:
        """What every process of this stage is given."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SOCIAL_SCHEDULER_")}
        own = {
            "SOCIAL_SCHEDULER_WORKSPACE": str(self.root),
            "SOCIAL_SCHEDULER_PASSWORD": PASSWORD,
            "XDG_CONFIG_HOME": str(self.root / ".sign-ins"),
        }
        if self.given_database:
            own["SOCIAL_SCHEDULER_DATABASE_URL"] = self.given_database
        return {**kept, **own, **(self.clock.environment() if self.clock else {}), **more}

    def start(self, *arguments: str, **options: Any) -> Process:
        """One command as its own process."""
        environment = self.environment(**options.pop("environment", {}))
        process = Process(list(arguments), environment, self.logs, **options)
        self.processes.append(process)
        return process

    def command(self, *arguments: str) -> Done:
        """One command from start to end; fails unless it ends well."""
        done = self.start(*arguments).wait()
        if done.code != 0:
            raise AssertionError(f"{' '.join(arguments)}: {done.code}\n{done.out}\n{done.err}")
        return done

    def worker(self, *options: str, name: str = "", **more: Any) -> Process:
        """A worker; its kills are traced."""
        self.processes = [p for p in self.processes if p.running()]
        named = ["--name", name] if name else []
        more.setdefault("mutation", self.mutation)
        return self.start("work", *named, *options, traced=True, **more)

    def work(self, *options: str, patience: float = 300, **more: Any) -> Done:
        """A worker that publishes until nothing is due any more; fails when it ends otherwise."""
        done = self.worker("--until-idle", *options, **more).wait(patience)
        if done.code not in {0, NEEDS_A_PERSON}:
            raise AssertionError(f"the worker ended with {done.code}: {done.err[-2000:]}")
        return done

    def enrol(self, name: str) -> None:
        """Another worker, on another machine, with its own journal."""
        if not self._signed_in:
            self.command("login", "admin")
            self._signed_in = True
        self.command("worker", "enrol", name)

    def sign_in(self, name: str) -> None:
        """Somebody signs in at the command line."""
        self.command("login", name)
        self._signed_in = name == "admin"

    def reconcile(self, *options: str) -> dict[str, Any]:
        """Dana reads the journals into the database; answers what the command tells."""
        self.sign_in("dana")
        told: dict[str, Any] = json.loads(self.command("reconcile", "--json", *options).out)
        return told

    def release_all(self) -> int:
        """Dana releases every hold that stands because the database was put back."""
        with self.opened() as opened:
            self._sign_in(opened, "dana")
            standing = holding.list_holds(opened.context, self.actor("dana"))
            ours = [hold for hold in standing if hold.reason.startswith(RESTORED)]
            for hold in ours:
                holding.release_hold(opened.context, self.actor("dana"), hold.id)
        return len(ours)

    def sign_in_here(self, name: str) -> Actor:
        """Somebody signs in anew in this process: sign-ins of before a restore do not count."""
        with self.opened() as opened:
            return self._sign_in(opened, name)

    def lose_database(self, new: str) -> None:
        """The database is gone; `new` is an empty one on PostgreSQL."""
        if new:
            self.given_database = self.database = new
            return
        for end in ("", "-wal", "-shm"):
            (self.root / f"{DATABASE_FILE}{end}").unlink(missing_ok=True)

    def move(self, root: Path, new: str) -> None:
        """From now on everything happens in another folder, as on another machine."""
        self.root, self._signed_in = root, False
        self.given_database = new
        self.database = new or f"sqlite:///{root / DATABASE_FILE}"

    def forget(self, posts: Sequence[PlannedPost]) -> None:
        """The database was put back to before these were queued: it need not know them."""
        for post in posts:
            for message in post.messages:
                self.record.forgotten.add((f"{post.campaign}/{post.key}", message.speaker.name))

    def settled(self) -> bool:
        """Whether nothing is due or under way any more."""
        counts = evidence.states(self.database)
        return not (counts["scheduled"] or counts["leased"] or counts["sending"])

    # -- the end --

    def verdict(self, **options: bool) -> Verdict:
        """What the judge says."""
        final = evidence.final_state(self.database)
        return judge(self.network.ledger(), self.record, final, now=self.now(), **options)

    def throw_away(self) -> None:
        """Remove the stage's files."""
        shutil.rmtree(self.root.parent, ignore_errors=True)


def approved(post: PlannedPost, message: PlannedMessage, at: datetime) -> Approved:
    """What an approval of this message means, for the judge."""
    said = Message.from_canonical(message.body)
    return Approved(
        post=f"{post.campaign}/{post.key}",
        account=message.speaker.name,
        handle=message.speaker.handle,
        parts=tuple(
            Words(part.text, tuple((m.sha256, m.alt) for m in part.media)) for part in said.parts
        ),
        due_at=post.window.due_at,
        not_after=post.window.not_after,
        given_at=at,
    )
