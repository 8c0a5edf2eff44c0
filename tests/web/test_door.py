"""Who gets in, from where, and what leaves: nothing is shown that a session does not allow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.testclient import TestClient

from social_scheduler.config import Settings
from social_scheduler.errors import SchedulerError
from social_scheduler.services import hold, people
from social_scheduler.web.desk import create_app
from social_scheduler.web.session import safe_next
from tests.web.newsroom import (
    DIGEST,
    OPENING,
    PASSWORD,
    Clock,
    Newsroom,
    opened,
    post,
    token_in,
)

EXAMPLES = {"{campaign}/{post}": OPENING, "{account}": "x-en", "{number}": "1"}
FOR_ANYBODY = {"/sign-in", "/health", "/static/{name:path}"}


def routes(room: Newsroom) -> Iterator[tuple[str, str]]:
    """Every (method, path) of the desk, with examples for the variable pieces."""
    for found in iter_route_contexts(create_app(room.opened).routes):
        if not isinstance(found.route, APIRoute) or found.path is None:
            continue
        path = found.path
        if path in FOR_ANYBODY:
            continue
        for name, example in EXAMPLES.items():
            path = path.replace(name, example)
        path = path.replace("{sha256}", "0" * 64)
        for method in found.methods or ():
            yield method, path


def test_the_list_of_routes_is_whole(standing: Newsroom) -> None:
    """The walk below would prove nothing over an empty list."""
    found = set(routes(standing))
    assert ("GET", "/") in found
    assert ("POST", f"/posts/{OPENING}/approve") in found
    assert len(found) >= 18


def test_nothing_is_shown_to_somebody_who_is_not_signed_in(standing: Newsroom) -> None:
    """Pages lead to the sign-in form; forms and pictures are refused."""
    with httpx2.Client(base_url=standing.url) as client:
        for method, path in routes(standing):
            answer = client.request(method, path)
            assert answer.status_code in ((303, 401) if method == "GET" else (401,)), path
            assert "Meridia" not in answer.text
            if answer.status_code == 303:
                assert answer.headers["location"].startswith("/sign-in"), path


def test_mallory_who_has_no_role_gets_nowhere(standing: Newsroom) -> None:
    """Her session opens no page and no form, not even with the right token."""
    mallory = standing.signed_in("mallory")
    page = mallory.get("/")
    assert page.status_code == 403
    assert "Meridia" not in page.text
    token = token_in(page.text)
    for method, path in routes(standing):
        if path == "/sign-out":
            continue
        answer = mallory.request(method, path, data={"token": token} if method == "POST" else None)
        assert answer.status_code == 403, (method, path)
        assert "Meridia" not in answer.text


def test_mallory_can_sign_out(newsroom: Newsroom) -> None:
    """What she may do is leave."""
    mallory = newsroom.signed_in("mallory")
    answer = mallory.post("/sign-out", data={"token": token_in(mallory.get("/").text)})
    assert str(answer.url).endswith("/sign-in")


def test_every_form_needs_the_token_of_its_session(standing: Newsroom) -> None:
    """Neither none nor somebody else's will do."""
    rana, leila = standing.signed_in("rana"), standing.signed_in("leila")
    other = token_in(leila.get("/").text)
    for method, path in routes(standing):
        if method == "POST":
            assert rana.post(path).status_code == 403, path
            assert rana.post(path, data={"token": other}).status_code == 403, path


def test_a_form_from_another_site_is_refused(standing: Newsroom) -> None:
    """Even with the token and the session's cookie."""
    rana = standing.signed_in("rana")
    data = {"token": token_in(rana.get("/").text), "reason": "x", "scope": "everything"}
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        assert rana.post("/holds/new", data=data, headers=headers).status_code == 403
    assert hold.list_holds(standing.context, standing.actor("rana"), every=True) == []


def test_the_sign_in_form_is_protected_too(standing: Newsroom) -> None:
    """Nobody is signed in as somebody else by a foreign page."""
    client = standing.browser()
    answer = client.post("/sign-in", data={"name": "rana", "password": PASSWORD})
    assert answer.status_code == 403
    assert "session" not in client.cookies


