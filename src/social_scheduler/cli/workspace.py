"""init, login, logout, work, serve, run."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from social_scheduler.app import make_workspace, upgrade_workspace
from social_scheduler.cli.shared import (
    Json,
    Workspace,
    acting,
    bad,
    emit,
    good,
    login_file,
    note,
    opened,
    secret,
)
from social_scheduler.cli.starter import write_starter
from social_scheduler.errors import InvalidInput, NotAllowed, SchedulerError
from social_scheduler.services.people import add_person, sign_in, sign_out

PASSWORD = "SOCIAL_SCHEDULER_PASSWORD"  # noqa: S105  (a variable's name)

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        "--password-file", help=f"Read the password from here; - is standard input. Or {PASSWORD}."
    ),
]
Nobody = Annotated[
    bool,
    typer.Option(
        "--until-idle",
        help="End when nothing is due within five seconds, and no film and no look for what is "
        "unconfirmed is waited for.",
    ),
]


Host = Annotated[str, typer.Option(help="The address to listen on.")]
Port = Annotated[int | None, typer.Option(min=0, max=65535, help="The port; 0 takes a free one.")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command()(init)
    app.command()(login)
    app.command()(logout)
    app.command()(work)
    app.command()(serve)
    app.command()(run)


def init(
    workspace: Workspace = Path(),
    rehearsal: Annotated[
        bool, typer.Option("--rehearsal", help="To practise: sends to the sandbox only.")
    ] = False,
    live: Annotated[bool, typer.Option("--live", help="To publish for real.")] = False,
    admin: Annotated[str, typer.Option(help="The first person: an admin.")] = "admin",
    password_file: PasswordFile = None,
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Bring an existing workspace to this version.")
    ] = False,
    json: Json = False,
) -> None:
    """Make a workspace in a folder: rehearsal or live."""
    root = workspace.resolve()
    if upgrade:
        sealed = upgrade_workspace(root)
        good(f"{root} is ready for this version.")
        if sealed:
            note(f"The keys of {', '.join(sealed)} are sealed now; their files are gone.")
            note(f"Keep a copy of {root / 'keys' / 'worker.key'} apart, locked away.")
        return
    if rehearsal == live:
        raise InvalidInput("Is it a rehearsal or a live workspace?", "Say --rehearsal or --live.")
    password = secret(f"A password for {admin}", password_file, PASSWORD)
    kind = "live" if live else "rehearsal"
    make_workspace(root, kind=kind)
    with opened(workspace) as found:
        add_person(found.context, None, admin, roles=["admin"], languages=[], password=password)
    written = write_starter(root)
    if json:
        emit({"workspace": root, "kind": kind, "admin": admin, "files": written})
        return
    good(f"A {kind} workspace in {root}; {admin} is its admin.")
    note(f"Next: social-scheduler login {admin}, then people add, accounts connect, check, queue.")


def login(
    name: Annotated[str, typer.Argument(help="Your name.")],
    workspace: Workspace = Path(),
    password_file: PasswordFile = None,
    json: Json = False,
) -> None:
    """Sign in, for the commands that follow. Ends after 14 days, or with logout."""
    with opened(workspace) as found:
        password = secret(f"Password of {name}", password_file, PASSWORD)
        token = sign_in(found.context, name, password, kind="login", label="command line")
        path = login_file(found.context.uid)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as writer:
            writer.write(token)
        if json:
            emit({"signed_in": name, "workspace": found.context.root})
        else:
            good(f"Signed in as {name}.")


def logout(workspace: Workspace = Path(), json: Json = False) -> None:
    """Sign out: the sign-in counts no more, here or anywhere it was copied to."""
    with acting(workspace) as (found, actor):
        sign_out(found.context, actor)
        login_file(found.context.uid).unlink(missing_ok=True)
        if json:
            emit({"signed_out": actor.name})
        else:
            good(f"Signed out {actor.name}.")


def work(
    workspace: Workspace = Path(),
    name: Annotated[
        str, typer.Option("--name", help="Which enrolled worker this is; see worker list.")
    ] = "worker",
    until_idle: Nobody = False,
    crash_at: Annotated[
        str,
        typer.Option(
            "--crash-at",
            help="Rehearsal only: kill the worker at a named moment, to see that nothing is lost.",
        ),
    ] = "",
    json: Json = False,
) -> None:
    """Publish what is approved and due. Runs until stopped."""
    from social_scheduler.services.publish import CRASH_POINTS
    from social_scheduler.worker import Worker, in_trouble, overdue
    from social_scheduler.worker import crash_at as crash_probe

    with opened(workspace) as found:
        worker = Worker(found, told=note, name=name)
        if crash_at:
            if found.context.kind != "rehearsal":
                raise NotAllowed("--crash-at is for rehearsal workspaces only.")
            if crash_at.partition(":")[0] not in CRASH_POINTS:
                raise InvalidInput(
                    f"There is no moment {crash_at!r}.", f"Moments: {', '.join(CRASH_POINTS)}."
                )
            worker = Worker(found, told=note, name=name, probe=crash_probe(crash_at))
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        note(f"{worker.name} publishes from {found.context.root}; stop it with Ctrl-C.")
        worker.run(until_idle=until_idle)
        trouble = in_trouble(found)
        if waiting := overdue(found):
            bad(f"{waiting} due and not sent: see social-scheduler history for why")
        if json:
            emit({"worker": worker.name, "needs_a_person": trouble})
        for state, count in trouble.items():
            bad(f"{count} {state.value}: see social-scheduler settle list")
        if trouble and until_idle:
            raise typer.Exit(3)


def serve(
    workspace: Workspace = Path(),
    host: Host = "",
    port: Port = None,
    json: Json = False,
) -> None:
    """The review desk in the browser. Never holds an account's keys."""
    from social_scheduler import web

    with opened(workspace) as found:
        settings = found.settings

        def ready(address: str) -> None:
            emit({"address": address}) if json else good(f"The desk is at {address}")

        web.serve(
            found,
            host or settings.web_host,
            settings.web_port if port is None else port,
            ready=ready,
        )


def run(
    workspace: Workspace = Path(), host: Host = "", port: Port = None, json: Json = False
) -> None:
    """The desk and the worker as two processes; when one ends, both do."""
    with opened(workspace):
        pass  # a folder that is no workspace is told here, once
    ours = [sys.executable, "-m", "social_scheduler"]
    extra = ["--workspace", str(workspace), *(["--json"] if json else [])]
    where = [*(["--host", host] if host else []), *([] if port is None else ["--port", str(port)])]
    processes = [
        subprocess.Popen([*ours, *command, *extra]) for command in (["serve", *where], ["work"])
    ]
    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    try:
        while not stopping and all(p.poll() is None for p in processes):
            time.sleep(0.2)
    finally:
        codes = end(processes)
    if not stopping:
        raise SchedulerError(
            f"The {'desk' if codes[0] else 'worker'} ended by itself, so the other was stopped.",
            "What it said stands above.",
        )


def end(processes: list[subprocess.Popen[bytes]]) -> list[int]:
    """Ask processes to end, wait for them, and answer their exit codes."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    codes = []
    for process in processes:
        try:
            codes.append(process.wait(timeout=40))
        except subprocess.TimeoutExpired:
            process.kill()
            codes.append(process.wait())
    return codes
