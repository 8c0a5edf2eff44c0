"""One sandbox process for the package; every test makes accounts of its own in it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from PIL import Image

from tests.sandbox.running import TIMEOUT, Sandbox, SandboxAccount, start_sandbox

_NUMBERS = itertools.count(1)
Answer = requests.Response


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with start_sandbox(tmp_path_factory.mktemp("sandbox")) as running:
        yield running


@pytest.fixture
def account(sandbox: Sandbox) -> SandboxAccount:
    return sandbox.add_account(f"mission_{next(_NUMBERS)}", "en", name="A mission")


class Client:
    """Talks to the sandbox as a program written from X's documentation would."""

    def __init__(self, sandbox: Sandbox, account: SandboxAccount) -> None:
        self.sandbox, self.account = sandbox, account

    def call(self, method: str, path: str, **options: Any) -> Answer:
        timeout = options.pop("timeout", TIMEOUT)
        url, auth = self.sandbox.url + path, self.account.auth()
        return requests.request(
            method, url, auth=auth, timeout=timeout, allow_redirects=False, **options
        )

    def get(self, path: str, **params: str) -> Answer:
        named = {name.replace("_fields", ".fields"): value for name, value in params.items()}
        return self.call("GET", path, params=named)

    def post(
        self, text: str, reply_to: str | None = None, media: list[str] | None = None
    ) -> Answer:
        wish: dict[str, Any] = {"text": text}
        if reply_to:
            wish["reply"] = {"in_reply_to_tweet_id": reply_to}
        if media:
            wish["media"] = {"media_ids": media}
        return self.call("POST", "/2/tweets", json=wish)

    def posted(self, text: str, reply_to: str | None = None, media: list[str] | None = None) -> str:
        answer = self.post(text, reply_to, media)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["data"]["id"])

    def upload(self, content: bytes, category: str = "tweet_image") -> Answer:
        files = {"media": ("picture", content, "application/octet-stream")}
        return self.call("POST", "/2/media/upload", files=files, data={"media_category": category})

    def uploaded(self, content: bytes) -> str:
        answer = self.upload(content)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"]["id"])

    def describe(self, media_id: str, text: str) -> Answer:
        wish = {"id": media_id, "metadata": {"alt_text": {"text": text}}}
        return self.call("POST", "/2/media/metadata", json=wish)

    def texts(self) -> list[str]:
        """What the ledger holds of this account."""
        return [e.text for e in self.sandbox.ledger() if e.account == self.account.handle]


@pytest.fixture
def client(sandbox: Sandbox, account: SandboxAccount) -> Client:
    return Client(sandbox, account)


@pytest.fixture
def picture() -> Callable[..., bytes]:
    def draw(kind: str = "PNG", colour: str = "teal", size: tuple[int, int] = (40, 30)) -> bytes:
        held = io.BytesIO()
        Image.new("RGB", size, colour).save(held, kind)
        return held.getvalue()

    return draw
