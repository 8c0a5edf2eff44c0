"""The desk in a real browser: without JavaScript and with it, in two languages, in the dark."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from social_scheduler.lifecycle import PostState
from social_scheduler.services import hold, reading
from tests.screenshots import keep
from tests.web.newsroom import DIGEST, OPENING, PASSWORD, QUOTE, WEAVING, Newsroom

pytestmark = pytest.mark.browser
WIDE, PHONE = (1280, 900), (390, 844)
PAGES = {
    "first": "/",
    "post": f"/posts/{OPENING}",
    "thread": f"/posts/{DIGEST}",
    "withdraw": f"/posts/{OPENING}/withdraw",
    "posts": "/posts",
    "past": "/posts?when=past",
    "published": "/published",
    "inbox": "/inbox",
    "seen": "/inbox?list=seen",
    "holds": "/holds",
    "hold": "/holds/new",
    "problem": "/nothing",
    "sign-in": "/sign-in",
}
REFUSAL = re.compile(r"status of 4\d\d|Response Status Error Code 4")
"""What Chromium and htmx write when the desk answers 4xx: expected, and not a fault of the page."""


@contextmanager
def opened_page(
    browser: Browser, room: Newsroom, size: tuple[int, int] = WIDE, **options: Any
) -> Iterator[Page]:
    """A page in a fresh profile; anything in its console is a failure."""
    context = browser.new_context(
        base_url=room.url,
        viewport={"width": size[0], "height": size[1]},
        **{"locale": "en-GB", "timezone_id": "Europe/London"} | options,
    )
    said: list[str] = []
    page = context.new_page()
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on(
        "console",
        lambda m: said.append(m.text) if m.type == "error" and not REFUSAL.search(m.text) else None,
    )
    try:
        yield page
        assert said == []
    finally:
        context.close()


def sign_in(page: Page, name: str) -> None:
    """As a person does it."""
    page.goto("/sign-in")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def let_in(page: Page, room: Newsroom, name: str, locale: str = "en") -> None:
    """With a session already, in that language."""
    token = room.signed_in(name).cookies["session"]
    page.context.add_cookies(
        [
            {"name": "session", "value": token, "url": room.url},
            {"name": "lang", "value": locale, "url": room.url},
        ]
    )


def state(room: Newsroom, reference: str) -> PostState:
    """Where a post stands."""
    return reading.show(room.context, room.actor("leila"), reference).line.state


@pytest.mark.parametrize("javascript", [False, True], ids=["without JavaScript", "with it"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_the_whole_review(
    chromium: Browser, newsroom: Newsroom, javascript: bool, size: tuple[int, int]
) -> None:
    """Sign in, read, approve; request changes, first without a reason; sign out."""
    with opened_page(chromium, newsroom, size, java_script_enabled=javascript) as page:
        sign_in(page, "leila")
        page.get_by_role("heading", name="What awaits me").wait_for()
        assert page.title().startswith("REHEARSAL")
        page.get_by_role("link", name="Partner spotlight: Meridia").first.click()
        assert page.get_by_text("We begin at a loom.").is_visible()
        assert page.locator(".shots img").count() == 3
        page.get_by_role("button", name="Approve").click()
        page.get_by_text("It has all the approvals it needs.").wait_for()
        assert page.url.endswith(WEAVING)
        assert state(newsroom, OPENING) is PostState.APPROVED

        page.locator("#changes").click()
        page.get_by_text("A request for changes needs a reason.").first.wait_for()
        assert page.get_by_label("What should change, and why").get_attribute("aria-invalid")
        assert state(newsroom, WEAVING) is PostState.IN_REVIEW
        page.get_by_label("What should change, and why").fill("Twenty-seven women by now.")
        page.locator("#changes").click()
        page.get_by_text("Its author reads your reason.").wait_for()
        assert state(newsroom, WEAVING) is PostState.CHANGES_REQUESTED

        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")


def test_an_error_of_a_small_form_comes_in_place(chromium: Browser, newsroom: Newsroom) -> None:
    """With htmx the page stays where it is, and the field has the focus."""
    with opened_page(chromium, newsroom) as page:
        let_in(page, newsroom, "leila")
        page.goto(f"/posts/{OPENING}")
        page.evaluate("window.sameDocument = true")
        page.locator("#changes").click()
        page.locator("#reason-error").wait_for()
        assert page.evaluate("window.sameDocument") is True
        page.wait_for_function("document.activeElement.id === 'reason'")


def test_a_session_that_ended_shows_the_sign_in_with_what_was_typed(
    chromium: Browser, newsroom: Newsroom
) -> None:
    """Also where htmx asked: the small form cannot show that, so it is asked again as a page."""
    with opened_page(chromium, newsroom) as page:
        let_in(page, newsroom, "leila")
        page.goto(f"/posts/{OPENING}")
        page.get_by_label("What should change, and why").fill("The date is wrong")
        page.context.clear_cookies(name="session")
        page.locator("#changes").click()
        page.get_by_role("heading", name="Sign in", exact=True).wait_for()
        assert page.locator("textarea").input_value() == "The date is wrong"


def test_hold_everything_in_two_taps_on_the_phone(chromium: Browser, newsroom: Newsroom) -> None:
    """The band turns solid red on every page, with who, why and since when."""
    with opened_page(chromium, newsroom, PHONE) as page:
        let_in(page, newsroom, "dana")
        page.goto(f"/posts/{OPENING}")
        page.get_by_role("link", name="Hold", exact=True).click()
        page.get_by_label("Why").fill("Something happened")
        page.get_by_role("button", name="Hold").click()
        page.goto("/")
        band = page.locator(".band.hold")
        assert "Something happened" in band.inner_text()
        assert "dana, since" in band.inner_text()
        assert band.evaluate("e => getComputedStyle(e).backgroundImage") == "none"
        assert hold.list_holds(newsroom.context, newsroom.actor("dana"))[0].placed_by == "dana"


def test_a_part_is_held_in_two_taps_from_its_post(chromium: Browser, newsroom: Newsroom) -> None:
    """On the phone, without a name to type; the band tells what is held."""
    with opened_page(chromium, newsroom, PHONE, java_script_enabled=False) as page:
        let_in(page, newsroom, "dana")
        page.goto(f"/posts/{OPENING}")
        page.get_by_text("Hold only…").click()
        page.get_by_role("link", name="x-ar").click()
        page.get_by_label("Why").fill("A name is wrong")
        page.get_by_role("button", name="Hold").click()
        assert "an account x-ar" in page.locator(".band.hold").inner_text()


def test_on_the_phone_the_button_comes_after_all_that_it_approves(
    chromium: Browser, standing: Newsroom
) -> None:
    """Nobody approves what was not on the screen."""
    with opened_page(chromium, standing, PHONE) as page:
        let_in(page, standing, "leila")
        page.goto(f"/posts/{OPENING}")
        ends = page.evaluate(
            """[...document.querySelectorAll('.language')].map(e => e.getBoundingClientRect().bottom)"""
        )
        top = page.locator("#approve").evaluate("e => e.getBoundingClientRect().top")
        assert len(ends) == 3
        assert top > max(ends) > PHONE[1]


def test_the_reader_sees_their_own_time_too(chromium: Browser, standing: Newsroom) -> None:
    """10:30 in Baghdad is 07:30 in London and 02:30 in Washington; in Baghdad it is said once."""
    for zone, mine in (
        ("Europe/London", "07:30 here"),
        ("America/New_York", "02:30 here"),
        ("Asia/Baghdad", ""),
    ):
        with opened_page(chromium, standing, timezone_id=zone) as page:
            let_in(page, standing, "rana")
            page.goto(f"/posts/{OPENING}")
            page.locator("#show-keys").wait_for()
            assert "10:30 Baghdad, UTC+3" in page.locator(".due").inner_text()
            assert "".join(page.locator(".due .here").all_inner_texts()) == mine


def test_keys_move_and_never_act_by_themselves(chromium: Browser, newsroom: Newsroom) -> None:
    """j, k, a, r and ?; none of them in a field, none when they are switched off."""
    with opened_page(chromium, newsroom) as page:
        let_in(page, newsroom, "leila")
        page.goto("/")
        page.keyboard.press("j")
        page.keyboard.press("j")
        assert page.evaluate("document.activeElement.getAttribute('href')").endswith(WEAVING)
        page.keyboard.press("k")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/{OPENING}")
        page.keyboard.press("a")
        assert page.evaluate("document.activeElement.id") == "approve"
        page.keyboard.press("r")
        page.keyboard.type("a j r ?")
        assert page.get_by_label("What should change, and why").input_value() == "a j r ?"
        assert not page.locator("dialog").is_visible()
        page.locator("h1").click()
        page.keyboard.press("?")
        assert page.locator("dialog").is_visible()
        page.get_by_label("Single keys are on").uncheck()
        page.get_by_role("button", name="Close").click()
        page.reload()
        page.keyboard.press("?")
        assert not page.locator("dialog").is_visible()
        assert state(newsroom, OPENING) is PostState.IN_REVIEW


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["en", "ar"])
def test_no_page_has_a_fault_that_axe_finds(
    chromium: Browser, newsroom: Newsroom, locale: str, scheme: str
) -> None:
    """Contrast, names, landmarks, languages: every page, with and without a hold."""
    axe, faults = Axe(), []
    with opened_page(chromium, newsroom, color_scheme=scheme) as page:
        let_in(page, newsroom, "rana", locale)
        for name, path in PAGES.items():
            if name == "holds":
                hold.add_hold(
                    newsroom.context,
                    newsroom.actor("dana"),
                    scope="everything",
                    value="",
                    reason="Something happened",
                )
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true })")
            faults += [
                (name, found["id"], [node["html"] for node in found["nodes"]])
                for found in axe.run(page).response["violations"]
            ]
    assert faults == []


@pytest.mark.parametrize("locale", ["en", "ar", "fr"])
def test_no_page_scrolls_sideways_on_a_phone(
    chromium: Browser, newsroom: Newsroom, locale: str
) -> None:
    """And everything that can be tapped is 44 pixels high, but for links inside sentences."""
    with opened_page(chromium, newsroom, PHONE) as page:
        let_in(page, newsroom, "rana", locale)
        for name, path in PAGES.items():
            page.goto(path)
            wide = page.evaluate("document.documentElement.scrollWidth")
            assert wide <= PHONE[0], name
            small = page.evaluate(
                """[...document.querySelectorAll(
                   'button, .button, input, textarea, select, summary, nav a')].filter(e => e.offsetParent && e.type !== 'checkbox'
                   && e.type !== 'hidden' && e.getBoundingClientRect().height < 43.5)
                   .map(e => e.outerHTML)"""
            )
            assert small == [], name


def test_the_words_are_the_largest_text_of_their_page(
    chromium: Browser, standing: Newsroom
) -> None:
    """The frame steps back; a Latin tag in Arabic words keeps its place."""
    with opened_page(chromium, standing) as page:
        let_in(page, standing, "rana")
        page.goto(f"/posts/{OPENING}")
        sizes = page.evaluate(
            """[...document.querySelectorAll('main *')].filter(e => e.childNodes.length)
               .map(e => [e.closest('.words') !== null, parseFloat(getComputedStyle(e).fontSize)])"""
        )
        largest = max(size for _, size in sizes)
        assert {inside for inside, size in sizes if size == largest} == {True}
        arabic = page.locator('.words[lang="ar"] p').first
        assert arabic.evaluate("e => getComputedStyle(e).direction") == "rtl"
        assert page.locator('.words[lang="ar"] bdi.tag').count() == 1


def test_pictures_for_the_documentation(
    chromium: Browser, newsroom: Newsroom, tmp_path: Path
) -> None:
    """Wide and phone, with English and Arabic posts; kept only when they were asked for."""
    shots = [
        ("first-wide", "/", WIDE, "en", "light"),
        ("first-phone", "/", PHONE, "en", "light"),
        ("post-wide", f"/posts/{OPENING}", (1280, 1440), "en", "light"),
        ("post-wide-dark", f"/posts/{OPENING}", (1280, 1440), "en", "dark"),
        ("post-phone", f"/posts/{QUOTE}", PHONE, "en", "light"),
        ("post-arabic-wide", f"/posts/{OPENING}", (1280, 1440), "ar", "light"),
        ("post-arabic-phone", f"/posts/{OPENING}#in-ar", PHONE, "ar", "dark"),
        ("inbox-wide", "/inbox", WIDE, "en", "light"),
        ("published-wide", "/published", WIDE, "en", "light"),
    ]
    for name, path, size, locale, scheme in shots:
        with opened_page(chromium, newsroom, size, color_scheme=scheme) as page:
            let_in(page, newsroom, "rana", locale)
            page.goto(path)
            keep(page, name, tmp_path)
