"""The whole review over real HTTP, as plain forms."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

from social_scheduler.lifecycle import PostState
from social_scheduler.message import Message
from social_scheduler.services import reading, review
from social_scheduler.store.review import messages_of
from tests.web.newsroom import (
    MARKET,
    OPENING,
    QUOTE,
    WEAVING,
    Newsroom,
    approve_all,
    post,
    send,
    shown_in,
    token_in,
)


def state(room: Newsroom, reference: str = OPENING) -> PostState:
    """Where a post stands."""
    return reading.show(room.context, room.actor("rana"), reference).line.state


def words_in(html: str) -> list[str]:
    """Every text of the page, put together again from its paragraphs and pieces."""
    found = []
    for block in re.findall(r'<div class="words"[^>]*>(.*?)</div>', html, re.DOTALL):
        lines = re.findall(r'<p dir="auto">(.*?)</p>', block, re.DOTALL)
        found.append("\n".join(unescape(re.sub(r"<[^>]+>", "", line)) for line in lines))
    return found


def chips(html: str) -> list[str]:
    """The words of every state that the page shows."""
    found = re.findall(r'<span class="state [^>]*>.*?</svg><span>([^<·]*)', html, re.DOTALL)
    return [word.strip() for word in found]


def end_published(room: Newsroom) -> None:
    """The partner spotlight's first post is approved and goes live everywhere."""
    approve_all(room.context, room.actor("leila"), OPENING)
    view = reading.show(room.context, room.actor("leila"), OPENING)
    for message in (m for v in view.languages for m in v.messages):
        assert message.delivery
        send(room.context, message.delivery.id, "published", at=room.clock())


def test_the_first_page_has_the_nearest_deadline_on_top(standing: Newsroom) -> None:
    """With its distance, its zone, and how many approvals it has."""
    html = standing.signed_in("rana").get("/").text
    order = re.findall(r'<h2><a href="/posts/([^"]+)"', html)
    assert order[:2] == [OPENING, WEAVING]
    assert "in 70 minutes" in html
    assert "Baghdad, UTC+3" in html
    assert "English 0 of 1" in " ".join(html.split())


def test_an_author_sees_why_nothing_awaits_her(standing: Newsroom) -> None:
    """Her own posts stand below, with the reason."""
    html = standing.signed_in("amal").get("/").text
    assert "Nothing awaits you." in html
    assert "In review, but not for me" in html
    assert "You are not a reviewer." in html


def test_the_post_page_shows_every_text_to_the_letter(standing: Newsroom) -> None:
    """What stands on the page is what is stored, byte by byte, for every account."""
    html = standing.signed_in("rana").get(f"/posts/{OPENING}").text
    view = reading.show(standing.context, standing.actor("rana"), OPENING)
    with standing.context.database.read() as tx:
        stored = messages_of(tx, view.line.id, view.line.revision)
    texts = [part.text for m in stored for part in Message.from_canonical(m.body).parts]
    assert words_in(html) == texts
    assert len(texts) == 3
    for message in stored:
        for picture in Message.from_canonical(message.body).media:
            assert f"/media/{picture.sha256}" in html
            assert unescape(html).count(picture.alt) >= 2  # on the picture, and for the eye


def test_a_reviewer_approves_what_she_reads_and_comes_to_the_next(newsroom: Newsroom) -> None:
    """Arabic and English are hers; French waits for somebody else."""
    rana = newsroom.signed_in("rana")
    answer = post(rana, f"/posts/{OPENING}/approve", page=f"/posts/{OPENING}")
    assert str(answer.url).endswith(WEAVING)
    assert answer.history[0].status_code == 303
    assert f'Approved: <a href="/posts/{OPENING}">' in answer.text
    assert "Others still have to approve it." in answer.text
    assert "Approved:" not in rana.get("/").text  # told once
    view = reading.show(newsroom.context, newsroom.actor("rana"), OPENING)
    assert set(view.missing) == {"fr"}
    assert state(newsroom) is PostState.IN_REVIEW
    leila = newsroom.signed_in("leila")
    answer = post(leila, f"/posts/{OPENING}/approve", page=f"/posts/{OPENING}")
    assert "It has all the approvals it needs." in answer.text
    assert state(newsroom) is PostState.APPROVED


