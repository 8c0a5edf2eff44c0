"""Each fault switch, seen from the client's side of a real socket and from the ledger."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.sandbox.conftest import Client
from tests.sandbox.running import TIMEOUT, Sandbox, start_sandbox


def raw_answer(client: Client, text: str) -> bytes:
    """Every byte the server sends for a post, read from a plain socket until it closes."""
    wish = requests.Request(
        "POST", client.sandbox.url + "/2/tweets", json={"text": text}, auth=client.account.auth()
    ).prepare()
    assert isinstance(wish.body, bytes)
    lines = [f"{name}: {_text(value)}" for name, value in wish.headers.items()]
    address = urlsplit(client.sandbox.url)
    head = "\r\n".join(["POST /2/tweets HTTP/1.1", f"Host: {address.netloc}", *lines, "", ""])
    assert address.hostname is not None
    with socket.create_connection((address.hostname, address.port or 80), TIMEOUT) as connection:
        connection.sendall(head.encode() + wish.body)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    return received


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def test_a_lost_answer_sends_no_byte_and_the_post_is_kept(client: Client) -> None:
    client.sandbox.fault("answer_lost", account=client.account.handle)
    assert raw_answer(client, "said, not confirmed") == b""
    assert client.texts() == ["said, not confirmed"]
    assert client.post("said, not confirmed").status_code == 403
    assert client.post("next").status_code == 201


def test_a_lost_answer_is_a_connection_error_for_clients(client: Client) -> None:
    client.sandbox.fault("answer_lost", account=client.account.handle, route="post")
    with pytest.raises(requests.exceptions.ConnectionError):
        client.post("gone")
    assert client.texts() == ["gone"]


def test_a_reset_before_the_request_is_looked_at_stores_nothing(client: Client) -> None:
    client.sandbox.fault("reset_before", account=client.account.handle)
    with pytest.raises(ConnectionResetError):
        raw_answer(client, "never arrived")
    client.sandbox.fault("reset_before", account=client.account.handle)
    with pytest.raises(requests.exceptions.ConnectionError):
        client.post("never arrived")
    assert client.texts() == []


def test_an_error_after_accepting_keeps_the_post(client: Client) -> None:
    client.sandbox.fault("error_after", account=client.account.handle)
    assert client.post("kept").status_code == 500
    assert client.texts() == ["kept"]


def test_an_error_before_accepting_stores_nothing(client: Client) -> None:
    client.sandbox.fault("error_before", account=client.account.handle)
    assert client.post("dropped").status_code == 500
    assert client.texts() == []


def test_a_slow_answer_is_accepted_long_before_it_comes(client: Client) -> None:
    client.sandbox.fault("slow", account=client.account.handle, seconds=0.4)
    began = time.monotonic()
    assert client.post("eventually").status_code == 201
    assert time.monotonic() - began >= 0.4
    client.sandbox.fault("slow", account=client.account.handle, seconds=30)
    with pytest.raises(requests.exceptions.ReadTimeout):
        client.call("POST", "/2/tweets", json={"text": "too late"}, timeout=0.5)
    assert client.texts() == ["eventually", "too late"]


def test_a_rate_limit_says_when_it_ends(client: Client) -> None:
    client.sandbox.fault("rate_limited", account=client.account.handle, seconds=60)
    answer = client.post("later")
    assert answer.status_code == 429
    assert answer.json()["title"] == "Too Many Requests"
    assert answer.headers["x-rate-limit-remaining"] == "0"
    assert answer.headers["x-rate-limit-limit"] == "100"
    assert abs(int(answer.headers["x-rate-limit-reset"]) - time.time() - 60) < 5
    assert client.texts() == []


def test_a_malformed_answer_cannot_be_read_and_the_post_is_kept(client: Client) -> None:
    client.sandbox.fault("malformed", account=client.account.handle)
    answer = client.post("kept")
    assert answer.status_code == 201
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()
    assert client.texts() == ["kept"]


def test_forbidden_replies_hit_replies_only(client: Client) -> None:
    client.sandbox.fault("reply_forbidden", account=client.account.handle, times=None)
    first = client.posted("one")
    for _ in range(2):
        answer = client.post("two", reply_to=first)
        assert answer.status_code == 403
        assert "Reply to this conversation is not allowed" in answer.json()["detail"]
    assert client.post("three").status_code == 201
    assert client.texts() == ["one", "three"]


def test_an_account_can_be_turned_away(client: Client) -> None:
    client.sandbox.fault("unauthorized", account=client.account.handle)
    answer = client.post("who are you")
    assert answer.status_code == 401
    assert answer.json()["title"] == "Unauthorized"
    assert client.texts() == []


def test_a_redirect_points_somewhere_else(client: Client) -> None:
    client.sandbox.fault("redirect", account=client.account.handle)
    client.sandbox.fault(
        "redirect", account=client.account.handle, location="http://127.0.0.1:9/trap"
    )
    first, second = client.post("follow me"), client.post("follow me")
    assert (first.status_code, second.status_code) == (302, 302)
    assert first.headers["location"] == "http://elsewhere.invalid/2/tweets"
    assert second.headers["location"] == "http://127.0.0.1:9/trap"
    assert client.texts() == []


def test_a_fault_can_wait_for_the_third_part_of_a_thread(client: Client) -> None:
    client.sandbox.fault("answer_lost", account=client.account.handle, route="post", after=2)
    first = client.posted("part 1")
    second = client.posted("part 2", reply_to=first)
    with pytest.raises(requests.exceptions.ConnectionError):
        client.post("part 3", reply_to=second)
    assert client.texts() == ["part 1", "part 2", "part 3"]
    assert client.post("another").status_code == 201


def test_a_fault_hits_its_route_and_its_account_only(sandbox: Sandbox, client: Client) -> None:
    sandbox.fault("error_before", account=client.account.handle, route="timeline")
    other = Client(sandbox, sandbox.add_account("bystander", "en"))
    assert other.get(f"/2/users/{other.account.id}/tweets").status_code == 200
    assert client.get("/2/users/me").status_code == 200
    assert client.post("unharmed").status_code == 201
    assert client.get(f"/2/users/{client.account.id}/tweets").status_code == 500


def test_every_route_can_go_wrong(client: Client, picture: Callable[..., bytes]) -> None:
    handle, media = client.account.handle, client.uploaded(picture())
    number = client.posted("to read")
    calls: dict[str, Callable[[], requests.Response]] = {
        "media": lambda: client.upload(picture()),
        "metadata": lambda: client.describe(media, "described"),
        "me": lambda: client.get("/2/users/me"),
        "read": lambda: client.get(f"/2/tweets/{number}"),
        "timeline": lambda: client.get(f"/2/users/{client.account.id}/tweets"),
        "delete": lambda: client.call("DELETE", f"/2/tweets/{number}"),
    }
    for route, call in calls.items():
        client.sandbox.fault("answer_lost", account=handle, route=route)
        with pytest.raises(requests.exceptions.ConnectionError):
            call()
        assert call().status_code == 200, route


def test_a_refused_request_does_not_use_up_a_fault(client: Client) -> None:
    client.sandbox.fault("answer_lost", account=client.account.handle, route="post")
    assert client.post("").status_code == 400
    with pytest.raises(requests.exceptions.ConnectionError):
        client.post("words")
    assert client.texts() == ["words"]


def test_faults_survive_a_restart_and_can_be_switched_off(tmp_path: Path) -> None:
    with start_sandbox(tmp_path) as sandbox:
        account = sandbox.add_account("steady", "en")
        sandbox.fault("error_before", times=None)
        sandbox.kill()
    with start_sandbox(tmp_path) as sandbox:
        client = Client(sandbox, account)
        assert client.post("one").status_code == 500
        sandbox.clear_faults()
        assert requests.get(sandbox.url + "/sandbox/faults", timeout=TIMEOUT).json() == {
            "faults": []
        }
        assert client.post("one").status_code == 201


def test_a_fault_that_does_not_exist_is_refused_with_the_names(sandbox: Sandbox) -> None:
    for wish, named in (
        ({"fault": "plague"}, "answer_lost"),
        ({"fault": "slow", "route": "moon"}, "timeline"),
        ({"fault": "slow", "times": 0}, "times"),
        ({"fault": "slow", "after": -1}, "after"),
        ({"fault": "slow", "seconds": "5"}, "seconds"),
        ({"fault": "slow", "account": 5}, "account"),
        ({"fault": "slow", "when": 5}, "when"),
    ):
        answer = requests.post(sandbox.url + "/sandbox/faults", json=wish, timeout=TIMEOUT)
        assert answer.status_code == 422
        assert named in answer.json()["error"]
