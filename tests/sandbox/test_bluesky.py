"""Bluesky's shape at the rehearsal network: what the reference server did when it was asked the same."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from social_scheduler.sandbox.accounts import add_account
from social_scheduler.sandbox.bluesky_ids import cid_of, cid_of_file, tid
from social_scheduler.sandbox.bluesky_sessions import read
from social_scheduler.sandbox.ledger import Ledger
from social_scheduler.sandbox.problems import Problem
from tests.sandbox.films import film
from tests.sandbox.running import TIMEOUT, Sandbox, SandboxAccount

POST = "app.bsky.feed.post"
NOW = "2026-12-15T14:30:00.000Z"
_NUMBERS = itertools.count(1)
_KEYS = itertools.count(1_800_000_000_000_000)


class Repo:
    """One account's calls, signed in."""

    def __init__(self, sandbox: Sandbox, account: SandboxAccount) -> None:
        self.sandbox, self.did, self.account = sandbox, account.id, account
        keys = account.keys
        who = {"identifier": keys["identifier"], "password": keys["app_password"]}
        self.session = self.call("com.atproto.server.createSession", who, token="").json()

    def call(self, method: str, body: Any = None, *, token: str | None = None) -> requests.Response:
        token = self.session["accessJwt"] if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self.sandbox.url}/xrpc/{method}"
        return requests.post(url, json=body, headers=headers, timeout=TIMEOUT)

    def ask(self, method: str, **query: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.session['accessJwt']}"}
        url = f"{self.sandbox.url}/xrpc/{method}"
        return requests.get(url, params=query, headers=headers, timeout=TIMEOUT)

    def put(self, key: str, record: dict[str, Any], **more: Any) -> requests.Response:
        wish = {"repo": self.did, "collection": POST, "rkey": key, "record": record, **more}
        return self.call("com.atproto.repo.putRecord", wish)

    def get(self, key: str) -> requests.Response:
        return self.ask("com.atproto.repo.getRecord", repo=self.did, collection=POST, rkey=key)

    def write_all(self, *writes: dict[str, Any]) -> requests.Response:
        return self.call("com.atproto.repo.applyWrites", {"repo": self.did, "writes": writes})

    def upload(self, content: bytes, kind: str) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.session['accessJwt']}", "Content-Type": kind}
        url = f"{self.sandbox.url}/xrpc/com.atproto.repo.uploadBlob"
        answer = requests.post(url, data=content, headers=headers, timeout=TIMEOUT)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["blob"]
        return found

    def uri(self, key: str) -> str:
        return f"at://{self.did}/{POST}/{key}"

    def entries(self) -> list[Any]:
        mine = self.account.handle
        return [e for e in self.sandbox.ledger("bluesky") if e.account == mine]


def post(text: str, **more: Any) -> dict[str, Any]:
    return {"$type": POST, "text": text, "createdAt": NOW, "langs": ["en"], **more}


def created(key: str, record: dict[str, Any]) -> dict[str, Any]:
    kind = "com.atproto.repo.applyWrites#create"
    return {"$type": kind, "collection": POST, "rkey": key, "value": record}


def key() -> str:
    return tid(next(_KEYS), 7)


@pytest.fixture
def repo(sandbox: Sandbox) -> Repo:
    handle = f"desk-{next(_NUMBERS)}.example"
    return Repo(sandbox, sandbox.add_account(handle, "en", network="bluesky", name="A desk"))


def test_an_app_password_becomes_a_session(repo: Repo) -> None:
    about = repo.ask("com.atproto.server.getSession").json()
    assert (about["did"], about["handle"], about["active"]) == (
        repo.did,
        repo.account.handle,
        True,
    )
    wrong = {"identifier": repo.account.handle, "password": "not-this-one-ever"}
    answer = repo.call("com.atproto.server.createSession", wrong, token="")
    assert (answer.status_code, answer.json()) == (
        401,
        {"error": "AuthenticationRequired", "message": "Invalid identifier or password"},
    )


def test_a_record_put_again_changes_nothing(repo: Repo) -> None:
    rkey, record = key(), post("Café 🇫🇷 remarks")
    first = repo.put(rkey, record, swapRecord=None)
    assert (first.status_code, first.json()["uri"]) == (200, repo.uri(rkey))
    assert first.json()["cid"] == cid_of(record)
    again = repo.put(rkey, record, swapRecord=None)
    assert (again.status_code, again.json()["cid"]) == (200, first.json()["cid"])
    assert "commit" not in again.json()
    assert [e.text for e in repo.entries()] == ["Café 🇫🇷 remarks"]