def test_a_page_that_is_out_of_date_approves_nothing(newsroom: Newsroom) -> None:
    """The words changed since she looked: the page comes anew, with the new words."""
    rana = newsroom.signed_in("rana")
    seen = rana.get(f"/posts/{OPENING}").text
    newsroom.edit("partner-spotlight", "We begin at a loom.", "We begin at a great loom.")
    data = {"token": token_in(seen), "shown": shown_in(seen)}
    answer = rana.post(f"/posts/{OPENING}/approve", data=data)
    assert answer.status_code == 409
    assert "changed since you looked" in answer.text
    assert "Nothing was decided." in answer.text
    assert "We begin at a great loom." in answer.text
    assert set(shown_in(answer.text)).isdisjoint(s for s in shown_in(seen) if s.startswith("en"))
    assert state(newsroom) is PostState.IN_REVIEW
    again = rana.post(
        f"/posts/{OPENING}/approve",
        data={"token": token_in(answer.text), "shown": shown_in(answer.text)},
    )
    assert again.status_code == 200


def test_one_person_counts_once(newsroom: Newsroom) -> None:
    """A quote needs two people; pressing twice is still one of two."""
    rana = newsroom.signed_in("rana")
    seen = rana.get(f"/posts/{QUOTE}").text
    data = {"token": token_in(seen), "shown": shown_in(seen)}
    rana.post(f"/posts/{QUOTE}/approve", data=data)
    answer = rana.post(f"/posts/{QUOTE}/approve", data=data)
    assert answer.status_code == 409
    assert "one person counts once" in answer.text
    page = rana.get(f"/posts/{QUOTE}").text
    assert "1 of 2 approvals" in page
    assert 'id="approve" type="button" disabled' in page
    assert "You approved it already; one person counts once." in page


def test_the_author_cannot_approve_by_form_either(newsroom: Newsroom) -> None:
    """The button is not offered, and the service refuses what is sent all the same."""
    amal = newsroom.signed_in("amal")
    page = amal.get(f"/posts/{OPENING}").text
    assert 'id="approve" type="button" disabled' in page
    assert shown_in(page) == []
    shown = shown_in(newsroom.signed_in("leila").get(f"/posts/{OPENING}").text)
    data = {"token": token_in(page), "shown": shown}
    assert amal.post(f"/posts/{OPENING}/approve", data=data).status_code == 403


def test_nobody_approves_a_language_they_do_not_read(newsroom: Newsroom) -> None:
    """Rana sends what Leila was shown, French among it: all of it is refused."""
    shown = shown_in(newsroom.signed_in("leila").get(f"/posts/{OPENING}").text)
    rana = newsroom.signed_in("rana")
    data = {"token": token_in(rana.get("/").text), "shown": shown}
    assert rana.post(f"/posts/{OPENING}/approve", data=data).status_code == 403
    assert not any(
        v.verdict.approvals
        for v in reading.show(newsroom.context, newsroom.actor("rana"), OPENING).languages
    )


def test_a_form_in_pieces_is_refused(standing: Newsroom) -> None:
    """Neither nothing shown nor nonsense approves anything."""
    rana = standing.signed_in("rana")
    token = token_in(rana.get("/").text)
    for shown in ([], ["en"], ["en:abc"], ["en::"], ["en:0:0"], ["xx:0:0"]):
        answer = rana.post(f"/posts/{OPENING}/approve", data={"token": token, "shown": shown})
        assert answer.status_code in (404, 409, 422), shown
    assert state(standing) is PostState.IN_REVIEW


def test_requesting_changes_needs_a_reason_and_says_so_at_its_place(newsroom: Newsroom) -> None:
    """Nothing is changed by an empty one."""
    rana = newsroom.signed_in("rana")
    answer = post(
        rana, f"/posts/{OPENING}/request-changes", page=f"/posts/{OPENING}", reason="  \n "
    )
    assert answer.status_code == 422
    assert 'aria-invalid="true" aria-describedby="reason-error"' in answer.text
    assert 'href="#reason"' in answer.text
    assert state(newsroom) is PostState.IN_REVIEW


