"""People's stops outside the database, at once: also those made while no worker runs.

Beside the workers' journals a workspace has `journal/people.jsonl`. A database that was put
back and lacks what is in it is refused like one that lacks what a worker said, and
`reconcile` takes the stops again.
"""

from __future__ import annotations

import fcntl
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from social_scheduler.errors import WorkspaceError
from social_scheduler.journal import PEOPLE, Journal
from social_scheduler.services.context import Context
from social_scheduler.services.past import Noted, note_past

log = logging.getLogger(__name__)


def note_decisions(context: Context) -> None:
    """After the commit of a stop: write it, and every one since the last, into the file.

    The stop holds in any case: a file that cannot be written is no reason to refuse it.
    """
    journal = Journal(context.journal.path.with_name(f"{PEOPLE}.jsonl"))
    try:
        with _one_at_a_time(journal.path.parent):
            if not journal.path.exists():
                journal.create(context.uid, PEOPLE)
            note_past(replace(context, journal=journal), Noted.of(journal.read()))
    except (OSError, WorkspaceError):
        log.warning("the stop is in the database only: %s", journal.path, exc_info=True)
    finally:
        journal.close()


@contextmanager
def _one_at_a_time(folder: Path) -> Iterator[None]:
    """Pages and commands write this file; workers never do."""
    with (folder / f"{PEOPLE}.lock").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