def test_other_content_under_a_key_that_must_be_free_is_an_invalid_swap(repo: Repo) -> None:
    rkey = key()
    cid = repo.put(rkey, post("one"), swapRecord=None).json()["cid"]
    answer = repo.put(rkey, post("two"), swapRecord=None)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "InvalidSwap", "message": f"Record was at {cid}"},
    )
    assert [e.text for e in repo.entries()] == ["one"]


def test_without_swap_a_put_overwrites_and_the_ledger_says_so(repo: Repo) -> None:
    rkey = key()
    repo.put(rkey, post("one"))
    assert repo.put(rkey, post("two")).status_code == 200
    (entry,) = repo.entries()
    assert (entry.text, entry.edited_at is not None) == ("two", True)


def test_creating_under_a_taken_key_breaks_the_server_and_changes_nothing(repo: Repo) -> None:
    rkey = key()
    wish = {"repo": repo.did, "collection": POST, "rkey": rkey, "record": post("one")}
    assert repo.call("com.atproto.repo.createRecord", wish).status_code == 200
    for record in (post("one"), post("two")):
        answer = repo.call("com.atproto.repo.createRecord", {**wish, "record": record})
        assert (answer.status_code, answer.json()["error"]) == (500, "InternalServerError")
    assert repo.get(rkey).json()["value"]["text"] == "one"


def test_a_thread_is_written_whole_or_not_at_all(repo: Repo) -> None:
    keys = [key(), key(), key()]
    first = post("one")
    root = {"uri": repo.uri(keys[0]), "cid": cid_of(first)}
    second = post("two", reply={"root": root, "parent": root})
    parent = {"uri": repo.uri(keys[1]), "cid": cid_of(second)}
    third = post("three", reply={"root": root, "parent": parent})
    writes = [created(k, r) for k, r in zip(keys, (first, second, third), strict=True)]
    broken = repo.write_all(*writes[:2], created(keys[2], post("x" * 301)))
    assert (broken.status_code, repo.entries()) == (400, [])
    answer = repo.write_all(*writes)
    assert [r["cid"] for r in answer.json()["results"]] == [
        root["cid"],
        parent["cid"],
        cid_of(third),
    ]
    replay = repo.write_all(*writes)
    assert (replay.status_code, replay.json()["error"]) == (500, "InternalServerError")
    said = repo.entries()
    assert [(e.text, e.reply_to) for e in said] == [
        ("one", None),
        ("two", repo.uri(keys[0])),
        ("three", repo.uri(keys[1])),
    ]


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("a" * 300, True),
        ("a" * 301, False),
        ("क्षि" * 250, True),
        ("👨‍👩‍👧‍👦" * 120, True),
        ("👨‍👩‍👧‍👦" * 121, False),
        ("กำ" * 300, True),
        ("กำ" * 301, False),
        ("1️⃣" * 300, True),
    ],
)
def test_texts_are_measured_in_graphemes_and_in_bytes(repo: Repo, text: str, fits: bool) -> None:
    answer = repo.put(key(), post(text))
    assert answer.status_code == (200 if fits else 400), answer.text
    if not fits:
        assert "too big (maximum " in answer.json()["message"]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({"$type": POST, "text": "x"}, 'Missing required key "createdAt"'),
        (post("x", createdAt="yesterday"), "Invalid datetime"),
        (post("x", langs=["en", "fr", "ar", "de"]), "array too big (maximum 3, got 4)"),
        (post("x", langs=["!"]), "Invalid language"),
        (post("x", reply={"root": {"uri": "x", "cid": "y"}}), "Invalid AT URI"),
        (post("x", embed={"$type": "app.bsky.embed.magic"}), "Expected one of"),
        (post("x", embed={"$type": "app.bsky.embed.images", "images": [{}]}), '"alt"'),
        (
            post("é", facets=[{"index": {"byteStart": 0, "byteEnd": 1}, "features": []}]),
            "divide a character",
        ),
        (
            post("x", facets=[{"index": {"byteStart": 0, "byteEnd": 9}, "features": []}]),
            "must lie in the text",
        ),
        ({"$type": "app.bsky.feed.like", "text": "x"}, "Invalid $type"),
    ],
)
def test_what_is_no_post_is_refused_with_the_place(
    repo: Repo, record: dict[str, Any], words: str
) -> None:
    answer = repo.put(key(), record)
    assert (answer.status_code, answer.json()["error"]) == (400, "InvalidRequest")
    assert words in answer.json()["message"]
    assert repo.entries() == []


