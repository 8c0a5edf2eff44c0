"""Restore drills: the database is gone at a random moment, and a backup is put back."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from social_scheduler.errors import Conflict
from social_scheduler.planning import PlannedPost
from social_scheduler.services import gaps as gap_service
from social_scheduler.services import hold as holding
from trials import evidence
from trials.catalogue import Run, trial
from trials.oracle import DeliverySaid, Finding
from trials.stage import Stage, now

PER_STAGE = 5
"""Drills in one workspace; the last of them moves to a host that never published."""
NOTED = 1.4
"""Seconds within which a running worker has written a person's stop into its journal."""
BLOCKED = 31
"""Seconds after which a worker tries again what something was in the way of."""


@dataclass
class _Drill:
    """One drill: what people stopped after the backup, and what was queued after it."""

    run: Run
    stage: Stage
    backup: Path
    withdrawn: list[str] = field(default_factory=list)
    held: str = ""
    later: list[PlannedPost] = field(default_factory=list)

    def find(self, kind: str, what: str) -> None:
        """A broken promise that no judge can see from the end alone."""
        self.run.result.findings.append(Finding(kind, f"{self.backup.stem}: {what}"))


@trial("restore drills: a backup is put back, here and on a host that never published")
def restores(run: Run) -> None:
    """Nothing is repeated; what was stopped stays stopped; whatever has no place is listed."""
    done, wanted = 0, 3 if run.short else run.restores
    gaps = learned = 0
    while done < wanted:
        drills = min(2 if run.short else PER_STAGE, wanted - done)
        with run.stage(accounts=2, calls=6) as stage:
            for number in range(1, drills + 1):
                done += 1
                run.say(f"restore {done}/{wanted}")
                told = _drill(run, stage, done, second=number == drills)
                gaps += len(told["gaps"])
                learned += len(told["learned"])
                run.result.runs += 1
            time.sleep(BLOCKED if stage.blocked else 0)
            stage.work(name=stage.name)
            run.result.judged(stage.verdict(history_kept=False))
    run.result.notes.append(
        f"{done} restores; {learned} calls were known again from the journals, {gaps} were gaps"
    )


def _drill(run: Run, stage: Stage, number: int, *, second: bool) -> dict[str, Any]:
    drill = _Drill(run, stage, stage.root.parent / f"backup-{number}.tar.gz")
    kept = _before(drill)
    stage.network.fault("slow", seconds=run.rng.uniform(0.0, 0.3))
    worker = stage.worker(name=stage.name)
    worker.wait_for("calling", patience=15)
    time.sleep(run.rng.uniform(0, 0.8))
    stage.command("backup", str(drill.backup))
    _after(drill, kept)
    time.sleep(NOTED + run.rng.uniform(0, 0.8))
    worker.kill()
    run.result.killed(worker.where())
    stage.network.no_faults()
    if second:
        _move(drill)
    else:
        stage.lose_database(run.new_database() if stage.given_database else "")
    stage.command("restore", str(drill.backup))
    stage.forget(drill.later)
    if second:
        stage.enrol("second")
        stage.name = "second"
    _must_wait(drill, "before it was reconciled")
    if second:
        told = stage.reconcile()
        if not told["missing"]:
            drill.find("unexplained", "nobody waits for the first host's journal")
        _must_wait(drill, "before the first host's journal was read")
        told = stage.reconcile("--journal", str(_journal(drill)))
    else:
        told = stage.reconcile()
    _must_wait(drill, "before anything was released")
    _stopped(drill)
    _listed(drill)
    _go_on(drill)
    return told


def _before(drill: _Drill) -> list[PlannedPost]:
    """Some are due while the backup is made; six far ahead are to be stopped after it."""
    stage, rng = drill.stage, drill.run.rng
    begin = now() + timedelta(seconds=1)
    stage.ready(_posts(drill, stage.new_campaign(), 30, begin, timedelta(milliseconds=90)))
    stopped = stage.new_campaign()
    far = _posts(drill, stopped, 3, now() + timedelta(hours=1), timedelta(0))
    stage.ready(far)
    drill.held = stage.new_campaign()
    stage.ready(_posts(drill, drill.held, 3, now() + timedelta(hours=1), timedelta(0)))
    rng.shuffle(far)
    return far


def _after(drill: _Drill, far: Sequence[PlannedPost]) -> None:
    """After the backup people stop some and queue others, in any order."""
    stage, rng = drill.stage, drill.run.rng

    def withdraw() -> None:
        drill.withdrawn = [f"{post.campaign}/{post.key}" for post in far[:2]]
        for reference in drill.withdrawn:
            stage.withdraw(reference)

    def hold() -> None:
        stage.hold("campaign", drill.held)

    def queue() -> None:
        begin = now() + timedelta(seconds=0.5)
        drill.later = _posts(drill, stage.new_campaign(), 8, begin, timedelta(milliseconds=60))
        stage.ready(drill.later)

    acts = [withdraw, hold, queue]
    rng.shuffle(acts)
    for act in acts:
        time.sleep(rng.uniform(0, 0.4))
        act()