def test_requesting_changes_ends_the_approvals(newsroom: Newsroom) -> None:
    """And goes on to the next post."""
    rana = newsroom.signed_in("rana")
    post(rana, f"/posts/{OPENING}/approve", page=f"/posts/{OPENING}")
    reason = "The number of councils is 15."
    answer = post(
        rana, f"/posts/{OPENING}/request-changes", page=f"/posts/{OPENING}", reason=reason
    )
    assert str(answer.url).endswith(WEAVING)
    assert "Changes requested:" in answer.text
    assert state(newsroom) is PostState.CHANGES_REQUESTED
    page = newsroom.signed_in("amal").get(f"/posts/{OPENING}").text
    assert reason in page
    assert "0 of 1 approvals" in page


def test_what_is_published_cannot_be_sent_back(newsroom: Newsroom) -> None:
    """The button is disabled, with the reason; so is the form of a page that was loaded before."""
    end_published(newsroom)
    leila = newsroom.signed_in("leila")
    path = f"/posts/{OPENING}"
    html = " ".join(leila.get(path).text.split())
    assert re.search(r'<button id="changes"[^>]* disabled aria-describedby="why-no-changes"', html)
    assert "Nothing of it is left to send: write a correction as a new post." in html
    assert chips(html.partition('class="facts"')[2])[0] == "published"
    answer = post(leila, f"{path}/request-changes", page=path, reason="a typo")
    assert answer.status_code == 409
    assert f"Nothing of {OPENING} is left to send" in answer.text
    assert state(newsroom) is PostState.APPROVED


def test_nothing_in_review_is_called_scheduled(newsroom: Newsroom) -> None:
    """On its page and in the list."""
    leila = newsroom.signed_in("leila")
    path = f"/posts/{OPENING}"
    assert chips(leila.get(path).text).count("waits for approval") == 3
    assert "scheduled" not in chips(leila.get("/posts").text)
    approve_all(newsroom.context, newsroom.actor("leila"), OPENING)
    assert "waits for approval" not in chips(leila.get(path).text)
    assert chips(leila.get("/posts").text).count("scheduled") == 1


def test_a_reason_and_approve_together_decide_nothing(newsroom: Newsroom) -> None:
    """Whoever wrote what should change and slipped to Approve is asked, and keeps the words."""
    answer = post(
        newsroom.signed_in("rana"),
        f"/posts/{OPENING}/approve",
        page=f"/posts/{OPENING}",
        reason="Not like this <please>",
    )
    assert answer.status_code == 422
    assert "Not like this &lt;please&gt;</textarea>" in answer.text
    assert state(newsroom) is PostState.IN_REVIEW


def test_a_reason_typed_into_a_stale_page_is_kept(newsroom: Newsroom) -> None:
    """The post was withdrawn meanwhile; the words typed still stand there."""
    rana = newsroom.signed_in("rana")
    token = token_in(rana.get(f"/posts/{OPENING}").text)
    review.withdraw(newsroom.context, newsroom.actor("leila"), OPENING, "")
    data = {"token": token, "reason": "Line three is old"}
    answer = rana.post(f"/posts/{OPENING}/request-changes", data=data)
    assert answer.status_code == 409
    assert "Line three is old</textarea>" in answer.text


def test_withdrawing_asks_first_and_names_what_stays(newsroom: Newsroom) -> None:
    """Reading the page changes nothing; the form does."""
    leila = newsroom.signed_in("leila")
    page = leila.get(f"/posts/{MARKET}/withdraw").text
    assert "On 3 accounts it is live or may be live; that stays as it is." in page
    assert state(newsroom, MARKET) is PostState.APPROVED
    answer = post(
        leila, f"/posts/{OPENING}/withdraw", page=f"/posts/{OPENING}/withdraw", reason="Not now"
    )
    assert "It will never be said." in answer.text
    assert state(newsroom) is PostState.WITHDRAWN
    again = post(leila, f"/posts/{OPENING}/withdraw", page="/", reason="")
    assert again.status_code == 409