@pytest.mark.parametrize("rkey", ["my-own-key_1", "3n2sqeymcrcp", "", "a/b"])
def test_a_post_has_a_key_of_time(repo: Repo, rkey: str) -> None:
    assert repo.put(rkey, post("x")).status_code == 400


def test_a_deleted_record_is_gone_and_its_key_free(repo: Repo) -> None:
    rkey = key()
    repo.put(rkey, post("soon gone"))
    gone = {"repo": repo.did, "collection": POST, "rkey": rkey}
    for _ in range(2):
        assert repo.call("com.atproto.repo.deleteRecord", gone).status_code == 200
    answer = repo.get(rkey)
    assert (answer.status_code, answer.json()["error"]) == (400, "RecordNotFound")
    assert repo.put(rkey, post("there again"), swapRecord=None).status_code == 200
    assert [(e.text, e.removed_at is None) for e in repo.entries()] == [
        ("soon gone", False),
        ("there again", True),
    ]


def test_records_are_listed_newest_first_page_by_page(repo: Repo) -> None:
    keys = [key() for _ in range(3)]
    for number, rkey in enumerate(keys):
        repo.put(rkey, post(f"number {number}"))
    where = {"repo": repo.account.handle, "collection": POST}
    page = repo.ask("com.atproto.repo.listRecords", **where, limit="2").json()
    assert [r["value"]["text"] for r in page["records"]] == ["number 2", "number 1"]
    rest = repo.ask("com.atproto.repo.listRecords", **where, cursor=page["cursor"]).json()
    assert [r["value"]["text"] for r in rest["records"]] == ["number 0"]


def test_pictures_are_blobs_with_the_alt_text_of_the_record(
    repo: Repo, picture: Callable[..., bytes]
) -> None:
    blob = repo.upload(picture(), "image/png")
    assert blob == {
        "$type": "blob",
        "ref": {"$link": cid_of_file(picture())},
        "mimeType": "image/png",
        "size": len(picture()),
    }
    images = [{"alt": "A teal square.", "image": blob}]
    record = post("look", embed={"$type": "app.bsky.embed.images", "images": images})
    answer = repo.put(key(), record)
    assert answer.json()["cid"] == cid_of(record)
    (entry,) = repo.entries()
    assert (entry.media[0].alt_text, entry.media[0].kind) == ("A teal square.", "picture")


def test_a_card_is_what_the_author_gave(repo: Repo, picture: Callable[..., bytes]) -> None:
    thumb = repo.upload(picture(), "image/png")
    shown = {"uri": "https://example.org/a", "title": "T", "description": "D", "thumb": thumb}
    embed = {"$type": "app.bsky.embed.external", "external": shown}
    assert repo.put(key(), post("read", embed=embed)).status_code == 200
    (entry,) = repo.entries()
    assert entry.extra["card"] == {"link": shown["uri"], "title": "T", "description": "D"}
    assert entry.media[0].kind == "card"


def test_a_film_has_captions(repo: Repo) -> None:
    video = repo.upload(film(640, 360, 2000), "video/mp4")
    words = repo.upload("WEBVTT\n\n00:00.000 --> 00:01.000\nمرحبا\n".encode(), "text/vtt")
    embed = {
        "$type": "app.bsky.embed.video",
        "video": video,
        "alt": "A street.",
        "captions": [{"lang": "ar", "file": words}],
    }
    assert repo.put(key(), post("watch", embed=embed)).status_code == 200
    (media,) = repo.entries()[0].media
    assert (media.kind, media.alt_text, set(media.captions)) == ("film", "A street.", {"ar"})


@pytest.mark.parametrize(
    ("size", "count", "words"),
    [
        (2_000_001, 1, "blob too big (maximum 2000000, got 2000001)"),
        (100, 5, "array too big (maximum 4, got 5)"),
    ],
)
def test_pictures_beyond_the_limits_are_refused_with_the_record(
    repo: Repo, size: int, count: int, words: str
) -> None:
    blob = repo.upload(b"x" * size, "image/jpeg")
    images = [{"alt": "", "image": blob}] * count
    embed = {"$type": "app.bsky.embed.images", "images": images}
    answer = repo.put(key(), post("look", embed=embed))
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_a_blob_that_is_not_there_is_named(repo: Repo) -> None:
    ref = {"$link": cid_of_file(b"never uploaded")}
    blob = {"$type": "blob", "ref": ref, "mimeType": "image/png", "size": 14}
    embed = {"$type": "app.bsky.embed.images", "images": [{"alt": "", "image": blob}]}
    answer = repo.put(key(), post("look", embed=embed))
    assert (answer.status_code, answer.json()["error"]) == (400, "BlobNotFound")


