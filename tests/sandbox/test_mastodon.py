"""Mastodon's shape at the rehearsal network, as a program written from its documentation sees it."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from social_scheduler.sandbox.mastodon_text import html, length
from tests.sandbox.films import film
from tests.sandbox.running import TIMEOUT, Sandbox, SandboxAccount

_NUMBERS = itertools.count(1)
BASE = "https://here.example"


class Server:
    """One account's calls."""

    def __init__(self, sandbox: Sandbox, account: SandboxAccount, token: str | None = None) -> None:
        self.sandbox, self.account = sandbox, account
        self.token = token or account.keys["access_token"]

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return requests.request(
            method,
            self.sandbox.url + path,
            headers=headers,
            timeout=TIMEOUT,
            allow_redirects=False,
            **options,
        )

    def post(self, text: str, key: str | None = None, **more: Any) -> requests.Response:
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", "/api/v1/statuses", json={"status": text, **more}, headers=headers)

    def posted(self, text: str, **more: Any) -> dict[str, Any]:
        answer = self.post(text, **more)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def upload(self, content: bytes, description: str = "") -> requests.Response:
        files = {"file": ("media", content, "application/octet-stream")}
        told = {"description": description} if description else {}
        return self.call("POST", "/api/v2/media", files=files, data=told)

    def texts(self) -> list[str]:
        mine = self.account.handle
        return [e.text for e in self.sandbox.ledger("mastodon") if e.account == mine]


@pytest.fixture
def server(sandbox: Sandbox) -> Server:
    name = f"desk_{next(_NUMBERS)}"
    return Server(sandbox, sandbox.add_account(name, "en", network="mastodon", name="A desk"))


def test_the_keys_are_those_of_the_account(server: Server) -> None:
    me = server.call("GET", "/api/v1/accounts/verify_credentials").json()
    assert (me["id"], me["acct"]) == (server.account.id, server.account.handle)
    assert server.call("GET", "/api/v1/apps/verify_credentials").json()["scopes"]


def test_a_post_is_answered_as_html_and_kept_word_for_word(server: Server) -> None:
    text = "Tea & <bread> at https://example.org/x\nsecond line\n\nnext #Life_بعد"
    status = server.posted(text, language="ar", spoiler_text="Sad news", visibility="unlisted")
    assert status["spoiler_text"] == "Sad news"
    assert (status["language"], status["visibility"], status["sensitive"]) == (
        "ar",
        "unlisted",
        True,
    )
    assert status["content"].startswith("<p>Tea &amp; &lt;bread&gt; at <a href=")
    assert "<br />second line</p><p>next <a" in status["content"]
    assert status["tags"][0]["name"] == "life_بعد"
    assert status["url"] == f"{server.sandbox.url}/@{server.account.handle}/{status['id']}"
    assert server.texts() == [text]
    entry = server.sandbox.ledger("mastodon")[-1]
    assert (entry.id, entry.language) == (status["id"], "ar")
    assert entry.extra == {"visibility": "unlisted", "warning": "Sad news", "sensitive": True}
    source = server.call("GET", f"/api/v1/statuses/{status['id']}/source").json()
    assert source == {"id": status["id"], "text": text, "spoiler_text": "Sad news"}


def test_a_key_makes_one_post_whatever_the_words(server: Server) -> None:
    first = server.posted("one", key="the key")
    assert server.posted("one", key="the key")["id"] == first["id"]
    assert server.posted("other words", key="the key")["id"] == first["id"]
    assert server.posted("one", key="another key")["id"] != first["id"]
    assert server.texts() == ["one", "one"]


def test_a_key_is_one_accounts_own(sandbox: Sandbox, server: Server) -> None:
    other = Server(sandbox, sandbox.add_account("desk_other", "en", network="mastodon"))
    assert server.posted("one", key="k")["id"] != other.posted("one", key="k")["id"]


def test_a_lost_answer_and_the_same_key_make_one_post(server: Server) -> None:
    server.sandbox.fault("answer_lost", network="mastodon", account=server.account.handle)
    with pytest.raises(requests.ConnectionError):
        server.post("said", key="k")
    server.posted("said", key="k")
    assert server.texts() == ["said"]


