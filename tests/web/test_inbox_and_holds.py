"""What needs a person, and the one button that stops everything."""

from __future__ import annotations

import re

import httpx2

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.services import hold, reading
from tests.web.newsroom import DIGEST, MARKET, OPENING, PENCIL, Newsroom, post, token_in


def delivery(room: Newsroom, reference: str, account: str) -> DeliveryState:
    """Where a delivery stands."""
    view = reading.show(room.context, room.actor("rana"), reference)
    return next(
        m.delivery.state
        for group in view.languages
        for m in group.messages
        if m.account == account and m.delivery
    )


def test_every_page_tells_of_what_needs_a_decision(standing: Newsroom) -> None:
    """Until it is settled: unconfirmed, partial, failed, missed, and what reads differently."""
    dana = standing.signed_in("dana")
    for path in ("/", "/posts", "/published", "/holds", f"/posts/{OPENING}", "/inbox"):
        html = dana.get(path).text
        assert "5 deliveries need a decision" in html
        assert "live, but not as approved" in html
    items = re.findall(r'<article class="card settle" id="d-\d+">', dana.get("/inbox").text)
    assert len(items) == 5


def test_it_is_live_takes_the_address(newsroom: Newsroom) -> None:
    """A wrong one is refused at its place and kept."""
    dana = newsroom.signed_in("dana")
    path = f"/inbox/{PENCIL}/x-ar/it-is-live"
    answer = post(dana, path, page="/inbox", url="x.com/demo/1")
    assert answer.status_code == 422
    assert 'value="x.com/demo/1"' in answer.text
    assert delivery(newsroom, PENCIL, "x-ar") is DeliveryState.UNCONFIRMED
    answer = post(dana, path, page="/inbox", url="https://x.example/demo/status/1")
    assert "Written down as live:" in answer.text
    assert delivery(newsroom, PENCIL, "x-ar") is DeliveryState.PUBLISHED
    assert post(dana, path, page="/inbox", url="https://x.example/2").status_code == 409


def test_dropping_needs_a_reason(newsroom: Newsroom) -> None:
    """It is written down with the name."""
    dana = newsroom.signed_in("dana")
    path = f"/inbox/{PENCIL}/x-fr/drop"
    assert post(dana, path, page="/inbox", reason="").status_code == 422
    answer = post(dana, path, page="/inbox", reason="The film is not cleared")
    assert "Dropped:" in answer.text
    assert delivery(newsroom, PENCIL, "x-fr") is DeliveryState.CANCELLED
    assert "The film is not cleared" in dana.get(f"/posts/{PENCIL}").text


def test_sending_again_opens_a_new_window(newsroom: Newsroom) -> None:
    """For what was missed; in that person's name."""
    rana = newsroom.signed_in("rana")
    answer = post(rana, f"/inbox/{DIGEST}/x-ar/send-again", page="/inbox")
    assert "Sent again from now on:" in answer.text
    assert delivery(newsroom, DIGEST, "x-ar") is DeliveryState.SCHEDULED


def test_authors_see_the_inbox_and_settle_nothing(newsroom: Newsroom) -> None:
    """Disabled on the page, refused by the service."""
    amal = newsroom.signed_in("amal")
    page = amal.get("/inbox").text
    assert "the duty officer or a reviewer settles them" in page
    for act in ("send-again", "drop", "it-is-live"):
        path = f"/inbox/{PENCIL}/x-ar/{act}"
        answer = post(amal, path, page="/inbox", url="https://x.example/1", reason="x")
        assert answer.status_code == 403
    assert delivery(newsroom, PENCIL, "x-ar") is DeliveryState.UNCONFIRMED


def test_hold_everything_is_two_taps_from_any_page(newsroom: Newsroom) -> None:
    """The link is on every page; its form needs a reason and nothing more."""
    dana = newsroom.signed_in("dana")
    for path in ("/", "/posts", f"/posts/{OPENING}", "/nothing"):
        assert 'href="/holds/new"' in dana.get(path).text
    answer = post(dana, "/holds/new", page="/holds/new", reason="")
    assert answer.status_code == 422
    assert "A hold needs a reason." in answer.text
    answer = post(dana, "/holds/new", page="/holds/new", reason="An attack in the capital")
    assert "The hold stands." in answer.text
    for path in ("/", f"/posts/{OPENING}", "/published"):
        html = dana.get(path).text
        assert 'class="band hold"' in html
        assert "Everything is held." in html
        assert "An attack in the capital" in html
        assert "dana, since" in html
        assert "REHEARSAL" in html
    assert "held" in dana.get(f"/posts/{OPENING}").text


