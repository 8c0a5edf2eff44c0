"""demo: the whole path on this machine, with nothing but this program.

Everything is done by the public commands, each as its own process, as a team would do it.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from social_scheduler.cli import demo_judge
from social_scheduler.cli.demo_files import Copied, copy_samples
from social_scheduler.cli.demo_judge import Expected
from social_scheduler.cli.shared import bad, err, good, note, out
from social_scheduler.cli.workspace import end
from social_scheduler.config import SETTINGS_FILE
from social_scheduler.errors import SchedulerError, WorkspaceError

PASSWORD = "a rehearsal password"  # noqa: S105  (of a workspace that can reach nothing)
LANGUAGES = ("en", "ar", "fr")
PEOPLE: dict[str, tuple[list[str], Sequence[str]]] = {
    "amal": (["author"], ()),
    "yusuf": (["author"], ()),
    "rana": (["reviewer"], LANGUAGES),
    "karim": (["reviewer"], LANGUAGES),
    "dana": (["duty"], ()),
}
SOON = timedelta(minutes=6)
"""When the story's other posts begin: time for a newcomer to approve them and watch."""
HEAD_START = timedelta(seconds=20)
"""From copying the files to the first due moment: time to queue and approve."""


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(demo)


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="The whole path without a browser, then stop and judge.")
    ] = False,
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Keep the workspace in this folder.")
    ] = None,
) -> None:
    """See it work: sample campaigns, four rehearsal networks, a worker and the desk."""
    folder = (keep or Path(tempfile.mkdtemp(prefix="social-scheduler-demo-"))).resolve()
    if keep and folder.exists() and any(folder.iterdir()):
        raise WorkspaceError(f"{folder} is not empty.", "Name a new folder with --keep.")
    try:
        Demo(folder).play(once=once)
    finally:
        if keep:
            note(f"The workspace is kept in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Demo:
    """One rehearsal in one folder."""

    folder: Path

    def play(self, *, once: bool) -> None:
        """Prepare, publish, and either judge (`once`) or wait for the newcomer."""
        self._configure()
        with self._process("sandbox") as process:
            network = _address_of(process)
            note(f"X, Bluesky, Mastodon and Telegram as rehearsal networks at {network}")
            self._enrol()
            copied = self._queue()
            self._approve(copied, everything=once)
            if once:
                self._publish_and_judge()
            else:
                self._wait_for_newcomer(network)

    def _configure(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / SETTINGS_FILE).write_text(
            f'sandbox_url = "http://127.0.0.1:{_free_port()}"\nweb_port = {_free_port(8600)}\n',
            encoding="utf-8",
        )
        self.run("init", "--rehearsal", "--admin", "admin", who=None)
        note(f"A rehearsal workspace in {self.folder}")

    def _enrol(self) -> None:
        self.run("login", "admin", who="admin")
        self._copy()
        with ThreadPoolExecutor(2) as two:  # commands take a second each to start
            connected = two.submit(self.run, "accounts", "connect", "--all", who="admin")
            for done in [two.submit(self._enrol_one, name) for name in PEOPLE]:
                done.result()
            connected.result()
        note(f"People: admin, {', '.join(PEOPLE)}")

    def _enrol_one(self, name: str) -> None:
        roles, languages = PEOPLE[name]
        options = [f"--role={r}" for r in roles] + [f"--language={x}" for x in languages]
        self.run("people", "add", name, *options, who="admin")
        if name in ("amal", "rana", "karim"):
            self.run("login", name, who=name)

    def _queue(self) -> list[Copied]:
        copied = self._copy()
        self.run("check", who=None)
        self.run("queue", who="amal")
        note(f"Checked and queued: {len(copied)} campaigns in {', '.join(LANGUAGES)}")
        return copied

    def _copy(self) -> list[Copied]:
        """The samples, their first posts due a head start from now."""
        now = datetime.now(UTC)
        return copy_samples(
            self.folder / "campaigns", now=now, first=now + HEAD_START, soon=now + SOON
        )

    def _approve(self, copied: Sequence[Copied], *, everything: bool) -> None:
        """One reviewer approves the first post of each; for `once` a second one the quotes."""
        first = [f"{c.campaign}/{c.first}" for c in copied]
        self.run("review", "approve", "--yes", *first, who="rana")
        lacking = {w["line"]["reference"] for w in self.ask("review", "list", "--all", who="rana")}
        again = sorted(set(first) & lacking)
        if everything and again:
            self.run("review", "approve", "--yes", *again, who="karim")
        note(f"Approved by Rana: {', '.join(first)}")
        if again:
            told = "and by Karim, for they need two" if everything else "still lacks a second one"
            note(f"  {', '.join(again)}: {told}")

    def _publish_and_judge(self) -> None:
        expected = self._expected()
        wait = max((e.due for e in expected), default=datetime.now(UTC)) - datetime.now(UTC)
        if wait > timedelta():
            note(f"Waiting {wait.seconds + 1} s for the moment they are due …")
            time.sleep(wait.total_seconds() + 0.2)
        self.run("work", "--until-idle", who=None)
        ledger = self.ask("sandbox", "ledger", who=None)
        demo_judge.show(ledger)
        differences = demo_judge.judge([e.said for e in expected], ledger)
        for difference in differences:
            bad(difference)
        if differences:
            raise SchedulerError("What was published differs from what was approved.")
        good(f"{demo_judge.counted(ledger)}: exactly what was approved, each once.")

    def _expected(self) -> list[Expected]:
        """What the approved posts of the next minutes say, as people were shown it."""
        lines = self.ask("review", "posts", who="rana")
        approved = [x["reference"] for x in lines if x["state"] == "approved"]
        found = demo_judge.expected(self.ask("review", "show", *approved, who="rana"))
        return [e for e in found if e.due < datetime.now(UTC) + timedelta(minutes=5)]

    def _wait_for_newcomer(self, network: str) -> None:
        with self._process("run") as running:
            desk = _address_of(running)
            out.print(_WELCOME.format(desk=desk, network=network, password=PASSWORD))
            for number in (signal.SIGINT, signal.SIGTERM):  # a background shell ignores SIGINT
                signal.signal(number, signal.default_int_handler)
            try:
                code = running.wait()
            except KeyboardInterrupt:
                note("Stopping …")
                return
            raise SchedulerError(f"The desk or the worker ended by itself ({code}).")

    def run(self, *arguments: str, who: str | None) -> str:
        """One public command as its own process, as one person; its output when it worked."""
        done = subprocess.run(
            self._command(*arguments),
            env=self._environment(who),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            err.print(done.stdout + done.stderr, markup=False)
            raise SchedulerError(f"social-scheduler {' '.join(arguments)}: exit {done.returncode}.")
        return done.stdout

    def ask(self, *arguments: str, who: str | None) -> Any:
        """The JSON that a public command answers."""
        return json.loads(self.run(*arguments, "--json", who=who))

    @contextmanager
    def _process(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        log = (self.folder / f"{arguments[0]}.log").open("wb")
        with log:
            process = subprocess.Popen(
                [*self._command(*arguments), "--json"],
                env=self._environment(None),
                stdout=subprocess.PIPE,
                stderr=log,
            )
            try:
                yield process
            finally:
                end([process])

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "social_scheduler", *arguments]

    def _environment(self, who: str | None) -> Mapping[str, str]:
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SOCIAL_SCHEDULER_")}
        return kept | {
            "SOCIAL_SCHEDULER_WORKSPACE": str(self.folder),
            "SOCIAL_SCHEDULER_PASSWORD": PASSWORD,
            "XDG_CONFIG_HOME": str(self.folder / ".sign-ins" / (who or "nobody")),
        }


def _address_of(process: subprocess.Popen[bytes]) -> str:
    """The address a server process prints first, as JSON."""
    text = b""
    while process.stdout is not None and (line := process.stdout.readline()):
        text += line
        if line.startswith(b"}"):
            return str(json.loads(text)["address"])
    raise WorkspaceError("A process of the demo ended at once.", "Its log is in the demo folder.")


def _free_port(wanted: int = 0) -> int:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            return _free_port()
        return int(probe.getsockname()[1])


_WELCOME = """
[bold]The desk is open:[/] {desk}
  [bold]rana[/]   reviews English, Arabic and French   password: {password}
  [bold]karim[/]  reviews too: a minister's words need two   the same password
  (amal writes, dana can hold everything, admin connects accounts; the same password)

[bold]What the public would see:[/] {network}
  {network}/x  /bluesky  /mastodon  /telegram

Some posts go out within seconds. Then try this:
  1. Sign in as rana and approve the first two posts that await you, a picture and a film in three
     languages: they go out on all four networks in a few minutes.
  2. Sign in as karim and give the minister's quote its second approval.
  3. As dana, hold everything; then release it.
  4. As admin, see the accounts.

Ctrl-C ends the demo. Nothing of it is public.
"""
