"""What commands share: exit codes, who acts, how results are shown."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from rich.console import Console

from social_scheduler import cli
from social_scheduler.app import make_workspace, open_workspace
from social_scheduler.cli import shared
from social_scheduler.config import Settings
from social_scheduler.errors import InvalidInput, NotSignedIn
from social_scheduler.lifecycle import DeliveryState
from social_scheduler.services import people
from social_scheduler.services.review import Shown

MOMENT = datetime(2027, 1, 11, 7, 30, tzinfo=UTC)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(shared.TOKEN, raising=False)
    root = tmp_path / "here"
    make_workspace(root, kind="rehearsal", settings=Settings())
    with open_workspace(root, passwords=people.Passwords(cheap=True)) as opened:
        people.add_person(
            opened.context, None, "noor", roles=["admin"], languages=[], password="long enough pw"
        )
    return root


def signed_in(root: Path) -> str:
    with open_workspace(root, passwords=people.Passwords(cheap=True)) as opened:
        return people.sign_in(
            opened.context, "noor", "long enough pw", kind="login", label="a test"
        )


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.setattr("sys.argv", ["social-scheduler", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


POSTS = [
    ["harbour-2026-11/short", "2026-11-21 10:30 Asia/Baghdad", "http://127.0.0.1:8640", "live"],
    ["harbour-2026-11/the-long-one", "2026-11-21 10:35 Asia/Baghdad", "", "refused"],
]
SAID = [["2123995791151333376", "A loom and a bridge, told at some length " * 4, "2"]]


class TestATable:
    @pytest.fixture(autouse=True)
    def narrow(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A terminal of 80 columns."""
        monkeypatch.setattr(shared, "out", Console(width=80, highlight=False, soft_wrap=True))

    def test_folds_sentences_between_words(self, capsys: pytest.CaptureFixture[str]) -> None:
        shared.table("id", "text", "media", rows=SAID, empty="")

        lines = capsys.readouterr().out.splitlines()
        assert lines[0].split() == ["id", "text", "media"]
        assert max(map(len, lines)) <= 80
        assert " ".join(line[21:72].strip() for line in lines[1:]).split() == SAID[0][1].split()

    def test_of_what_must_not_break_is_a_block_for_each_row_where_there_is_no_room(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        shared.table("post", "connected", "server", "state", rows=POSTS, empty="")

        assert capsys.readouterr().out.splitlines() == [
            "post         harbour-2026-11/short",
            "  connected  2026-11-21 10:30 Asia/Baghdad",
            "  server     http://127.0.0.1:8640",
            "  state      live",
            "",
            "post         harbour-2026-11/the-long-one",
            "  connected  2026-11-21 10:35 Asia/Baghdad",
            "  state      refused",
        ]

    def test_has_its_words_as_they_are(self, capsys: pytest.CaptureFixture[str]) -> None:
        rows = [["[red]", "word " * 8, "x" * 80]]
        shared.table("a", "b", "c", rows=rows, empty="")

        assert capsys.readouterr().out.split() == ["a", "[red]", "b", *["word"] * 8, "c", "x" * 80]


class TestExitCodes:
    def test_0_when_it_is_done(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv(shared.TOKEN, signed_in(workspace))

        assert run(monkeypatch, "people", "list", "-w", str(workspace), "--json") == 0
        assert json.loads(capsys.readouterr().out)[0]["name"] == "noor"

    def test_1_when_it_is_refused_with_the_reason_on_standard_error(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv(shared.TOKEN, signed_in(workspace))

        assert run(monkeypatch, "review", "show", "week/none", "-w", str(workspace)) == 1
        told = capsys.readouterr()
        assert told.out == ""
        assert "There is no post 'week/none'." in told.err

    def test_2_when_it_is_written_wrongly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert run(monkeypatch, "review", "shwo") == 2

    def test_4_when_nobody_is_signed_in(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert run(monkeypatch, "people", "list", "-w", str(workspace)) == 4
        monkeypatch.setenv(shared.TOKEN, "ss_unknown")
        assert run(monkeypatch, "people", "list", "-w", str(workspace)) == 4

    def test_5_when_there_is_no_workspace(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert run(monkeypatch, "people", "list", "-w", str(tmp_path / "none")) == 5


class TestTheSignIn:
    def test_it_is_read_from_a_file_that_only_its_owner_reads(self, workspace: Path) -> None:
        with open_workspace(workspace) as found:
            path = shared.login_file(found.context.uid)
            with pytest.raises(NotSignedIn, match="login NAME"):
                shared.token(found)
            path.parent.mkdir(parents=True)
            path.write_text("ss_abc\n")
            path.chmod(0o600)
            assert shared.token(found) == "ss_abc"

            path.chmod(0o644)
            with pytest.raises(NotSignedIn, match="Others on this machine can read"):
                shared.token(found)

    def test_the_environment_comes_first(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(shared.TOKEN, "ss_env")
        with open_workspace(workspace) as found:
            assert shared.token(found) == "ss_env"

    def test_a_browser_session_does_not_act_on_the_command_line(
        self, workspace: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with open_workspace(workspace, passwords=people.Passwords(cheap=True)) as opened:
            given = people.sign_in(
                opened.context, "noor", "long enough pw", kind="session", label=""
            )
        monkeypatch.setenv(shared.TOKEN, given)
        with pytest.raises(NotSignedIn), shared.acting(workspace):
            pass


def test_a_password_comes_from_a_file_or_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pw").write_text("from a file \n")
    assert shared.secret("Password", tmp_path / "pw", "PW_HERE") == "from a file "
    monkeypatch.setenv("PW_HERE", "from the environment")
    assert shared.secret("Password", None, "PW_HERE") == "from the environment"


def test_what_has_no_terminal_is_told_how_to_give_a_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("PW_HERE", raising=False)
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(InvalidInput, match="--password-file"):
        shared.secret("Password", None, "PW_HERE")


def test_results_become_plain_json() -> None:
    baghdad = timezone(timedelta(hours=3))
    data = {
        "state": DeliveryState.PUBLISHED,
        "at": MOMENT.astimezone(baghdad),
        "shown": (Shown("c", "w"),),
        "where": Path("a/b"),
        1: None,
    }

    assert shared.plain(data) == {
        "state": "published",
        "at": "2027-01-11T07:30:00Z",
        "shown": [{"content_digest": "c", "window_digest": "w"}],
        "where": "a/b",
        "1": None,
    }


def test_json_keeps_every_letter(capsys: pytest.CaptureFixture[str]) -> None:
    shared.emit({"text": "صباح الخير"})
    assert "صباح الخير" in capsys.readouterr().out


def test_a_table_shows_brackets_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    shared.table("words", rows=[["[red]x[/red]"]], empty="none")
    assert "[red]x" in capsys.readouterr().out
    shared.table("words", rows=[], empty="Nothing here.")
    assert "Nothing here." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2027-01-11", datetime(2027, 1, 11, tzinfo=UTC)),
        ("2027-01-11 07:30", MOMENT),
        ("2027-01-11T10:30+03:00", MOMENT),
        ("2027-01-11T07:30Z", MOMENT),
    ],
)
def test_a_moment_is_read_as_utc_unless_it_says_else(text: str, meant: datetime) -> None:
    assert shared.when(text) == meant


def test_what_is_no_moment_is_told() -> None:
    assert shared.when(None) is None
    with pytest.raises(InvalidInput, match="is no moment"):
        shared.when("soon")


def test_a_moment_is_shown_with_its_zone() -> None:
    assert shared.moment(MOMENT, "Asia/Baghdad") == "2027-01-11 10:30 Asia/Baghdad"
    assert shared.moment(None) == "—"