def test_nobody_writes_into_anothers_repository(repo: Repo) -> None:
    other = Repo(repo.sandbox, repo.sandbox.add_account("other.example", network="bluesky"))
    wish = {"repo": other.did, "collection": POST, "rkey": key(), "record": post("in their name")}
    answer = repo.call("com.atproto.repo.putRecord", wish)
    assert (answer.status_code, other.entries()) == (401, [])


def test_handles_and_the_server_are_asked_without_keys(repo: Repo) -> None:
    url = f"{repo.sandbox.url}/xrpc"
    name = {"handle": repo.account.handle}
    found = requests.get(f"{url}/com.atproto.identity.resolveHandle", params=name, timeout=TIMEOUT)
    assert found.json() == {"did": repo.did}
    assert requests.get(f"{url}/_health", timeout=TIMEOUT).json()["version"]
    assert requests.get(f"{url}/com.atproto.server.describeServer", timeout=TIMEOUT).ok


def test_a_session_is_refreshed_and_the_old_token_gives_the_same_for_a_while(repo: Repo) -> None:
    refresh, method = repo.session["refreshJwt"], "com.atproto.server.refreshSession"
    first = repo.call(method, token=refresh)
    again = repo.call(method, token=refresh)
    assert (first.status_code, again.status_code) == (200, 200)
    assert repo.call(method, token=first.json()["refreshJwt"]).status_code == 200
    assert repo.call(method, token=repo.session["accessJwt"]).json()["error"] == "InvalidToken"


def test_a_new_app_password_ends_the_sessions_of_the_old(repo: Repo) -> None:
    repo.sandbox.add_account(repo.account.handle, network="bluesky", again=True)
    answer = repo.call("com.atproto.server.refreshSession", token=repo.session["refreshJwt"])
    assert (answer.status_code, answer.json()["error"]) == (400, "ExpiredToken")


def test_no_token_a_foreign_token_and_a_bent_token_are_told_apart(repo: Repo) -> None:
    get = "com.atproto.repo.deleteRecord"
    missing = repo.call(get, {}, token="")
    assert (missing.status_code, missing.json()["error"]) == (401, "AuthMissing")
    for token in ("nonsense", repo.session["accessJwt"][:-2] + "xx"):
        answer = repo.call(get, {}, token=token)
        assert (answer.status_code, answer.json()["error"]) == (400, "InvalidToken")


def test_the_thirty_first_sign_in_waits(sandbox_of_its_own: Sandbox) -> None:
    account = sandbox_of_its_own.add_account("desk.example", network="bluesky")
    repo = Repo(sandbox_of_its_own, account)
    keys = account.keys
    who = {"identifier": keys["identifier"], "password": keys["app_password"]}
    answers = [repo.call("com.atproto.server.createSession", who, token="") for _ in range(30)]
    assert {a.status_code for a in answers[:-1]} == {200}
    assert (answers[-1].status_code, answers[-1].json()["error"]) == (429, "RateLimitExceeded")
    assert answers[-1].headers["ratelimit-policy"] == "30;w=300"
    assert answers[-1].headers["ratelimit-remaining"] == "0"


def test_a_lost_answer_and_the_same_put_make_one_post(repo: Repo) -> None:
    rkey = key()
    repo.sandbox.fault("answer_lost", network="bluesky", account=repo.account.handle)
    with pytest.raises(requests.ConnectionError):
        repo.put(rkey, post("said"), swapRecord=None)
    assert repo.put(rkey, post("said"), swapRecord=None).status_code == 200
    assert len(repo.entries()) == 1


class Moved:
    """A clock that a test moves."""

    now = datetime(2027, 1, 11, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def sandbox_of_its_own(tmp_path: Path) -> Iterator[Sandbox]:
    from tests.sandbox.running import start_sandbox

    with start_sandbox(tmp_path) as running:
        yield running


def test_access_ends_after_two_hours(tmp_path: Path) -> None:
    from social_scheduler.sandbox.bluesky_sessions import _made

    clock = Moved()
    with closing(Ledger(tmp_path / "ledger", clock=clock)) as ledger:
        add_account(ledger, "desk.example", "Desk", "en", network="bluesky")
        token = _made(ledger, {"scope": "s", "sub": "did"}, timedelta(hours=2))
        assert read(ledger, token, "s")["sub"] == "did"
        clock.now += timedelta(hours=2)
        with pytest.raises(Problem) as ended:
            read(ledger, token, "s")
        assert ended.value.body["error"] == "ExpiredToken"
