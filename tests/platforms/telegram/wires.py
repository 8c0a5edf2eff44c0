"""A bot, a channel and calls for Telegram's tests; the servers are those of X's."""

from __future__ import annotations

import io
import json
import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from PIL import Image

from social_scheduler.message import Attachment, Message, MessagePart
from social_scheduler.platforms import Call, Connection
from tests.platforms.x.wires import Behaviour, Server, reply

TOKEN = "6123456789:AACANARYtoken0123456789abcdefghijk"
CHANNEL = "-1001234567890"
KEYS = {"bot_token": TOKEN, "channel": "@a_channel"}
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)


def connect(url: str, *, connect: float = 5, read: float = 5) -> Connection:
    """The channel's connection to `url`; timeouts in seconds."""
    return Connection(url, KEYS, connect_timeout=connect, read_timeout=read)


def call(
    text: str = "Good morning.",
    *,
    files: Mapping[str, tuple[Attachment, bytes]] | None = None,
    reply_to: str | None = None,
    account: str = CHANNEL,
    options: dict[str, str] | None = None,
) -> Call:
    """A message of one part, about to be said; `files` in order, by any name."""
    given = list((files or {}).values())
    message = Message(
        platform="telegram",
        server="https://api.telegram.org",
        account=account,
        language="en",
        parts=(MessagePart(text=text, media=tuple(item for item, _ in given)),),
        options=options or {},
    )
    opened = {item.sha256: io.BytesIO(data) for item, data in given}
    return Call(message, 1, "key", reply_to, (), files=opened)


def picture(colour: str = "red", size: tuple[int, int] = (40, 30)) -> bytes:
    """A small PNG."""
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, "PNG")
    return buffer.getvalue()


def pictures(*colours: str) -> dict[str, tuple[Attachment, bytes]]:
    """Small PNGs with alt texts, for `call`."""
    found = {}
    for colour in colours:
        data = picture(colour)
        item = Attachment(
            sha256=sha256(data).hexdigest(),
            type="image/png",
            alt=f"A {colour} square.",
            width=40,
            height=30,
        )
        found[colour] = item, data
    return found


def done(result: Any) -> bytes:
    """Telegram's answer to what it did."""
    return reply(200, json.dumps({"ok": True, "result": result}).encode())


def refused(status: int, description: str, **parameters: object) -> bytes:
    """Telegram's answer to what it did not do."""
    body: dict[str, object] = {"ok": False, "error_code": status, "description": description}
    if parameters:
        body["parameters"] = parameters
    return reply(status, json.dumps(body).encode())


def message(number: int, text: str = "Good morning.", **more: Any) -> dict[str, Any]:
    """A message in the channel, as Telegram shows it."""
    chat = {"id": int(CHANNEL), "type": "channel", "title": "A", "username": "a_channel"}
    return {"message_id": number, "chat": chat, "date": 1, "text": text, **more}


@contextmanager
def slow_reader(behave: Behaviour) -> Iterator[str]:
    """A server that reads a large request over more than a second, and then behaves."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"

        def serve() -> None:
            peer, _ = listener.accept()
            pause = threading.Event()
            with peer:
                head = b""
                while b"\r\n\r\n" not in head:
                    head += peer.recv(4096)
                length = int(re.findall(rb"(?i)content-length: (\d+)", head)[0])
                left = length - len(head.partition(b"\r\n\r\n")[2])
                while left > 0 and (piece := peer.recv(min(left, 200_000))):
                    left -= len(piece)
                    pause.wait(0.01)
                if not left:
                    behave(peer, Server(url))

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield url
        finally:
            thread.join(20)