@pytest.mark.parametrize("name", ["evil.example", "127.0.0.1.evil.example", "desk:8600", "", "["])
def test_the_desk_answers_to_its_own_names_only(standing: Newsroom, name: str) -> None:
    """A name that somebody points at this address reaches nothing."""
    client = standing.browser(Host=name)
    assert client.get("/sign-in").status_code in (400, 421)


def test_a_session_ends_with_signing_out(newsroom: Newsroom) -> None:
    """Its cookie opens nothing afterwards."""
    rana = newsroom.signed_in("rana")
    kept = rana.cookies["session"]
    post(rana, "/sign-out", page="/")
    again = newsroom.browser()
    again.cookies.set("session", kept)
    assert "/sign-in" in str(again.get("/").url)


def test_a_command_line_token_is_no_session(standing: Newsroom) -> None:
    """Tokens of other kinds do not open pages."""
    token = people.sign_in(standing.context, "rana", PASSWORD, kind="login", label="tests")
    client = standing.browser()
    client.cookies.set("session", token)
    assert "/sign-in" in str(client.get("/").url)


def test_what_was_typed_survives_a_session_that_ended(newsroom: Newsroom) -> None:
    """The reason stands on the sign-in page, to be copied."""
    rana = newsroom.signed_in("rana")
    token = token_in(rana.get(f"/posts/{OPENING}").text)
    people.revoke_tokens(newsroom.context, newsroom.actor("rana"), "rana")
    data = {"token": token, "reason": "The <b>third</b> line is old"}
    answer = rana.post(f"/posts/{OPENING}/request-changes", data=data)
    assert answer.status_code == 401
    assert "The &lt;b&gt;third&lt;/b&gt; line is old" in answer.text


def test_guessing_passwords_is_slowed_down(newsroom: Newsroom) -> None:
    """After ten wrong ones even the right one has to wait."""
    client = newsroom.browser()
    for _ in range(10):
        answer = post(client, "/sign-in", page="/sign-in", name="rana", password="wrong" * 3)
        assert answer.status_code == 403
    answer = post(client, "/sign-in", page="/sign-in", name="rana", password=PASSWORD)
    assert "Too many wrong passwords" in answer.text
    assert "session" not in client.cookies


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "javascript:alert(1)",
        "/\tevil",
        " /posts",
        "/\n//evil.example",
        "",
    ],
)
def test_signing_in_leads_nowhere_else(standing: Newsroom, wanted: str) -> None:
    """`next` is a path of the desk or nothing."""
    assert safe_next(wanted) == "/"
    client = standing.browser()
    client.follow_redirects = False
    html = client.get("/sign-in", params={"next": wanted}).text
    data = {"token": token_in(html), "name": "rana", "password": PASSWORD, "next": wanted}
    assert client.post("/sign-in", data=data).headers["location"] == "/"


def test_signing_in_leads_back_to_the_page_that_was_wanted(standing: Newsroom) -> None:
    """With its query."""
    client = standing.browser()
    page = client.get("/posts?when=past")
    html = page.text
    wanted = re.search(r'name="next" value="([^"]+)"', html)
    assert wanted
    data = {"token": token_in(html), "name": "rana", "password": PASSWORD, "next": wanted[1]}
    assert str(client.post("/sign-in", data=data).url).endswith("/posts?when=past")


def test_every_answer_carries_the_strict_headers(standing: Newsroom) -> None:
    """Pages, problems, pictures and static files alike."""
    rana = standing.signed_in("rana")
    picture = re.search(r"/media/[0-9a-f]{64}", rana.get(f"/posts/{OPENING}").text)
    assert picture
    for path in ("/", f"/posts/{OPENING}", "/nothing", "/static/desk.css", picture[0], "/health"):
        headers = rana.get(path).headers
        assert headers["content-security-policy"] == (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
            "media-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "server" not in headers
    assert rana.get("/").headers["cache-control"] == "no-store"
    assert rana.get("/nothing").headers["cache-control"] == "no-store"
    shown = rana.get(picture[0]).headers
    assert shown["content-disposition"] == "inline"
    assert shown["content-type"] in ("image/png", "image/jpeg")


def test_pages_hold_no_script_or_style_of_their_own(standing: Newsroom) -> None:
    """They would not run under the policy, and nobody should get used to it."""
    rana = standing.signed_in("rana")
    for path in (
        "/",
        f"/posts/{OPENING}",
        f"/posts/{DIGEST}",
        "/inbox",
        "/holds/new",
        "/published",
    ):
        html = rana.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)
        assert not re.search(r"(src|href)=\"(?:https?:)?//(?!127\.0\.0\.1|example\.org)", html)