def test_a_hold_can_have_a_scope(newsroom: Newsroom) -> None:
    """It marks the deliveries it stops and no others."""
    dana = newsroom.signed_in("dana")
    answer = post(dana, "/holds/new", page="/holds/new", reason="Names", scope="language", value="")
    assert answer.status_code == 422
    assert '<option value="language" selected>' in answer.text
    post(dana, "/holds/new", page="/holds/new", reason="Names", scope="language", value="ar")
    html = dana.get(f"/posts/{OPENING}").text
    assert html.count('<span class="note">Names</span>') == 1


def test_a_hold_is_released_by_those_who_may(newsroom: Newsroom) -> None:
    """By whoever placed it, the duty officer or an admin; others see why not."""
    rana, leila, dana = (newsroom.signed_in(n) for n in ("rana", "leila", "dana"))
    post(rana, "/holds/new", page="/holds/new", reason="Wait")
    placed = hold.list_holds(newsroom.context, newsroom.actor("rana"))[0]
    assert "Whoever placed it" in leila.get("/holds").text
    assert post(leila, f"/holds/{placed.id}/release", page="/holds").status_code == 403
    answer = post(dana, f"/holds/{placed.id}/release", page="/holds")
    assert "Released." in answer.text
    assert 'class="band hold"' not in answer.text
    assert "Holds that were" in answer.text
    assert post(dana, f"/holds/{placed.id}/release", page="/holds").status_code == 409
    assert post(dana, "/holds/99/release", page="/holds").status_code == 404
    assert post(dana, "/holds/x/release", page="/holds").status_code == 404


def test_published_posts_have_their_address_account_and_proof(standing: Newsroom) -> None:
    """Newest first."""
    html = standing.signed_in("dana").get("/published").text
    rows = re.findall(r"<li>\n<p class=\"when\".*?</li>", html, re.DOTALL)
    assert len(rows) == 5
    assert PENCIL in rows[0]
    assert all("@CoalitionDemo" in row and "status/" in row for row in rows)
    assert sum("reads as approved" in row for row in rows) == 4
    differing = next(row for row in rows if "differs from what was approved" in row)
    assert MARKET in differing
    assert "the descriptions" in differing


def test_the_list_of_posts_has_a_past_and_a_future(standing: Newsroom) -> None:
    """Each with its own order, and pages that cannot be overrun."""
    rana = standing.signed_in("rana")
    coming, past = (
        re.findall(r'<h2><a href="/posts/([^"]+)"', rana.get(path).text)
        for path in ("/posts", "/posts?when=past")
    )
    assert coming[0] == OPENING
    assert MARKET not in coming
    assert past == [PENCIL, MARKET, DIGEST]
    for page in ("2", "0", "-1", "x", "99999999999", "٣"):
        assert rana.get("/posts", params={"page": page}).status_code == 200


def test_forms_answer_htmx_with_the_place_to_go_to(newsroom: Newsroom) -> None:
    """A small form that succeeded leads on; one that failed comes back as a page to cut from."""
    rana = newsroom.signed_in("rana")
    headers = {"HX-Request": "true"}
    token = token_in(rana.get("/").text)

    def ask(reason: str) -> httpx2.Response:
        return rana.post(
            f"/posts/{OPENING}/request-changes",
            data={"token": token, "reason": reason},
            headers=headers,
        )

    wrong = ask("")
    assert wrong.status_code == 422
    assert 'id="reason-field"' in wrong.text
    right = ask("Two words are missing")
    assert right.status_code == 204
    assert right.headers["hx-redirect"].startswith("/posts/")
    late = ask("again")
    assert late.status_code == 409
    assert late.headers["hx-retarget"] == "#main"
