"""What the watchdog remembers survives a restart, a crash, and a file that was spoilt."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from social_scheduler.alarms import Over
from social_scheduler.alarms.memory import AT_MOST, Memory, Remembered, Untold
from tests.alarms.notices import DEAD, LATE, notice

KEPT = Remembered(
    {LATE.cause: LATE, DEAD.cause: DEAD},
    (Untold(notice(LATE, over=(Over(DEAD, "it is in order again"),)), ("mail",)),),
    "LIVE newsroom",
)


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "watch.json")
    memory.keep(KEPT)

    assert memory.load() == (KEPT, "")
    assert stat.S_IMODE(memory.path.stat().st_mode) == 0o600


def test_before_the_first_check_there_is_nothing_and_that_is_in_order(tmp_path: Path) -> None:
    assert Memory(tmp_path / "watch.json").load() == (Remembered(), "")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"version": 2}', "\x00", '{"version": 1}'])
def test_a_spoilt_file_is_told_and_forgotten(tmp_path: Path, text: str) -> None:
    memory = Memory(tmp_path / "watch.json")
    memory.path.write_text(text, encoding="utf-8")

    found, problem = memory.load()

    assert found == Remembered()
    assert "told once more" in problem


def test_a_crash_while_writing_leaves_the_old_one(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "watch.json")
    memory.keep(KEPT)
    memory.path.with_suffix(".new").write_text('{"half', encoding="utf-8")

    assert memory.load() == (KEPT, "")
    memory.keep(Remembered())
    assert memory.load() == (Remembered(), "")


def test_a_way_out_that_stays_shut_does_not_fill_the_disk(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "watch.json")
    many = tuple(Untold(notice(LATE, name=f"n{n}"), ("mail",)) for n in range(AT_MOST + 50))
    memory.keep(Remembered(untold=many))

    found, _ = memory.load()

    assert [u.notice.id for u in found.untold] == [u.notice.id for u in many[50:]]