@pytest.mark.parametrize(
    ("wish", "status", "error"),
    [
        ({"status": ""}, 422, "Validation failed: Text can't be blank"),
        ({"status": "a" * 501}, 422, "Validation failed: Text character limit of 500 exceeded"),
        ({"status": "a", "visibility": "loud"}, 422, "Validation failed: Visibility is not"),
        ({"status": "a", "media_ids": ["77"]}, 422, "Media 77 not found"),
        ({"status": "a", "in_reply_to_id": "77"}, 404, "The post you are trying to reply to"),
        ({"status": "a", "quoted_status_id": "77"}, 404, "The post you are trying to quote"),
        ({"status": "a", "scheduled_at": "2030-01-01"}, 422, "Validation failed: Scheduled at"),
    ],
)
def test_what_cannot_be_said_is_refused_in_one_line(
    server: Server, wish: dict[str, Any], status: int, error: str
) -> None:
    answer = server.call("POST", "/api/v1/statuses", json=wish)
    assert answer.status_code == status
    assert answer.json()["error"].startswith(error)
    assert server.texts() == []


@pytest.mark.parametrize(
    ("text", "warning", "counts"),
    [
        ("hello", "", 5),
        ("hello", "hey", 8),
        ("https://example.org/" + "a" * 400, "", 23),
        ("example.org/not-a-link", "", 22),
        ("x", "https://example.org/a", 22),
        ("@desk@far.example.org hi", "", 8),
        ("👨‍👩‍👧‍👦🇫🇷", "", 2),
        ("e\u0301", "", 1),
        ("مَرحَبًا", "", 5),
    ],
)
def test_texts_count_as_mastodon_counts_them(text: str, warning: str, counts: int) -> None:
    assert length(text, warning) == counts


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a\n\n\nb\nc", "<p>a</p><p>b<br />c</p>"),
        (
            "https://www.example.org/a-page-with-a-very-long-address",
            '<p><a href="https://www.example.org/a-page-with-a-very-long-address" target="_blank"'
            ' rel="nofollow noopener" translate="no"><span class="invisible">https://www.</span>'
            '<span class="ellipsis">example.org/a-page-with-a-very</span>'
            '<span class="invisible">-long-address</span></a></p>',
        ),
        (
            "#الحياة_بعد_داعش",
            f'<p><a href="{BASE}/tags/%D8%A7%D9%84%D8%AD%D9%8A%D8%A7%D8%A9_%D8%A8%D8%B9%D8%AF_%D8%AF'
            '%D8%A7%D8%B9%D8%B4" class="mention hashtag" rel="tag">#<span>الحياة_بعد_داعش</span>'
            "</a></p>",
        ),
        ("#2026 a#b /#c", "<p>#2026 a#b /#c</p>"),
        (
            "@desk @nobody a@desk.example",
            f'<p><span class="h-card" translate="no"><a href="{BASE}/@desk" class="u-url mention">'
            "@<span>desk</span></a></span> @nobody a@desk.example</p>",
        ),
        (
            '<b> & "quoted"',
            "<p>&lt;b&gt; &amp; &quot;quoted&quot;</p>",
        ),
    ],
)
def test_words_become_the_html_that_mastodon_makes(text: str, content: str) -> None:
    assert html(text, BASE, lambda name: name == "desk") == content


def test_a_thread_is_read_back_from_the_timeline_page_by_page(server: Server) -> None:
    first = server.posted("one")
    second = server.posted("two", in_reply_to_id=first["id"])
    assert (second["in_reply_to_id"], second["in_reply_to_account_id"]) == (
        first["id"],
        server.account.id,
    )
    path = f"/api/v1/accounts/{server.account.id}/statuses"
    page = server.call("GET", path, params={"limit": 1})
    assert [s["id"] for s in page.json()] == [second["id"]]
    assert f"max_id={second['id']}" in page.headers["Link"]
    older = server.call("GET", path, params={"max_id": second["id"]}).json()
    assert [s["id"] for s in older] == [first["id"]]
    heads = server.call("GET", path, params={"exclude_replies": "true"}).json()
    assert [s["id"] for s in heads] == [first["id"]]


