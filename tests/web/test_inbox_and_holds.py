"""What needs a person, and the one button that stops everything."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import httpx2
import pytest

from social_scheduler.lifecycle import DeliveryState
from social_scheduler.services import hold, reading, review
from social_scheduler.services.actor import Actor
from social_scheduler.store.steps import By, remember
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


def rana_of(room: Newsroom) -> Actor:
    """Rana, past the desk."""
    return room.actor("rana")


def change_in(html: str, path: str) -> str:
    """What the form to leave an entry says it showed."""
    form = re.search(rf'action="{re.escape(path)}".*?</form>', html, re.DOTALL)
    assert form, html
    found = re.search(r'name="change" value="(\d+)"', form[0])
    assert found, form[0]
    return found[1]


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


def test_sending_again_at_a_time_is_by_the_clocks_of_the_post(newsroom: Newsroom) -> None:
    """17:00 in London in January is 17:00 UTC; what is no time is refused at its place."""
    rana = newsroom.signed_in("rana")
    path, page = f"/inbox/{DIGEST}/x-ar/send-again", "/inbox"
    for wrong in ("", "tomorrow", "2027-01-10T17:00", "2099-01-10T17:00"):
        answer = post(rana, path, page=page, when="then", at=wrong, zone="Europe/London")
        assert answer.status_code == 422
        assert f'name="at" value="{wrong}" aria-invalid="true"' in answer.text
        assert delivery(newsroom, DIGEST, "x-ar") is DeliveryState.MISSED
    answer = post(rana, path, page=page, when="then", at="2027-01-11T17:00", zone="Europe/London")
    assert "It waits for its new time:" in answer.text
    line = next(
        d for d in reading.coming(newsroom.context, rana_of(newsroom)) if DIGEST in d.reference
    )
    assert line.due_at == datetime(2027, 1, 11, 17, 0, tzinfo=UTC)


def test_a_time_that_comes_twice_is_refused(newsroom: Newsroom) -> None:
    """The night the clocks go back."""
    answer = post(
        newsroom.signed_in("rana"),
        f"/inbox/{DIGEST}/x-ar/send-again",
        page="/inbox",
        when="then",
        at="2027-10-31T01:30",
        zone="Europe/London",
    )
    assert answer.status_code == 422
    assert delivery(newsroom, DIGEST, "x-ar") is DeliveryState.MISSED


def test_what_was_to_go_out_together_stands_in_one_block(newsroom: Newsroom) -> None:
    """Live here and not there: the rest is sent again in one act, in one window, or not at all."""
    rana = newsroom.signed_in("rana")
    page = rana.get("/inbox").text
    assert page.count("Its accounts were to speak together.") == 2
    shown = re.findall(r'name="shown" value="([^"]+)"', page)
    assert [s.partition(":")[0] for s in shown] == ["x-en", "x-ar"]  # never what may be live
    path = f"/inbox/{DIGEST}/send-rest"
    stale = [shown[0], shown[1].partition(":")[0] + ":99"]
    data = {"token": token_in(page), "when": "now"}
    assert rana.post(path, data=data | {"shown": stale}).status_code == 409
    assert delivery(newsroom, DIGEST, "x-en") is DeliveryState.PARTIAL
    answer = rana.post(path, data=data | {"shown": shown})
    assert "The rest is sent again, together:" in answer.text
    lines = [
        d for d in reading.coming(newsroom.context, rana_of(newsroom)) if DIGEST in d.reference
    ]
    assert {d.account for d in lines} == {"x-en", "x-ar"}
    assert len({d.due_at for d in lines}) == 1
    assert rana.post(path, data=data).status_code == 422


def test_what_nothing_can_mend_leaves_the_inbox_once_it_is_seen(newsroom: Newsroom) -> None:
    """With a reason and a name; it is kept among what was seen, and what happens later counts."""
    dana = newsroom.signed_in("dana")
    path = f"/inbox/{MARKET}/x-fr/seen"
    change = change_in(dana.get("/inbox").text, path)
    assert post(dana, path, page="/inbox", reason="", change=change).status_code == 422
    late = post(dana, path, page="/inbox", reason="Fine", change="1")
    assert late.status_code == 409
    answer = post(dana, path, page="/inbox", reason="X cut a description", change=change)
    assert "Seen, and left as it is:" in answer.text
    assert "4 deliveries need a decision" in answer.text
    seen = dana.get("/inbox?list=seen").text
    assert "X cut a description" in seen
    assert "dana" in seen
    assert path not in seen
    assert delivery(newsroom, MARKET, "x-fr") is DeliveryState.PUBLISHED
    assert "has seen it and leaves it as it is" in dana.get(f"/posts/{MARKET}").text
    assert post(dana, path, page="/inbox", reason="again", change=change).status_code == 409
    view = reading.show(newsroom.context, newsroom.actor("rana"), MARKET)
    one = next(m.delivery for g in view.languages for m in g.messages if m.account == "x-fr")
    assert one is not None
    with newsroom.context.database.write() as tx:
        remember(tx, By("worker", newsroom.clock()), "late_answer", delivery_id=one.id)
    assert "5 deliveries need a decision" in dana.get("/").text


def test_what_failed_is_settled_and_not_only_seen(newsroom: Newsroom) -> None:
    """It can be sent again or dropped; looking at it is not enough."""
    dana = newsroom.signed_in("dana")
    assert f"/inbox/{PENCIL}/x-fr/seen" not in dana.get("/inbox").text
    answer = post(dana, f"/inbox/{PENCIL}/x-fr/seen", page="/inbox", reason="Fine", change="1")
    assert answer.status_code == 409


def test_a_thread_that_stays_in_part_can_be_seen_and_taken_up_later(newsroom: Newsroom) -> None:
    """Among what was seen it can still be sent on."""
    dana = newsroom.signed_in("dana")
    path = f"/inbox/{DIGEST}/x-en"
    change = change_in(dana.get("/inbox").text, f"{path}/seen")
    post(dana, f"{path}/seen", page="/inbox", reason="Five of six will do", change=change)
    assert f"{path}/send-again" not in dana.get("/inbox").text
    answer = post(dana, f"{path}/send-again", page="/inbox?list=seen", when="now")
    assert "Sent again from now on:" in answer.text
    assert "Five of six will do" not in dana.get("/inbox?list=seen").text


def test_what_may_not_be_done_now_says_why(newsroom: Newsroom) -> None:
    """Disabled, with the reason beside it; the service refuses it too."""
    review.withdraw(newsroom.context, newsroom.actor("leila"), PENCIL, "Not this one")
    dana = newsroom.signed_in("dana")
    page = dana.get("/inbox").text
    cards = re.findall(r'<article class="card settle".*?</article>', page, re.DOTALL)
    card = next(c for c in cards if f"/inbox/{PENCIL}/x-fr/" in c)
    assert "The post is withdrawn." in card
    assert re.search(r'value="now" disabled aria-describedby="no-again-\d+"', card)
    answer = post(dana, f"/inbox/{PENCIL}/x-fr/send-again", page="/inbox", when="now")
    assert answer.status_code == 409


def test_while_it_is_held_nothing_is_sent_again_now(newsroom: Newsroom) -> None:
    """It would only come back as missed; for later it may be set."""
    dana = newsroom.signed_in("dana")
    post(dana, "/holds/new", page="/holds/new", reason="An attack", what="language:ar")
    path = f"/inbox/{DIGEST}/x-ar/send-again"
    answer = post(dana, path, page="/inbox", when="now")
    assert answer.status_code == 409
    assert "dana holds language ar: An attack" in answer.text
    post(dana, path, page="/inbox", when="then", at="2027-01-12T17:00", zone="UTC")
    assert delivery(newsroom, DIGEST, "x-ar") is DeliveryState.SCHEDULED


def test_taking_down_names_the_consequence_and_the_command(standing: Newsroom) -> None:
    """The desk has no keys: it says where they are."""
    page = standing.signed_in("dana").get("/inbox").text
    assert f"social-scheduler settle remove {MARKET} x-fr" in page
    assert "Taking it down is public too, and cannot be undone." in page


def test_a_full_inbox_has_pages(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each delivery on exactly one of them, in the order of their due times."""
    monkeypatch.setattr("social_scheduler.web.routes.inbox.ON_A_PAGE", 2)
    dana = newsroom.signed_in("dana")
    pages = [dana.get(f"/inbox?page={n}").text for n in (1, 2, 3)]
    found = [re.findall(r'id="d-(\d+)">', page) for page in pages]
    assert [len(ids) for ids in found] == [2, 2, 1]
    assert len({i for ids in found for i in ids}) == 5
    assert 'rel="next"' not in pages[2]
    for page in ("0", "-1", "x", "99999999999", "٣"):
        assert dana.get("/inbox", params={"page": page}).status_code == 200


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
    answer = post(dana, "/holds/new", page="/holds/new", reason="", what="language:ar")
    assert answer.status_code == 422
    assert '<option value="language:ar" selected>' in answer.text
    for unknown in ("language:xx", "planet:earth", "language:"):
        answer = post(dana, "/holds/new", page="/holds/new", reason="Names", what=unknown)
        assert answer.status_code in (404, 422)
        assert "Names</textarea>" in answer.text
    post(dana, "/holds/new", page="/holds/new", reason="Names", what="language:ar")
    html = dana.get(f"/posts/{OPENING}").text
    assert html.count('<span class="note">Names</span>') == 1


