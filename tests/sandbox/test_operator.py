"""The operator's side and the ledger: local only, durable, in order."""

from __future__ import annotations

import socket
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
import requests

from social_scheduler.sandbox import read_ledger
from tests.sandbox.conftest import Client
from tests.sandbox.running import TIMEOUT, Sandbox, start_sandbox


def test_health_says_which_network_this_is(sandbox: Sandbox) -> None:
    health = requests.get(sandbox.url + "/sandbox/health", timeout=TIMEOUT).json()
    assert health["status"] == "ok"
    assert health["networks"] == ["x", "bluesky", "mastodon", "telegram"]
    assert health["version"]


def test_an_account_is_made_once_and_listed_without_secrets(sandbox: Sandbox) -> None:
    made = sandbox.add_account("once", "ar", name="مرة واحدة")
    wish = {"handle": "Once", "name": "again", "language": "en"}
    answer = requests.post(sandbox.url + "/sandbox/accounts", json=wish, timeout=TIMEOUT)
    assert answer.status_code == 409
    assert '"again": true' in answer.json()["error"]
    listed = requests.get(sandbox.url + "/sandbox/accounts", timeout=TIMEOUT)
    entry = next(a for a in listed.json()["accounts"] if a["handle"] == "once")
    about = {"id": made.id, "network": "x", "handle": "once"}
    assert entry == about | {"name": "مرة واحدة", "language": "ar"}
    assert made.keys["api_secret"] not in listed.text


@pytest.mark.parametrize(
    "wish",
    [
        {"handle": "with space"},
        {"handle": "a" * 16},
        {"handle": ""},
        {"handle": 5},
        {"handle": "fine", "language": "Arabic!"},
        {"handle": "fine", "name": ""},
        {"handle": "fine", "again": "yes"},
        {"handle": "fine", "colour": "red"},
        ["fine"],
    ],
)
def test_malformed_accounts_are_refused_with_a_reason(sandbox: Sandbox, wish: object) -> None:
    answer = requests.post(sandbox.url + "/sandbox/accounts", json=wish, timeout=TIMEOUT)
    assert answer.status_code == 422
    assert answer.json()["error"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:4600"},
    ],
)
def test_foreign_pages_and_rebound_names_are_refused(
    sandbox: Sandbox, headers: dict[str, str]
) -> None:
    for path in ("/sandbox/accounts", "/sandbox/faults", "/sandbox/ledger.json"):
        answer = requests.get(sandbox.url + path, headers=headers, timeout=TIMEOUT)
        assert answer.status_code == 403
    wish = {"handle": "stolen"}
    answer = requests.post(
        sandbox.url + "/sandbox/accounts", json=wish, headers=headers, timeout=TIMEOUT
    )
    assert answer.status_code == 403
    if "Host" in headers:
        assert requests.get(sandbox.url, headers=headers, timeout=TIMEOUT).status_code == 403


def test_a_form_post_cannot_operate_the_sandbox(sandbox: Sandbox) -> None:
    answer = requests.post(
        sandbox.url + "/sandbox/faults", data='{"fault": "slow"}', timeout=TIMEOUT
    )
    assert answer.status_code == 422


def test_the_ledger_is_the_same_by_http_and_by_file(client: Client) -> None:
    before = datetime.now(UTC)
    number = client.posted("سطر أول\n\nline two")
    entry = next(e for e in client.sandbox.ledger() if e.id == number)
    assert before <= entry.received_at <= datetime.now(UTC)
    listed = requests.get(client.sandbox.url + "/sandbox/ledger.json", timeout=TIMEOUT).json()
    assert entry.as_json() in listed["entries"]
    assert entry.as_json() == {
        "id": number,
        "network": "x",
        "account": client.account.handle,
        "text": "سطر أول\n\nline two",
        "language": "en",
        "media": [],
        "reply_to": None,
        "extra": {},
        "received_at": entry.received_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "edited_at": None,
        "removed_at": None,
    }


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    with start_sandbox(tmp_path) as sandbox:
        account = sandbox.add_account("durable", "en")
        Client(sandbox, account).posted("kept")
        sandbox.kill()
    assert [e.text for e in read_ledger(sandbox.path)] == ["kept"]
    with start_sandbox(tmp_path) as sandbox:
        client = Client(sandbox, account)
        assert client.post("kept").status_code == 403
        client.posted("and more")
        assert sandbox.stop() == 0
    assert [e.text for e in read_ledger(sandbox.path)] == ["kept", "and more"]


def test_the_ledger_is_write_ahead_and_private(client: Client) -> None:
    path = client.sandbox.path
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
    assert path.stat().st_mode & 0o077 == 0


def test_a_missing_ledger_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.sqlite"):
        read_ledger(tmp_path / "nothing.sqlite")


def test_a_taken_port_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "social_scheduler.sandbox", "--port", port]
        done = subprocess.run(
            [*command, "--ledger", str(tmp_path / "x")], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert port in done.stderr
    assert "--port" in done.stderr


def test_the_sandbox_knows_nothing_of_the_rest_of_the_program() -> None:
    look = (
        "import sys, social_scheduler.sandbox;"
        "print([m for m in sys.modules if m.startswith('social_scheduler.')"
        " and not m.startswith(('social_scheduler.sandbox', 'social_scheduler.serving'))])"
    )
    done = subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
