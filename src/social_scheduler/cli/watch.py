"""watch: a process of its own that only reads, and wakes people when something is wrong."""

from __future__ import annotations

import fcntl
import json as jsonlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from social_scheduler.alarms import Alarm, Bell, Notice
from social_scheduler.alarms import keys as secrets
from social_scheduler.alarms.mail import Mail
from social_scheduler.alarms.memory import Memory
from social_scheduler.alarms.webhook import Webhook
from social_scheduler.alarms.words import alarm_json, as_json, lines, moment
from social_scheduler.app import DATABASE_FILE, utc_now
from social_scheduler.cli.shared import Json, Workspace, bad, emit, err, good, note, out, table
from social_scheduler.config import Settings, load_settings
from social_scheduler.errors import InvalidInput, WorkspaceError
from social_scheduler.services.watch_causes import Facts
from social_scheduler.services.watch_round import Watch
from social_scheduler.store.database import Database, sqlite_url
from social_scheduler.store.watching import read_only

MEMORY_FILE = "watch.json"


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command()(watch)


def watch(
    workspace: Workspace = Path(),
    once: Annotated[
        bool,
        typer.Option("--once", help="Check once, tell nobody else; exit 3 if all is not well."),
    ] = False,
    every: Annotated[
        float, typer.Option("--every", min=1, max=60, help="Seconds between two checks.")
    ] = 10,
    test: Annotated[
        bool, typer.Option("--test", help="Send a test by mail and webhook, and end.")
    ] = False,
    json: Json = False,
) -> None:
    """Watch over publishing and raise alarms. Runs until stopped; only reads; needs no sign-in."""
    root = workspace.resolve()
    settings = load_settings(root)
    # Where a workspace was, a missing database is an alarm; elsewhere it is a slip of the pen.
    known = (root / DATABASE_FILE).exists() or (root / "journal").exists()
    if not known and not settings.database_url:
        raise WorkspaceError(
            f"There is no workspace in {root}.", "Name its folder with --workspace."
        )
    watchdog = _watch(root, settings, with_bells=not once, json=json)
    if test:
        _test(watchdog)
    elif once:
        _once(watchdog, json=json)
    else:
        with _only_watch(root):
            _until_stopped(watchdog, every)


def _watch(root: Path, settings: Settings, *, with_bells: bool, json: bool) -> Watch:
    url = read_only(settings.database_url or sqlite_url(root / DATABASE_FILE))
    return Watch(
        open_database=lambda: Database(url),
        clock=utc_now,
        monotonic=time.monotonic,
        name=root.name,
        memory=Memory(root / MEMORY_FILE),
        bells=bells(root / "vault", settings) if with_bells else (),
        told=_told_json if json else _told,
        troubled=lambda problem: bad(f"{_local(utc_now())} {problem}"),
    )


def bells(vault: Path, settings: Settings) -> list[Bell]:
    """The ways out that the settings name, with their secrets; WorkspaceError for a wrong one."""
    found: list[Bell] = []
    if settings.watch_webhook_url:
        key = secrets.webhook_key(vault / secrets.WEBHOOK)
        found.append(Webhook(settings.watch_webhook_url, key))
    if settings.watch_mail_to:
        user, password = settings.watch_mail_user, ""
        if user:
            password = secrets.read_secret(vault / secrets.MAIL, "The password for mail")
        found.append(
            Mail(
                settings.watch_mail_server,
                settings.watch_mail_port,
                sender=settings.watch_mail_from,
                to=settings.watch_mail_to,
                security=settings.watch_mail_security,
                user=user,
                password=password,
            )
        )
    return found


def _until_stopped(watchdog: Watch, every: float) -> None:
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    ways = " and ".join(["this log", *(repr(bell) for bell in watchdog.bells)])
    note(f"Watching {watchdog.name} every {every:g} s; alarms go to {ways}. Stop it with Ctrl-C.")
    if standing := len(watchdog.from_before().standing):
        note(f"Told before and not over: {standing}. See social-scheduler watch --once.")
    while True:
        watchdog.round()
        if stopping.wait(every):
            return


def _once(watchdog: Watch, *, json: bool) -> None:
    judgement, facts = watchdog.check()
    found = judgement.new
    holds = facts.holds if isinstance(facts, Facts) else ()
    if json:
        emit({"ok": not found, "alarms": [alarm_json(alarm) for alarm in found], "holds": holds})
    else:
        table(
            "since",
            "what is wrong, why, and what to do",
            rows=[
                [moment(a.since), "\n".join(x for x in (a.what, a.why, f"→ {a.remedy}") if x)]
                for a in found
            ],
            empty="All is well.",
        )
        for hold in holds:
            out.print(f"A hold stands: {escape(hold)}")
    if found:
        raise typer.Exit(3)


def _test(watchdog: Watch) -> None:
    if not watchdog.bells:
        raise InvalidInput(
            "There is nowhere to send a test to.",
            "Set watch_mail_to or watch_webhook_url in settings.toml.",
        )
    now = utc_now()
    alarm = Alarm(
        cause="test",
        what="a test: nothing is wrong",
        why="somebody ran social-scheduler watch --test",
        remedy="Nothing.",
        since=now,
        state="test",
    )
    notice = Notice(f"watch-test-{now:%Y%m%d%H%M%S%f}", now, watchdog.name, (alarm,), (), 1, ())
    failed = False
    for bell in watchdog.bells:
        if problem := bell.ring(notice, now):
            failed = True
            bad(f"{bell.name}: {problem}")
        else:
            good(f"{bell.name} took the test.")
    if failed:
        raise typer.Exit(1)


def _told(notice: Notice) -> None:
    for line in lines(notice):
        colour = "red" if line.startswith("ALARM") else "green"
        err.print(f"[{colour}]{escape(f'{_local(notice.at)} {line}')}[/]")
    for hold in notice.holds:
        note(f"{_local(notice.at)} a hold stands: {hold}")


def _told_json(notice: Notice) -> None:
    print(jsonlib.dumps(as_json(notice), ensure_ascii=False), flush=True)  # noqa: T201


def _local(at: datetime) -> str:
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S %z")


@contextmanager
def _only_watch(root: Path) -> Iterator[None]:
    """One watch a workspace, or each would forget what the other remembers."""
    folder = os.open(root, os.O_RDONLY)  # the folder itself: a full disk takes no lock file
    try:
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise WorkspaceError(
                f"Another watch runs in {root}.", "One is enough: stop it first."
            ) from None
        yield
    finally:
        os.close(folder)