def test_the_duty_officer_reads_but_does_not_decide(standing: Newsroom) -> None:
    """What she may not do is there, disabled, with the reason."""
    dana = standing.signed_in("dana")
    page = dana.get(f"/posts/{OPENING}").text
    assert "You are not a reviewer." in page
    assert "Only reviewers request changes." in page
    assert "Authors and reviewers can withdraw it." in page
    assert dana.get(f"/posts/{OPENING}/withdraw").status_code == 403


def test_a_moved_post_says_that_the_time_awaits_approval(newsroom: Newsroom) -> None:
    """The words stay approved; one entitled person approves the new window on the same page."""
    approve_all(newsroom.context, newsroom.actor("leila"), OPENING)
    newsroom.edit("partner-spotlight", "at: Monday 10:30", "at: Monday 11:30")
    leila = newsroom.signed_in("leila")
    page = leila.get(f"/posts/{OPENING}").text
    assert "the new time awaits one approval" in page
    post(leila, f"/posts/{OPENING}/approve", page=f"/posts/{OPENING}")
    assert state(newsroom) is PostState.APPROVED


def test_history_tells_who_did_what(standing: Newsroom) -> None:
    """In words, folded away."""
    page = standing.signed_in("rana").get(f"/posts/{MARKET}").text
    assert '<details class="fold">' in page
    for told in ("submitted for review", "gave the last approval needed", "began to send"):
        assert told in page
    assert "differs from what was approved" in page
    assert "http://127.0.0.1:8640/@demo/status/" in page


def test_a_post_that_does_not_exist_is_a_page_of_its_own(standing: Newsroom) -> None:
    """404, in the frame."""
    answer = standing.signed_in("rana").get("/posts/none/nothing")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.text


def test_what_is_too_late_no_longer_awaits_anybody(newsroom: Newsroom) -> None:
    """Its window closed while nobody approved."""
    newsroom.clock.at = datetime(2027, 1, 11, 7, 30, tzinfo=UTC) + timedelta(hours=1)
    html = newsroom.signed_in("rana").get("/").text
    assert OPENING not in html
    assert WEAVING in html


def test_what_a_reviewer_asked_for_stands_on_the_page(newsroom: Newsroom) -> None:
    """Who, when and why; gone once the author has changed it."""
    path = f"/posts/{OPENING}"
    leila = newsroom.signed_in("leila")
    post(leila, f"{path}/request-changes", page=path, reason="The loom is older")
    page = newsroom.signed_in("amal").get(path).text
    asked = re.search(r'<section class="asked".*?</section>', page, re.DOTALL)
    assert asked
    assert "The loom is older" in asked[0]
    assert "leila" in asked[0]
    page = leila.get(path).text
    assert "Changes were requested; its author edits it first." in page
    assert "It is changes requested" not in page
    newsroom.edit("partner-spotlight", "We begin at a loom.", "We begin at an old loom.")
    assert "The loom is older" not in leila.get(path).text.partition('class="fold"')[0]


def test_the_language_of_the_desk_comes_first(standing: Newsroom) -> None:
    """On the lists, on the page and on the button."""
    leila = standing.signed_in("leila")
    for locale, order in (("ar", ["ar", "en", "fr"]), ("fr", ["fr", "en", "ar"])):
        leila.cookies.set("lang", locale)
        page = leila.get(f"/posts/{OPENING}").text
        assert re.findall(r'<section class="language" id="in-(..)"', page) == order
        first = re.findall(r'class="excerpt" dir="auto" lang="(..)"', leila.get("/").text)[0]
        assert first == locale


def test_an_address_stands_once_and_breaks_between_its_pieces(standing: Newsroom) -> None:
    """What the words say already is not said again below them."""
    page = standing.signed_in("rana").get(f"/posts/{OPENING}").text
    assert page.count('href="https://example.org/en/partners/meridia"') == 1
    shown = "example.<wbr>org/<wbr>en/<wbr>partners/<wbr>me"
    assert f'<span class="hid">https://</span>{shown}<span class="hid">ridia</span></bdi>' in page
