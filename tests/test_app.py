"""Making and opening a workspace: what it refuses, and in which words."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from social_scheduler.app import (
    DATABASE_FILE,
    LoginThrottle,
    make_workspace,
    open_workspace,
    upgrade_workspace,
)
from social_scheduler.config import Settings, load_settings
from social_scheduler.errors import Conflict, InvalidInput, WorkspaceError
from social_scheduler.platforms import discover
from social_scheduler.policy import DEFAULT_POLICY
from social_scheduler.store import review


def make(root: Path, kind: str = "rehearsal") -> None:
    make_workspace(root, kind=kind, settings=Settings())


def test_a_new_workspace_opens_as_what_it_was_made(tmp_path: Path) -> None:
    for kind in ("rehearsal", "live"):
        make(tmp_path / kind, kind)
        with open_workspace(tmp_path / kind) as opened:
            context = opened.context
            assert (context.kind, context.platforms) == (kind, discover())
            context.journal.require(context.uid)
            with context.database.read() as tx:
                assert review.policy(tx) == DEFAULT_POLICY


def test_two_workspaces_are_never_the_same(tmp_path: Path) -> None:
    make(tmp_path / "a")
    make(tmp_path / "b")
    with open_workspace(tmp_path / "a") as one, open_workspace(tmp_path / "b") as two:
        assert one.context.uid != two.context.uid


def test_a_workspace_is_made_once(tmp_path: Path) -> None:
    make(tmp_path)
    with pytest.raises(Conflict, match="a workspace in"):
        make(tmp_path)


def test_there_are_two_kinds(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="rehearsal or live"):
        make(tmp_path, "production")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_without_a_workspace_says_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(WorkspaceError, match="social-scheduler init"),
        open_workspace(tmp_path),
    ):
        pass
    assert not (tmp_path / DATABASE_FILE).exists()


def test_a_database_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / DATABASE_FILE).write_bytes(b"")
    with pytest.raises(WorkspaceError, match="init"), open_workspace(tmp_path):
        pass
    (tmp_path / DATABASE_FILE).write_bytes(b"not a database" * 500)
    with pytest.raises(WorkspaceError, match="damaged"), open_workspace(tmp_path):
        pass


def test_upgrading_an_up_to_date_workspace_changes_nothing(tmp_path: Path) -> None:
    make(tmp_path)
    upgrade_workspace(tmp_path)
    with open_workspace(tmp_path) as opened:
        assert opened.context.kind == "rehearsal"


def test_the_journal_is_for_its_owner_only(tmp_path: Path) -> None:
    make(tmp_path)
    assert stat.S_IMODE((tmp_path / "journal/worker.jsonl").stat().st_mode) == 0o600


class TestSettings:
    def test_the_environment_comes_before_the_file(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "settings.toml").write_text("web_port = 1\nread_timeout = 9\n")
        monkeypatch.setenv("SOCIAL_SCHEDULER_WEB_PORT", "2")

        found = load_settings(tmp_path)

        assert (found.web_port, found.read_timeout, found.calls_at_once) == (2, 9.0, 64)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("web_port = 99999\n", "web_port cannot be used"),
            ("web_prot = 1\n", "web_prot cannot be used"),
            ("web_port = \n", "cannot be read"),
        ],
    )
    def test_a_setting_that_cannot_be_is_named_with_its_file(
        self, tmp_path: Path, text: str, told: str
    ) -> None:
        (tmp_path / "settings.toml").write_text(text)

        with pytest.raises(WorkspaceError, match=told) as problem:
            load_settings(tmp_path)
        assert "settings.toml" in str(problem.value)


def test_ten_wrong_passwords_stop_one_name_and_no_other() -> None:
    throttle = LoginThrottle()
    for _ in range(10):
        assert throttle.may_try("rana")
        throttle.failed("rana")

    assert not throttle.may_try("rana")
    assert throttle.may_try("sami")