@pytest.mark.parametrize(
    "name", ["0" * 63, "0" * 65, "G" * 64, "..%2f..%2fsettings.toml", "0" * 64]
)
def test_only_known_pictures_are_served(standing: Newsroom, name: str) -> None:
    """A picture is named by 64 hexadecimal digits and nothing else."""
    assert standing.signed_in("rana").get(f"/media/{name}").status_code == 404


def test_a_picture_that_was_changed_on_disk_is_not_shown(newsroom: Newsroom) -> None:
    """Nobody approves what they see if it is not what will be sent."""
    rana = newsroom.signed_in("rana")
    picture = re.search(r"/media/([0-9a-f]{64})", rana.get(f"/posts/{OPENING}").text)
    assert picture
    newsroom.context.media.path(picture[1]).write_bytes(b"\x89PNG\r\n\x1a\nsomething else")
    answer = rana.get(picture[0])
    assert answer.status_code == 503
    assert "was changed after it was approved" in answer.text


def test_a_form_that_is_too_large_is_refused(standing: Newsroom) -> None:
    """Before anything reads it."""
    answer = standing.signed_in("rana").post("/holds/new", content=b"reason=" + b"x" * 70_000)
    assert answer.status_code == 413


def test_a_wrong_password_did_not_work_and_is_no_lack_of_rights(standing: Newsroom) -> None:
    """The heading says so; the name stays typed."""
    answer = post(standing.browser(), "/sign-in", page="/sign-in", name="rana", password="wrong")
    assert answer.status_code == 403
    assert "That did not work" in answer.text
    assert "You may not do this" not in answer.text
    assert 'name="name" value="rana"' in answer.text


def test_something_unforeseen_shows_no_traceback(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The page says that something went wrong; the log has the rest."""

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr("social_scheduler.services.reading.published_words", fails)
    answer = newsroom.signed_in("rana").get("/published")
    assert answer.status_code == 500
    assert "Something went wrong here." in answer.text
    assert "secret detail" not in answer.text
    assert "secret detail" in caplog.text


def _kinds(kind: type[SchedulerError]) -> Iterator[type[SchedulerError]]:
    yield kind
    for below in kind.__subclasses__():
        yield from _kinds(below)


def test_every_deliberate_problem_has_its_page(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its own status, its problem and its remedy."""
    rana = newsroom.signed_in("rana")
    for kind in {k.status for k in _kinds(SchedulerError)}:
        problem = SchedulerError("The <words> are wrong.", "Do this.")
        problem.status = kind

        def fails(*_: object, problem: SchedulerError = problem, **__: object) -> None:
            raise problem

        monkeypatch.setattr("social_scheduler.services.reading.published_words", fails)
        answer = rana.get("/published")
        assert answer.status_code == kind
        assert "The &lt;words&gt; are wrong." in answer.text
        assert "Do this." in answer.text


def test_behind_https_cookies_belong_to_this_host_alone(prepared: Path) -> None:
    """`__Host-`, Secure, HttpOnly, SameSite=Lax; on loopback http the same without the first two."""
    with opened(prepared, Clock(), Settings(web_origin="https://desk.example")) as found:
        client = TestClient(create_app(found), base_url="https://desk.example")
        html = client.get("/sign-in").text
        answer = client.post(
            "/sign-in",
            data={"token": token_in(html), "name": "rana", "password": PASSWORD},
            headers={"Origin": "https://desk.example"},
            follow_redirects=False,
        )
        assert answer.status_code == 303
        cookie = next(c for c in answer.headers.get_list("set-cookie") if "session=" in c)
        assert cookie.startswith("__Host-session=")
        for attribute in ("Secure", "HttpOnly", "SameSite=lax", "Path=/"):
            assert attribute in cookie
        assert "Domain" not in cookie
        assert client.get("/sign-in").headers["strict-transport-security"]
        assert client.get("/sign-in", headers={"Host": "elsewhere.example"}).status_code == 421
        client.close()
