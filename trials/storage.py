"""The database fails: full, read-only, locked, cut off, restarted, killed."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import Connection, text

from trials import evidence
from trials.catalogue import POSTGRESQL, SQLITE, NotRun, Run, trial
from trials.databases import Server
from trials.oracle import Finding
from trials.stage import Stage, now

ROUNDS = 8


@trial("the disk is full: the worker's files may not grow beyond a random size", [SQLITE])
def disk_full(run: Run) -> None:
    """A file size limit of the worker's process; afterwards there is room again."""
    with run.stage() as stage:
        for number in range(1 if run.short else ROUNDS):
            _some(run, stage, 20)
            files = [stage.root / "social-scheduler.db-wal", *(stage.root / "journal").iterdir()]
            largest = max([f.stat().st_size for f in files if f.exists()], default=0)
            limit = largest + run.rng.randint(500, 60_000)
            worker = stage.worker("--until-idle", file_size=limit)
            done = worker.wait()
            run.say(f"round {number + 1}: {limit:,} bytes, exit code {done.code}")
            run.result.runs += 1
        _end(run, stage)


@trial("the database can be read but not written")
def read_only(run: Run) -> None:
    """Nothing is sent that cannot be written down first."""
    with run.stage() as stage:
        _some(run, stage, 6)
        time.sleep(1)
        if run.database == SQLITE:
            path = stage.root / "social-scheduler.db"
            url = f"sqlite:///file:{path}?mode=ro&uri=true"
            worker = stage.worker(environment={"SOCIAL_SCHEDULER_DATABASE_URL": url})
        else:
            _refuse_writes(stage)
            worker = stage.worker()
        time.sleep(3)
        worker.kill()
        run.result.killed(worker.where())
        if stage.network.ledger():
            run.result.findings.append(Finding("unexplained", "said without a durable intent"))
        if run.database == POSTGRESQL:
            _allow_writes(stage)
        run.result.runs += 1
        _end(run, stage)


@trial("somebody else locks the database for seconds, in the middle of publishing")
def locked(run: Run) -> None:
    """Nothing is begun while it is locked; afterwards it goes on, or says that it ends."""

    def lock(stage: Stage) -> None:
        seconds = run.rng.uniform(1, 4)
        if run.database == SQLITE:
            connection = sqlite3.connect(stage.root / "social-scheduler.db", timeout=30)
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(seconds)
            connection.rollback()
            connection.close()
            return
        engine = evidence.engine(stage.database)
        with engine.begin() as held:
            held.execute(text("LOCK TABLE delivery IN ACCESS EXCLUSIVE MODE"))
            time.sleep(seconds)
        engine.dispose()

    _disturbed(run, lock)


@trial("every connection to PostgreSQL is cut, again and again", [POSTGRESQL])
def connections_cut(run: Run) -> None:
    """pg_terminate_backend in the middle of transactions and commits."""
    _disturbed(run, lambda stage: _cut(run, stage))


@trial("PostgreSQL is restarted in good order while posts go out", [POSTGRESQL])
def postgresql_restarted(run: Run) -> None:
    """Fast shutdown: open transactions are rolled back."""
    _disturbed(run, lambda _: _server(run).restart(immediate=False))


@trial("PostgreSQL crashes while posts go out, and recovers from its log", [POSTGRESQL])
def postgresql_killed(run: Run) -> None:
    """Immediate shutdown: what was committed is there, the rest is not."""
    _disturbed(run, lambda _: _server(run).restart(immediate=True))


def _disturbed(run: Run, disturb: Callable[[Stage], None]) -> None:
    """A worker that is started again whenever it ends, and a database that is disturbed."""
    with run.stage(accounts=2) as stage:
        stage.network.fault("slow", seconds=0.1)
        worker = None
        for number in range(2 if run.short else ROUNDS):
            _some(run, stage, 30)
            if worker is None or not worker.running():
                worker = stage.worker()
            worker.wait_for("calling", patience=5)
            time.sleep(run.rng.uniform(0, 0.5))
            disturb(stage)
            run.result.runs += 1
            time.sleep(0.3)
            run.say(f"round {number + 1}: the worker {'goes on' if worker.running() else 'ended'}")
        if worker is not None and worker.running():
            worker.kill()
            run.result.killed(worker.where())
        stage.network.no_faults()
        _end(run, stage)


def _some(run: Run, stage: Stage, count: int) -> None:
    campaign = stage.new_campaign()
    begin = now() + timedelta(seconds=0.3 + 0.02 * count)
    accounts = len(stage.speakers) // 3
    stage.ready(
        [
            stage.plan(
                run.rng.choice(("text", "text", "text", "thread")),
                f"p{n}",
                campaign,
                due=begin + timedelta(milliseconds=20 * n),
                account=n % accounts + 1,
                language=run.rng.choice(("en", "ar", "fr")),
            )
            for n in range(count)
        ]
    )


def _end(run: Run, stage: Stage) -> None:
    stage.work()
    run.result.judged(stage.verdict())


def _cut(run: Run, stage: Stage) -> None:
    _server(run).cut_connections(stage.database)


def _server(run: Run) -> Server:
    if run.server is None:
        raise NotRun("there is no server")
    return run.server


def _refuse_writes(stage: Stage) -> None:
    """Every write fails as it does in a read-only transaction; ours say READ WRITE themselves."""
    with _ours(stage) as connection:
        connection.execute(
            text(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                " RAISE EXCEPTION 'cannot write: read-only' USING ERRCODE = '25006'; END $$"
            )
        )
        for table in _tables(connection):
            connection.execute(
                text(
                    f"CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON {table}"
                    " FOR EACH STATEMENT EXECUTE FUNCTION refuse()"
                )
            )


def _allow_writes(stage: Stage) -> None:
    with _ours(stage) as connection:
        connection.execute(text("DROP FUNCTION refuse() CASCADE"))


@contextmanager
def _ours(stage: Stage) -> Iterator[Connection]:
    engine = evidence.engine(stage.database)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def _tables(connection: Connection) -> list[str]:
    found = connection.execute(
        text("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    )
    return list(found.scalars())
