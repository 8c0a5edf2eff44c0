"""What a hostile server calls an account, or itself, harms nobody and shows no key."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from typing import Any

import pytest

from social_scheduler.platforms import Connection, Identity, Platform, named
from tests.platforms.bluesky import test_sockets as bluesky_wires
from tests.platforms.telegram import wires as telegram_wires
from tests.platforms.x import wires
from tests.platforms.x.wires import Server, reply, server

SECRET = "CANARY-of-a-key-0123456789"
HANDLE = f"amal-{SECRET}\ud800\n"
PLAIN = r"amal-…\ud800\u000a"


def test_its_names_are_plain_and_not_long() -> None:
    who = Identity("1\0", "a" * 1000, scopes=("read\x1b", *["write"] * 1000))

    assert who.native_id == r"1\x00"
    assert (len(who.handle), who.handle[-1]) == (300, "…")
    assert who.scopes[:2] == (r"read\x1b", "write")
    assert len(who.scopes) == 100


ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "x": {"/2/users/me": {"data": {"id": "1", "username": HANDLE}}},
    "mastodon": {
        "/api/v1/accounts/verify_credentials": {"id": "1", "acct": HANDLE},
        "/api/v1/apps/verify_credentials": {"scopes": [HANDLE]},
    },
    "bluesky": {"/xrpc/com.atproto.server.getSession": {"did": "did:plc:a", "handle": HANDLE}},
    "telegram": {
        "/getMe": {"ok": True, "result": {"id": 7}},
        "/getChatMember": {
            "ok": True,
            "result": {"status": "administrator", "can_post_messages": True},
        },
        "/getChat": {"ok": True, "result": {"id": -1001, "type": "channel", "username": HANDLE}},
    },
}
KEYS: Mapping[str, Mapping[str, str]] = {
    "x": {**wires.KEYS, "access_secret": SECRET},
    "mastodon": {"access_token": SECRET},
    "bluesky": {**bluesky_wires.KEYS, "app_password": SECRET},
    "telegram": telegram_wires.KEYS,
}


@pytest.mark.parametrize("name", ANSWERS)
def test_a_key_that_a_server_echoes_is_not_kept_as_a_name(name: str) -> None:
    platform: Platform = bluesky_wires.bluesky() if name == "bluesky" else named(name)
    secret = KEYS[name].get("bot_token", SECRET)

    def told(peer: socket.socket, on: Server) -> None:
        path = on.requests[-1].split(b" ")[1].decode()
        for ending, body in ANSWERS[name].items():
            if path.partition("?")[0].endswith(ending):
                said = json.dumps(body).replace(SECRET, secret)
                return peer.sendall(reply(200, said.encode(), {"Content-Type": "application/json"}))
        return peer.sendall(reply(404, b"{}"))

    with server(told) as on:
        who = platform.identify(Connection(on.url, KEYS[name]))

    assert who.handle == PLAIN
    assert not [one for one in who.scopes if secret in one]