def _posts(
    drill: _Drill, campaign: str, count: int, begin: Any, every: timedelta
) -> list[PlannedPost]:
    return [
        drill.stage.plan(
            drill.run.rng.choice(("text", "text", "text", "thread")),
            f"p{n}",
            campaign,
            due=begin + every * n,
            account=n % 2 + 1,
            language=drill.run.rng.choice(("en", "ar", "fr")),
        )
        for n in range(count)
    ]


def _move(drill: _Drill) -> None:
    """Another machine: settings and keys were kept beside the backup, the journals were not."""
    stage = drill.stage
    root = stage.root.parent / "second" / "workspace"
    root.mkdir(parents=True)
    shutil.copyfile(stage.root / "settings.toml", root / "settings.toml")
    shutil.copytree(stage.root / "vault", root / "vault")
    stage.first = stage.root
    stage.move(root, drill.run.new_database() if stage.given_database else "")


def _journal(drill: _Drill) -> Path:
    copy = drill.stage.root.parent / "worker.jsonl"
    assert drill.stage.first is not None
    shutil.copyfile(drill.stage.first / "journal" / "worker.jsonl", copy)
    return copy


def _must_wait(drill: _Drill, when: str) -> None:
    """A worker may refuse or wait; the first host's hold must not be let go before its time."""
    stage, said = drill.stage, len(drill.stage.network.ledger())
    done = stage.worker("--until-idle", name=stage.name).wait()
    for entry in stage.network.ledger()[said:]:
        text = f"@{entry.account} said {entry.text[:40]!r}"
        drill.find("unexplained", f"{text} {when}, the worker ended with {done.code}")
    if "released" in when:
        return
    with stage.opened() as opened:
        for hold in holding.list_holds(opened.context, stage.sign_in_here("dana")):
            if hold.scope.value != "everything":
                continue
            try:
                holding.release_hold(opened.context, stage.actor("dana"), hold.id)
            except Conflict:
                continue
            drill.find("unexplained", f"the hold could be released {when}")


def _stopped(drill: _Drill) -> None:
    """Withdrawn is cancelled, held is held: as people had it after the backup."""
    stage = drill.stage
    for delivery in evidence.final_state(stage.database):
        if delivery.post in drill.withdrawn and delivery.state != "cancelled":
            drill.find("unexplained", f"{delivery.post} was withdrawn; it is {delivery.state}")
    with stage.opened() as opened:
        standing = holding.list_holds(opened.context, stage.sign_in_here("dana"))
    if not any(h.scope.value == "campaign" and h.value == drill.held for h in standing):
        drill.find("unexplained", f"the hold on {drill.held} does not stand any more")


def _listed(drill: _Drill) -> None:
    """Whatever the network has is known here as live, stands in an inbox, or is a listed gap."""
    stage = drill.stage
    final = {(d.post, d.account): d for d in evidence.final_state(stage.database)}
    listed = {(g["post"], g["account"], g["part"]) for g in _gaps(stage)}
    owners = {
        (a.handle.lower(), words.text): (a.post, a.account, number)
        for a in stage.record.approved
        for number, words in enumerate(a.parts, 1)
    }
    for entry in stage.network.ledger():
        post, account, part = owners[entry.account.lower(), entry.text]
        if (post, account, part) in listed or _known(final.get((post, account)), part, entry.id):
            continue
        drill.find("lost", f"{post} part {part} to {account} is live, and nobody here knows")


def _known(delivery: DeliverySaid | None, part: int, remote_id: str) -> bool:
    if delivery is None:
        return False
    return delivery.parts[part - 1].remote_id == remote_id or delivery.state == "unconfirmed"


def _gaps(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(
        stage.command("reconcile", "list", "--json", "--all").out
    )
    return found


def _go_on(drill: _Drill) -> None:
    """Amal queues what was forgotten again, dana settles the gaps and releases, it goes on."""
    stage, rng = drill.stage, drill.run.rng
    if rng.random() < 0.6:
        stage.ready(drill.later)
    if rng.random() < 0.3:
        # Before the gaps are settled: nothing of what a gap tells may be said again.
        stage.release_all()
        stage.work(name=stage.name)
        stage.blocked = True
    said = {(e.account.lower(), e.text): e.id for e in stage.network.ledger()}
    words = {
        (a.post, a.account, number): (a.handle.lower(), each.text)
        for a in stage.record.approved
        for number, each in enumerate(a.parts, 1)
    }
    with stage.opened() as opened:
        dana = stage.sign_in_here("dana")
        for gap in gap_service.list_gaps(opened.context, dana):
            remote_id = said.get(words[gap.post, gap.account, gap.part])
            url = remote_id and f"{stage.network.url}/i/web/status/{remote_id}"
            gap_service.settle_gap(opened.context, dana, gap.id, url=url or None)
    stage.release_all()
    stage.work(name=stage.name)