def test_a_removed_post_is_gone(server: Server) -> None:
    made = server.posted("soon gone")
    path = f"/api/v1/statuses/{made['id']}"
    assert server.call("DELETE", path).json()["text"] == "soon gone"
    for method in ("GET", "DELETE"):
        answer = server.call(method, path)
        assert (answer.status_code, answer.json()) == (404, {"error": "Record not found"})
    assert server.post("late", in_reply_to_id=made["id"]).status_code == 404


def test_an_edited_post_keeps_its_place_and_the_ledger_says_when(server: Server) -> None:
    made = server.posted("frist")
    path = f"/api/v1/statuses/{made['id']}"
    edited = server.call("PUT", path, json={"status": "first"}).json()
    assert (edited["id"], edited["content"]) == (made["id"], "<p>first</p>")
    assert datetime.fromisoformat(edited["edited_at"]).tzinfo is not None
    entry = server.sandbox.ledger("mastodon")[-1]
    assert (entry.text, entry.edited_at is not None) == ("first", True)


def test_a_post_can_be_repeated_once_and_quoted(server: Server) -> None:
    made = server.posted("worth repeating")
    path = f"/api/v1/statuses/{made['id']}/reblog"
    ids = {server.call("POST", path).json()["id"] for _ in range(2)}
    assert len(ids) == 1
    found = server.call("GET", "/api/v2/search", params={"q": made["url"], "type": "statuses"})
    assert [s["id"] for s in found.json()["statuses"]] == [made["id"]]
    quoting = server.posted("as we said", quoted_status_id=made["id"])
    assert quoting["quote"]["quoted_status"]["id"] == made["id"]
    assert server.sandbox.ledger("mastodon")[-1].extra["quote"] == made["id"]


def test_a_picture_has_its_description_and_can_be_used_once(
    server: Server, picture: Callable[..., bytes]
) -> None:
    answer = server.upload(picture(), "A teal square.")
    media = answer.json()
    assert (answer.status_code, media["type"]) == (200, "image")
    assert media["meta"]["original"] == {
        "width": 40,
        "height": 30,
        "size": "40x30",
        "aspect": 40 / 30,
    }
    status = server.posted("look", media_ids=[media["id"]])
    assert status["media_attachments"][0]["description"] == "A teal square."
    assert "already attached" in server.post("again", media_ids=[media["id"]]).json()["error"]
    assert server.sandbox.ledger("mastodon")[-1].media[0].alt_text == "A teal square."
    assert server.call("GET", urlsplit(media["url"]).path).content == picture()


def test_a_film_is_worked_on_before_it_can_be_used(server: Server) -> None:
    answer = server.upload(film(640, 360, 2000))
    media = answer.json()
    assert (answer.status_code, media["type"], media["url"]) == (202, "video", None)
    too_early = server.post("look", media_ids=[media["id"]])
    assert too_early.json()["error"].startswith("Cannot attach files that have not finished")
    path = f"/api/v1/media/{media['id']}"
    while (looked := server.call("GET", path)).status_code == 206:
        assert looked.json()["url"] is None
        time.sleep(0.1)  # asked more often it would be too many requests
    assert looked.json()["meta"]["original"]["duration"] == 2.0
    described = server.call("PUT", path, json={"description": "A street."}).json()
    assert described["description"] == "A street."
    server.posted("look", media_ids=[media["id"]])
    entry = server.sandbox.ledger("mastodon")[-1].media[0]
    assert (entry.kind, entry.media_type, entry.alt_text) == ("film", "video/mp4", "A street.")


def test_a_film_and_a_picture_do_not_go_together(
    server: Server, picture: Callable[..., bytes]
) -> None:
    ids = [server.upload(content).json()["id"] for content in (film(64, 64, 500), picture())]
    answer = server.post("both", media_ids=ids)
    assert "Cannot attach a video" in answer.json()["error"]


