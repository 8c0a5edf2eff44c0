"""Webhooks: signed as Standard Webhooks says, to https only, and never somewhere else."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from social_scheduler.alarms import Over
from social_scheduler.alarms.keys import webhook_key
from social_scheduler.alarms.webhook import Webhook, signed
from social_scheduler.errors import WorkspaceError
from tests.alarms.notices import DEAD, KEY, LATE, NOON, notice
from tests.alarms.servers import Request, receiver, trust


def verified(request: Request, key: bytes) -> bool:
    """What a receiver does, from the specification: it knows nothing of our code."""
    content = b".".join(
        [
            request.headers["webhook-id"].encode(),
            request.headers["webhook-timestamp"].encode(),
            request.body,
        ]
    )
    expected = base64.b64encode(hmac.digest(key, content, hashlib.sha256)).decode()
    versions = [s.split(",", 1) for s in request.headers["webhook-signature"].split(" ")]
    return any(v == "v1" and hmac.compare_digest(s, expected) for v, s in versions)


def test_a_receiver_can_verify_who_sent_it_and_when() -> None:
    with receiver() as at:
        assert Webhook(at.url, KEY).ring(notice(LATE), NOON) == ""

    [request] = at.requests
    assert verified(request, KEY)
    assert not verified(request, b"another key")
    assert request.path == "/alarms?team=duty"
    assert request.headers["webhook-id"] == "watch-1"
    assert request.headers["webhook-timestamp"] == str(int(NOON.timestamp()))
    assert request.headers["content-type"].startswith("application/json")


def test_the_signature_is_that_of_the_specifications_test_vector() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    at = datetime.fromtimestamp(1614265330, UTC)

    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}', key)

    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_it_says_what_is_new_what_is_over_and_what_is_held() -> None:
    with receiver() as at:
        over = (Over(DEAD, "it is in order again"),)
        Webhook(at.url, KEY).ring(notice(LATE, over=over), NOON)

    told = json.loads(at.requests[0].body)
    assert told["type"] == "watch.alarms"
    assert told["timestamp"] == "2027-01-11T12:00:00Z"
    data = told["data"]
    assert data["workspace"] == "LIVE newsroom"
    assert [(a["cause"], a["post"], a["do"]) for a in data["new"]] == [
        ("late/7/1", "week/opening", "Ask a reviewer now.")
    ]
    assert [(a["cause"], a["became"]) for a in data["over"]] == [
        ("worker/worker/1", "it is in order again")
    ]
    assert data["holds"] == ["dima holds everything: attack"]


@pytest.mark.parametrize("status", [301, 302, 307, 400, 410, 500])
def test_any_other_answer_than_a_yes_is_a_failure_and_no_redirect_is_followed(status: int) -> None:
    with receiver() as at, receiver() as elsewhere:
        at.script, at.location = [status], elsewhere.url

        assert str(status) in Webhook(at.url, KEY).ring(notice(LATE), NOON)

    assert elsewhere.requests == []


def test_a_server_that_is_not_there_or_says_nothing_is_a_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert "TimeoutError" in Webhook(url, KEY, timeout=0.05).ring(notice(LATE), NOON)
    assert "ConnectionRefusedError" in Webhook(url, KEY).ring(notice(LATE), NOON)


def test_https_is_verified() -> None:
    with receiver(tls=True) as at:
        assert Webhook(at.url, KEY, trust=trust()).ring(notice(LATE), NOON) == ""
        assert len(at.requests) == 1
        assert "CERTIFICATE" in Webhook(at.url, KEY).ring(notice(LATE), NOON)
        assert len(at.requests) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/alarms",
        "ftp://example.org",
        "https://",
        "example.org",
        "https://me:secret@example.org/",
        "http://127.0.0.1.example.org/",
    ],
)
def test_alarms_go_nowhere_unencrypted(url: str) -> None:
    with pytest.raises(WorkspaceError, match="watch_webhook_url") as told:
        Webhook(url, KEY)

    assert "secret" not in str(told.value)


class TestKey:
    def test_it_is_read_as_the_specification_writes_it(self, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.touch(0o600)
        file.write_text(f"whsec_{base64.b64encode(KEY).decode()}\n", encoding="utf-8")

        assert webhook_key(file) == KEY

    @pytest.mark.parametrize("text", ["", "hunter2", "whsec_", "whsec_c2hvcnQ=", "whsec_!!!"])
    def test_anything_else_is_refused_without_repeating_it(self, tmp_path: Path, text: str) -> None:
        file = tmp_path / "key"
        file.touch(0o600)
        file.write_text(text, encoding="utf-8")

        with pytest.raises(WorkspaceError) as told:
            webhook_key(file)

        assert not text or text == "whsec_" or text not in str(told.value)

    def test_one_that_others_can_read_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "key"
        file.write_text(f"whsec_{base64.b64encode(KEY).decode()}", encoding="utf-8")
        file.chmod(0o640)

        with pytest.raises(WorkspaceError, match="read by others"):
            webhook_key(file)
