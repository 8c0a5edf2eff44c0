"""The file that a restored database cannot set back."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from social_scheduler.errors import WorkspaceError
from social_scheduler.journal import Journal, Outcome


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal/worker.jsonl")
    made.create("w1")
    yield made
    made.close()


def intend(journal: Journal, change: int, delivery: int = 1) -> None:
    journal.intent(delivery=delivery, attempt=1, part=1, digest="d", change=change)


def test_what_was_written_is_read_back_in_order(journal: Journal) -> None:
    outcome = Outcome(1, 2, 3, "published", remote_id="9", url="https://wire.example/9")
    intend(journal, 7)
    journal.outcome(outcome)
    journal.stop(change=8, step="hold", what="rana holds everything: flood")

    assert [r["is"] for r in journal.records()] == ["journal", "intent", "outcome", "stop"]
    assert journal.outcomes() == {(1, 2, 3): outcome}


def test_the_change_number_is_the_highest_it_ever_saw(journal: Journal) -> None:
    assert journal.last_change() == 0
    intend(journal, 12)
    journal.stop(change=15, step="hold", what="")
    intend(journal, 13)
    journal.outcome(Outcome(1, 1, 1, "published"))

    assert journal.last_change() == 15


def test_a_last_line_cut_short_was_never_acted_upon(journal: Journal) -> None:
    intend(journal, 5)
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'{"is":"intent","delivery":2,"cha')

    assert journal.last_change() == 5
    assert len(list(journal.records())) == 2


def test_the_next_line_never_joins_one_that_was_cut_short(journal: Journal) -> None:
    intend(journal, 5)
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'{"is":"intent","delivery":2,"cha')
    again = Journal(journal.path)

    intend(again, 6, delivery=3)
    again.close()

    assert [r.get("delivery") for r in again.records()] == [None, 1, 3]


def test_a_damaged_line_in_the_middle_stops_everything(journal: Journal) -> None:
    intend(journal, 5)
    journal.close()
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(lines[0] + b"\x00\x00 not JSON\n" + lines[1])

    for read in (journal.last_change, journal.outcomes):
        with pytest.raises(WorkspaceError, match=r"worker\.jsonl:2: the journal is damaged"):
            read()


def test_a_missing_journal_stops_publishing(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="sent twice"):
        Journal(tmp_path / "none.jsonl").require("w1")


def test_the_journal_of_another_workspace_stops_publishing(journal: Journal) -> None:
    journal.require("w1")
    with pytest.raises(WorkspaceError, match="another workspace"):
        journal.require("w2")


def test_an_empty_journal_belongs_to_nobody(tmp_path: Path) -> None:
    path = tmp_path / "worker.jsonl"
    path.touch()
    with pytest.raises(WorkspaceError, match="another workspace"):
        Journal(path).require("w1")


def test_a_journal_is_never_begun_anew(journal: Journal) -> None:
    intend(journal, 5)
    journal.create("w2")

    journal.require("w1")
    assert journal.last_change() == 5


def test_only_its_owner_can_read_it(journal: Journal) -> None:
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_every_line_is_on_the_disk_before_the_call_returns(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[bytes] = []
    real = os.fsync

    def fsync(file: int) -> None:
        real(file)
        synced.append(journal.path.read_bytes().splitlines()[-1])

    monkeypatch.setattr(os, "fsync", fsync)
    intend(journal, 5)
    journal.outcome(Outcome(1, 1, 1, "refused", evidence="403"))

    assert [json.loads(line)["is"] for line in synced] == ["intent", "outcome"]


def test_a_full_disk_is_an_error_and_leaves_no_half_line(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write that stops in the middle must not count as written."""
    real, left = os.write, [20]

    def write(file: int, data: bytes) -> int:
        if not left[0]:
            raise OSError(28, "No space left on device")
        done = real(file, data[: left[0]])
        left[0] -= done
        return done

    with monkeypatch.context() as disk:
        disk.setattr(os, "write", write)
        with pytest.raises(OSError, match="No space left"):
            intend(journal, 5)
    intend(journal, 6)

    assert [r.get("change") for r in journal.records()] == [None, 6]
