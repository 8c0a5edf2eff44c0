"""The file that a restored database cannot set back."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from social_scheduler import journal as module
from social_scheduler.errors import WorkspaceError
from social_scheduler.journal import Intent, Journal, Outcome, Stop


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    made = Journal(tmp_path / "journal/worker.jsonl")
    made.create("w1", "worker")
    yield made
    made.close()


def intent(change: int, delivery: int = 1) -> Intent:
    return Intent(delivery, 1, 1, "d", change, "spring/first", "x_en")


def deliveries(journal: Journal) -> list[int]:
    return [i.delivery for i in journal.read().intents]


def test_what_was_written_is_read_back_in_order(journal: Journal) -> None:
    outcome = Outcome(1, 2, 3, "published", remote_id="9", url="https://wire.example/9")
    limited = Outcome(1, 3, 3, "rate_limited", evidence='"wait" \\ ٣\n', until=1.5)
    stop = Stop(8, "hold", "rana holds everything: flood", hold={"id": 1, "until": None})
    journal.begin([intent(7)])
    journal.end([outcome, limited])
    journal.stop(stop)

    past = journal.read()
    assert [r["is"] for r in journal.records()] == ["journal", "intent", *["outcome"] * 2, "stop"]
    assert past.intents == [intent(7)]
    assert past.outcomes == {(1, 2, 3): outcome, (1, 3, 3): limited}
    assert past.stops == [stop]
    assert past.last_stop == 8


def test_a_new_journal_has_no_past(journal: Journal) -> None:
    past = journal.read()
    assert (past.last_seen, past.intents, past.outcomes, past.last_stop) == (None, [], {}, 0)


def test_a_batch_is_one_write_and_one_flush(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal.begin([intent(1)])
    synced: list[int] = []
    real = os.fsync

    def fsync(file: int) -> None:
        real(file)
        synced.append(len(journal.path.read_bytes().splitlines()))

    monkeypatch.setattr(os, "fsync", fsync)
    journal.begin([intent(5, n) for n in range(20)])
    journal.end([Outcome(n, 1, 1, "published") for n in range(20)])
    journal.note([Stop(6, "cancel", "")], 9, "m")

    assert synced == [22, 42, 44]


def test_nothing_to_write_touches_no_disk(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _: pytest.fail("flushed for nothing"))
    journal.begin([])
    journal.end([])


def test_the_last_seen_is_the_last_and_intents_after_it_are_all_kept(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    journal.begin([intent(1, n) for n in range(5)])
    journal.seen(4, "m4")
    journal.seen(9, "m9")
    journal.begin([intent(10, n) for n in range(10, 15)])

    assert journal.read().last_seen == (9, "m9")
    assert deliveries(journal) == [2, 3, 4, 10, 11, 12, 13, 14]


def test_a_last_line_cut_short_was_never_acted_upon(journal: Journal) -> None:
    journal.begin([intent(5)])
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'{"is":"intent","delivery":2,"cha')

    assert deliveries(journal) == [1]


@pytest.mark.parametrize("length", [10, 200_000])
def test_the_next_line_never_joins_one_that_was_cut_short(journal: Journal, length: int) -> None:
    journal.begin([intent(5)])
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b'{"is":"intent","delivery":2,"post":"' + b"x" * length)
    again = Journal(journal.path)

    again.begin([intent(6, delivery=3)])
    again.close()

    assert deliveries(again) == [1, 3]


@pytest.mark.parametrize("damage", [b"\x00\x00 not JSON\n", b"17\n", b"{}\n", b"\n"])
def test_a_damaged_line_in_the_middle_stops_everything(journal: Journal, damage: bytes) -> None:
    journal.begin([intent(5)])
    journal.close()
    lines = journal.path.read_bytes().splitlines(keepends=True)
    journal.path.write_bytes(lines[0] + damage + lines[1])

    with pytest.raises(WorkspaceError, match=r"worker\.jsonl:2: the journal is damaged"):
        journal.read()


def test_words_of_a_network_that_no_file_can_hold_do_not_lose_the_outcome(
    journal: Journal,
) -> None:
    journal.end([Outcome(1, 1, 1, "refused", evidence="half a pair: \ud83d")])

    assert journal.read().outcomes[1, 1, 1].evidence == "half a pair: \ud83d"


def test_a_missing_journal_stops_publishing(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match=r"sent twice.*worker lost none"):
        Journal(tmp_path / "none.jsonl").require("w1")


def test_a_journal_that_vanished_is_not_begun_anew(journal: Journal) -> None:
    journal.path.unlink()

    with pytest.raises(FileNotFoundError):
        journal.begin([intent(5)])
    assert not journal.path.exists()


def test_the_journal_of_another_workspace_or_worker_stops_publishing(journal: Journal) -> None:
    assert len(journal.require("w1")) == 32
    with pytest.raises(WorkspaceError, match="another workspace"):
        journal.require("w2")
    other = journal.path.rename(journal.path.with_name("second.jsonl"))
    with pytest.raises(WorkspaceError, match="of the worker worker"):
        Journal(other).require("w1")


def test_an_empty_journal_belongs_to_nobody(tmp_path: Path) -> None:
    path = tmp_path / "worker.jsonl"
    path.touch()
    with pytest.raises(WorkspaceError, match="another workspace"):
        Journal(path).require("w1")


def test_a_journal_is_never_replaced(journal: Journal) -> None:
    journal.begin([intent(5)])
    with pytest.raises(WorkspaceError, match="already"):
        journal.create("w2", "worker")

    journal.require("w1")
    assert deliveries(journal) == [1]
    assert [p.name for p in journal.path.parent.iterdir()] == ["worker.jsonl"]


def test_every_journal_has_an_id_of_its_own(journal: Journal) -> None:
    second = Journal(journal.path.with_name("second.jsonl"))

    assert second.create("w1", "second") == second.require("w1") != journal.require("w1")


def test_two_processes_never_work_with_one_journal(journal: Journal) -> None:
    program = (
        "import sys, pathlib; from social_scheduler.journal import Journal\n"
        "with Journal(pathlib.Path(sys.argv[1])).alone(): print('alone')"
    )

    def other() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", program, str(journal.path)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    with journal.alone():
        journal.begin([intent(5)])
        assert "Another worker with this journal is running" in other().stderr
    assert other().stdout == "alone\n"


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
    journal.begin([intent(5)])
    journal.end([Outcome(1, 1, 1, "refused", evidence="403")])

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
            journal.begin([intent(5)])
    journal.begin([intent(6)])

    assert [i.change for i in journal.read().intents] == [6]