def test_what_can_be_held_alone_is_offered_by_name(newsroom: Newsroom) -> None:
    """In one list, and from a post's own page with everything it belongs to."""
    dana = newsroom.signed_in("dana")
    form = dana.get("/holds/new").text
    for what in ("campaign:spotlight-2027-01-meridia", "account:x-ar", "language:fr", "kind:quote"):
        assert f'<option value="{what}">' in form
    assert DIGEST.partition("/")[0] not in form  # nothing of it is to come
    page = dana.get(f"/posts/{OPENING}").text
    links = re.findall(r'href="(/holds/new\?what=[^"]+)"', page)
    assert "/holds/new?what=account:x-fr" in links
    assert "/holds/new?what=kind:spotlight" in links
    chosen = dana.get("/holds/new?what=account:x-fr").text
    assert '<option value="account:x-fr" selected>' in chosen


def test_a_hold_says_that_its_release_sends_nothing(newsroom: Newsroom) -> None:
    """Where it is placed, where it stands, and once it is released."""
    dana = newsroom.signed_in("dana")
    assert "releasing it sends nothing by itself" in dana.get("/holds/new").text
    post(dana, "/holds/new", page="/holds/new", reason="Wait")
    page = dana.get("/holds").text
    assert "Releasing sends nothing by itself" in page
    number = re.findall(r'action="/holds/(\d+)/release"', page)[0]
    answer = post(dana, f"/holds/{number}/release", page="/holds")
    assert "That sends nothing by itself" in answer.text


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


def test_what_is_live_everywhere_is_not_to_come(newsroom: Newsroom) -> None:
    """Even while its window is still open."""
    rana = newsroom.signed_in("rana")
    newsroom.clock.at = datetime(2026, 12, 15, 14, 31, tzinfo=UTC)
    coming, past = (rana.get(path).text for path in ("/posts", "/posts?when=past"))
    assert f'<h2><a href="/posts/{MARKET}"' not in coming
    assert f'<h2><a href="/posts/{MARKET}"' in past


def test_published_posts_have_their_address_account_and_proof(standing: Newsroom) -> None:
    """Newest first."""
    html = standing.signed_in("dana").get("/published").text
    rows = re.findall(r"<li>\n<p class=\"when\".*?</li>", html, re.DOTALL)
    assert len(rows) == 5
    assert PENCIL in rows[0]
    assert "She is nine." in rows[0]
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
    assert past == [MARKET.replace("/market", "/shutters"), PENCIL, MARKET, DIGEST]
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
