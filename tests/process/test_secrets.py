"""An account is connected in a browser and speaks; then everything is searched for its secrets."""

from __future__ import annotations

import base64
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx2
import pytest

from social_scheduler.vault import KeyFolder, Place
from tests.process.commands import wait_until
from tests.process.plans import SAID, TEXT
from tests.process.team import PASSWORD, Team

pytestmark = pytest.mark.process
TOKEN_FIELD = re.compile(r'name="token" value="([0-9a-f]{64})"')


class Desk:
    """An admin's browser at the desk, and everything it was shown."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.client = httpx2.Client(base_url=address, follow_redirects=True, timeout=30)
        self.shown: list[str] = []

    def get(self, path: str) -> httpx2.Response:
        answer = self.client.get(path)
        self.shown += [answer.text, str(answer.url), str(answer.headers)]
        return answer

    def post(self, path: str, page: str, **fields: str) -> httpx2.Response:
        found = TOKEN_FIELD.search(self.get(page).text)
        assert found
        answer = self.client.post(path, data={"token": found[1], **fields})
        self.shown += [answer.text, str(answer.url)]
        return answer


@pytest.fixture
def desk(team: Team) -> Iterator[Desk]:
    """The desk as its own process; an admin signs in."""
    serving = team.start("serve", "--port", "0", "--json")
    log = team.folder / ".logs"

    def address() -> str:
        found = re.search(
            r'"address": "([^"]+)"', "".join(p.read_text() for p in log.glob("*.out"))
        )
        return found[1] if found else ""

    wait_until(lambda: bool(address()), "the desk serves")
    desk = Desk(address())
    desk.post("/sign-in", "/sign-in", name="admin", password=PASSWORD)
    yield desk
    desk.client.close()
    serving.kill()
    serving.wait()


def an_app(team: Team, redirect: str) -> Mapping[str, str]:
    """Our app, as X's developer pages would make it."""
    answer = httpx2.post(f"{team.network.url}/sandbox/apps", json={"redirect_urls": [redirect]})
    made: dict[str, str] = answer.json()
    assert answer.status_code == 201, made
    return made


def opened(team: Team) -> dict[str, Mapping[str, str]]:
    """Everything that is sealed, opened with the worker's key, by its place."""
    folder = KeyFolder(team.folder / "keys")
    [(uid,)] = team.peek("SELECT uid FROM workspace")
    rows = team.peek("SELECT place, version, sealed FROM secret")
    servers = team.peek("SELECT 'account/' || name, platform, server FROM account")
    bound = {row: f"{row}@{platform}@{server}" for row, platform, server in servers}
    return {
        row: folder.open(box, Place(uid, bound.get(row, row), version))
        for row, version, box in rows
    }


def everything(team: Team, desk: Desk) -> Iterator[tuple[str, bytes]]:
    """What a curious person may come by: every file but two, what is in backups, every page."""
    for path in team.folder.rglob("*"):
        name = str(path.relative_to(team.folder))
        if not path.is_file() or name == "keys/worker.key" or name.startswith(".sign-ins"):
            continue
        if name.endswith(".tar.gz"):
            with tarfile.open(path) as backup:
                for member in backup:
                    content = backup.extractfile(member)
                    yield f"{name}:{member.name}", content.read() if content else b""
        else:
            yield name, path.read_bytes()
    for number, text in enumerate(desk.shown):
        yield f"page {number}", text.encode()


def written(secret: str) -> list[bytes]:
    """A secret as it is, and as files and addresses often have it."""
    raw = secret.encode()
    forms = {raw, quote(secret, safe="").encode(), raw.hex().encode()}
    forms |= {base64.b64encode(raw).rstrip(b"=")[:-2], json.dumps(secret)[1:-1].encode()}
    return [form for form in forms if len(form) >= 8]


def test_an_account_is_connected_in_a_browser_speaks_and_leaves_no_secret_behind(
    team: Team, desk: Desk
) -> None:
    page, redirect = "/accounts/x-en", f"{desk.address}/accounts/callback/x"
    before = opened(team)
    app = an_app(team, redirect)
    fields: dict[str, Any] = {f"app-{name}": value for name, value in app.items()}
    desk.post(f"{page}/app", page, **fields)
    sent = desk.post(f"{page}/sign-in", page)
    address = sent.headers["refresh"].removeprefix("0; url=")
    desk.shown.remove(sent.text)  # the way there carries the state
    consent = httpx2.get(f"{address}&as=bridge_en", follow_redirects=False)
    back = consent.headers["location"]
    assert back.startswith(redirect)
    worker = team.start("work")
    where = desk.client.get(back).url.path
    assert where.startswith("/accounts/connecting/")

    wait_until(lambda: "bridge_en (" in desk.get(where).text, "the worker connected the account")
    due = team.queued(TEXT)
    team.approve(TEXT)
    wait_until(lambda: team.said() == [SAID], f"it went out at {due}")
    worker.kill()
    worker.wait()
    (told,) = team.run("accounts", "check", "x-en", "--json", who="admin").json()
    assert "tweet.write" in told["scopes"]
    team.run("keys", "rotate", who="admin")
    team.work()
    for asked in (["accounts", "list"], ["accounts", "app"], ["keys", "show"], ["people", "list"]):
        team.ask(*asked, who="admin")
    team.history("bridge/open")
    team.run("history", "--json", who="admin")
    team.run("backup", str(team.folder / "kept.tar.gz"))
    for path in ("/", "/accounts", page, where, "/posts", "/inbox", "/accounts/callback/x?code=no"):
        desk.get(path)

    after = opened(team)
    signs = {
        p.name: p.read_text().strip() for p in (team.folder / ".sign-ins").rglob("*") if p.is_file()
    }
    answered = parse_qs(urlsplit(back).query)
    canaries = {
        **{f"{place} before: {k}": v for place, keys in before.items() for k, v in keys.items()},
        **{f"{place} now: {k}": v for place, keys in after.items() for k, v in keys.items()},
        **{f"sign-in {name}": value for name, value in signs.items()},
        "client secret": app["client_secret"],
        "code": answered["code"][0],
        "state": answered["state"][0],
        "password": PASSWORD,
        "session": desk.client.cookies["session"],
    }
    for public in ("client_id", "oauth2_ends_at", "oauth2_scopes"):
        canaries.pop(f"account/x-en now: {public}", None)
    places = list(everything(team, desk))
    found = [
        (name, place)
        for name, secret in canaries.items()
        for place, content in places
        if any(form in content for form in written(secret))
    ]
    assert found == []
    assert {"account/x-en now: oauth2_access", "account/x-en now: oauth2_refresh"} <= set(canaries)
    assert len(canaries) > 15
    names = [name for name, _ in places]
    for needed in (
        "social-scheduler.db",
        "journal/worker.jsonl",
        "kept.tar.gz:tables/secret.jsonl",
    ):
        assert needed in names


def test_the_search_finds_what_is_there() -> None:
    secret = "token+with/odd=characters"
    for text in (secret, quote(secret, safe=""), secret.encode().hex()):
        assert any(form in f"…{text}…".encode() for form in written(secret))
    inside = base64.b64encode(secret.encode())
    assert any(form in inside for form in written(secret))


def test_the_private_key_is_one_users_alone(team: Team) -> None:
    key = team.folder / "keys" / "worker.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.chmod(0o644)
    refused = team.work(code=5)
    assert "can be read by others" in refused.err
