"""pgqueuer, a quick queue for PostgreSQL in Python, doing nothing very often: for orientation."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta

import psycopg
from pgqueuer import PgQueuer
from pgqueuer.db import PsycopgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

BATCH = 100


def pgqueuer(address: str, count: int) -> float:
    """Jobs a second: from its start with `count` jobs waiting until the last one is done."""
    return asyncio.run(_measure(address, count))


async def _measure(address: str, count: int) -> float:
    async with await psycopg.AsyncConnection.connect(address, autocommit=True) as connection:
        queries = Queries(PsycopgDriver(connection))
        await queries.install()
        await queries.enqueue(["post"] * count, [None] * count, [0] * count)
        await connection.execute("VACUUM ANALYZE")
        worker = PgQueuer.from_psycopg_connection(connection)
        done = 0

        @worker.entrypoint("post")
        async def post(job: Job) -> None:
            nonlocal done
            done += 1
            if done == count:
                worker.shutdown.set()

        begun = time.monotonic()
        await worker.run(dequeue_timeout=timedelta(seconds=1), batch_size=BATCH)
        return count / (time.monotonic() - begun)