@pytest.mark.parametrize("content", [b"", b"words", b"\0\0\0\x18ftypmp42"])
def test_what_is_no_media_is_refused(server: Server, content: bytes) -> None:
    answer = server.upload(content)
    assert answer.status_code == 422
    assert answer.json()["error"].startswith("Validation failed: File")


def test_a_wrong_token_is_unauthorized(server: Server) -> None:
    stranger = Server(server.sandbox, server.account, token="x" * 43)
    answer = stranger.post("let me in")
    assert (answer.status_code, answer.json()) == (401, {"error": "The access token is invalid"})
    assert server.texts() == []


def test_limits_are_told_in_both_shapes(server: Server) -> None:
    for version in ("v1", "v2"):
        about = requests.get(f"{server.sandbox.url}/api/{version}/instance", timeout=TIMEOUT)
        assert about.json()["configuration"]["statuses"]["max_characters"] == 500
        assert about.json()["version"] == "4.5.0"


def test_rates_are_told_with_a_date_and_end_in_429(server: Server) -> None:
    answer = server.post("one")
    assert answer.headers["X-RateLimit-Limit"] == "300"
    assert datetime.fromisoformat(answer.headers["X-RateLimit-Reset"]).tzinfo is not None
    server.sandbox.fault("rate_limited", network="mastodon", account=server.account.handle)
    limited = server.post("two")
    assert (limited.status_code, limited.json()) == (429, {"error": "Too many requests"})
    assert limited.headers["X-RateLimit-Remaining"] == "0"


def test_an_account_is_connected_in_a_browser_with_pkce(server: Server) -> None:
    url = server.sandbox.url
    back = "http://127.0.0.1:9/connected"
    wish = {"client_name": "a desk", "redirect_uris": back, "scopes": "read write:statuses"}
    app = requests.post(f"{url}/api/v1/apps", data=wish, timeout=TIMEOUT).json()
    asked = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": back,
        "scope": "read:accounts write:statuses",
        "state": "s t a t e",
        "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
        "code_challenge_method": "S256",
    }
    page = requests.get(f"{url}/oauth/authorize", params=asked, timeout=TIMEOUT)
    assert f"@{server.account.handle}" in page.text
    said_yes = server.call("GET", "/oauth/authorize", params={**asked, "as": server.account.handle})
    told = parse_qs(urlsplit(said_yes.headers["Location"]).query)
    assert told["state"] == ["s t a t e"]
    form = {
        "grant_type": "authorization_code",
        "client_id": app["client_id"],
        "client_secret": app["client_secret"],
        "redirect_uri": back,
        "code": told["code"][0],
        "code_verifier": "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
    }
    answer = requests.post(f"{url}/oauth/token", data=form, timeout=TIMEOUT)
    assert answer.json()["scope"] == "read:accounts write:statuses"
    allowed = Server(server.sandbox, server.account, token=answer.json()["access_token"])
    allowed.posted("in its name")
    assert allowed.upload(b"x").json() == {"error": "This action is outside the authorized scopes"}
    again = requests.post(f"{url}/oauth/token", data=form, timeout=TIMEOUT)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    ended = {"client_id": app["client_id"], "client_secret": app["client_secret"]}
    requests.post(
        f"{url}/oauth/revoke", data={**ended, "token": allowed.token}, timeout=TIMEOUT
    ).raise_for_status()
    assert allowed.post("no more").status_code == 401


@pytest.mark.parametrize(
    "wrong", [{"redirect_uri": "http://evil.example/"}, {"client_id": "unknown"}]
)
def test_nothing_is_sent_to_an_address_that_was_not_made_known(
    server: Server, wrong: dict[str, str]
) -> None:
    url, back = server.sandbox.url, "http://127.0.0.1:9/connected"
    wish = {"client_name": "a desk", "redirect_uris": back}
    app = requests.post(f"{url}/api/v1/apps", data=wish, timeout=TIMEOUT).json()
    asked = {"response_type": "code", "client_id": app["client_id"], "redirect_uri": back}
    answer = server.call("GET", "/oauth/authorize", params={**asked, **wrong})
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
