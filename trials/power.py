"""The power goes, or somebody puts an older copy of the database in its place."""

from __future__ import annotations

import shutil
import time
from datetime import timedelta

from trials.catalogue import SQLITE, Run, trial
from trials.disk import Disk
from trials.oracle import Finding
from trials.processes import Done
from trials.stage import NEEDS_A_PERSON, Stage, now

CUTS = 60
FILES = ("social-scheduler.db", "social-scheduler.db-wal")


@trial("power cuts: the worker dies, and whatever it had not told to the disk is gone", [SQLITE])
def power_cuts(run: Run) -> None:
    """Each file goes back to what it was when it was last fsynced; nothing else may be needed."""
    with run.stage(accounts=2) as stage:
        disk = Disk(stage.root, stage.root.parent)
        lost = 0
        for number in range(1, (3 if run.short else CUTS) + 1):
            _some(run, stage, 16)
            stage.network.fault("slow", seconds=run.rng.uniform(0.0, 0.1))
            disk.settle()
            worker = stage.worker(fresh=True, environment=disk.environment())
            worker.wait_for(run.rng.choice(("recovered", "calling", "called")), patience=5)
            time.sleep(run.rng.uniform(0.1, 0.9))
            worker.kill()
            run.result.killed(worker.where())
            lost += disk.cut()
            run.result.runs += 1
            stage.network.no_faults()
            if _refused(run, worker.wait()):
                break
            if number % 10 == 0:
                run.say(f"{number} cuts")
        run.result.notes.append(f"{lost:,} bytes were written and not told to the disk")
        disk.settle()
        _refused(run, stage.worker("--until-idle").wait())
        run.result.judged(stage.verdict())


@trial("an older copy of the database file is put in its place, its journal stays", [SQLITE])
def older_copy(run: Run) -> None:
    """The worker refuses it; after `reconcile` nothing is repeated, and all is accounted for."""
    with run.stage(accounts=2) as stage:
        for number in range(1 if run.short else 8):
            _some(run, stage, 24)
            worker = stage.worker()
            worker.wait_for("called", patience=10)
            copies = stage.root.parent / f"copy-{number}"
            copies.mkdir()
            # While the worker stands still no write is half done; a transaction of its own may
            # be, and is then not in the copy.
            with worker.standing_still():
                for name in FILES:
                    if (stage.root / name).exists():
                        shutil.copyfile(stage.root / name, copies / name)
            time.sleep(run.rng.uniform(0.5, 1.5))
            worker.kill()
            run.result.killed(worker.where())
            for name in (*FILES, "social-scheduler.db-shm"):
                (stage.root / name).unlink(missing_ok=True)
            for copy in copies.iterdir():
                shutil.copyfile(copy, stage.root / copy.name)
            run.result.runs += 1
            done = stage.worker("--until-idle").wait()
            run.say(f"copy {number + 1}: the worker ended with {done.code}")
            if done.code in {0, NEEDS_A_PERSON}:
                stage.work()  # it did not see it: let it go on, and see what comes of it
                break
            stage.reconcile()
            stage.release_all()
            stage.work()
        run.result.judged(stage.verdict(history_kept=False))


def _refused(run: Run, done: Done) -> bool:
    """Whether a worker found that what it needs is gone."""
    if "is older than the publishing journal" not in done.err:
        return False
    run.result.findings.append(Finding("lost", "commits are gone, and the worker refuses to go on"))
    return True


def _some(run: Run, stage: Stage, count: int) -> None:
    campaign = stage.new_campaign()
    begin = now() + timedelta(seconds=0.8)
    stage.ready(
        [
            stage.plan(
                run.rng.choice(("text", "text", "text", "thread")),
                f"p{n}",
                campaign,
                due=begin + timedelta(milliseconds=60 * n),
                account=n % 2 + 1,
                language=run.rng.choice(("en", "ar", "fr")),
            )
            for n in range(count)
        ]
    )
