"""The rehearsal networks' pages in a real browser: each in its manner, in both directions."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.sandbox import story
from tests.sandbox.conftest import Client
from tests.sandbox.running import Sandbox
from tests.screenshots import keep

pytestmark = pytest.mark.browser
SIZES = {"wide": (1280, 900), "phone": (390, 844)}
NETWORKS = ("x", "bluesky", "mastodon", "telegram")


@pytest.fixture(scope="module")
def network(sandbox: Sandbox) -> Sandbox:
    """One story in two scripts on four networks: a picture, an album, a film, a card, a thread."""
    for language in ("en", "ar"):
        handle = f"CoalitionDemo{language.upper()}"
        account = sandbox.add_account(handle, language, name=story.NAMES[language])
        client = Client(sandbox, account)
        media = client.uploaded(story.picture())
        assert client.describe(media, story.ALT[language]).ok
        first = client.posted(story.WORDS[language][0], media=[media])
        client.posted(story.WORDS[language][1], reply_to=first)
        story.tell(sandbox, language)
    return sandbox


def opened(browser: Browser, address: str, size: str, scheme: str = "light") -> Page:
    width, height = SIZES[size]
    page = browser.new_page(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page.goto(address)
    page.wait_for_load_state("networkidle")
    return page


@pytest.mark.parametrize(
    "path", ["", *NETWORKS, "mastodon/@coalition_ar", "telegram/@CoalitionDemoAR"]
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_fault_that_axe_finds(
    chromium: Browser, network: Sandbox, path: str, scheme: str
) -> None:
    page = opened(chromium, f"{network.url}/{path}", "wide", scheme)
    found = Axe().run(page).response["violations"]
    page.close()
    told = [(fault["id"], [node["html"][:120] for node in fault["nodes"]]) for fault in found]
    assert told == []


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_timeline_fits_the_screen_and_runs_the_way_of_its_script(
    chromium: Browser, network: Sandbox, tmp_path: Path, language: str, size: str, name: str
) -> None:
    handle = {
        "bluesky": f"{language}.coalition-demo.example",
        "mastodon": f"coalition_{language}",
    }.get(name, f"CoalitionDemo{language.upper()}")
    page = opened(chromium, f"{network.url}/{name}/@{handle}", size)

    assert page.evaluate("document.documentElement.scrollWidth") <= SIZES[size][0]
    direction = page.locator(".text p").first.evaluate("e => getComputedStyle(e).direction")
    assert direction == ("rtl" if language == "ar" else "ltr")
    assert page.locator("article").count() == 2
    assert page.get_by_text("This picture has no alt text").count() == 0
    if (language, size) in (("en", "wide"), ("ar", "phone")):
        keep(page, f"sandbox-{name}-{language}-{size}", tmp_path)
    page.close()


def test_mastodon_folds_what_stands_behind_a_warning(chromium: Browser, network: Sandbox) -> None:
    page = opened(chromium, f"{network.url}/mastodon/@coalition_en", "wide")
    words = page.get_by_text("Partner spotlight")
    assert not words.is_visible()
    page.get_by_text(story.WARNING["en"]).click()
    assert words.is_visible()
    page.close()


def test_bluesky_shows_the_box_and_the_film_with_its_captions(
    chromium: Browser, network: Sandbox
) -> None:
    page = opened(chromium, f"{network.url}/bluesky/@en.coalition-demo.example", "wide")
    assert page.locator("a.box .title").inner_text() == story.NAMES["en"]
    film = page.locator("video")
    film.evaluate("v => v.readyState >= 1 || new Promise(done => v.onloadedmetadata = done)")
    assert film.evaluate("v => [v.videoWidth > 0, v.duration > 5]") == [True, True]
    film.evaluate(
        "v => new Promise(done => { const t = v.textTracks[0]; t.mode = 'showing';"
        " v.querySelector('track').onload = done; if (t.cues && t.cues.length) done(); })"
    )
    assert film.evaluate("v => v.textTracks[0].cues.length") > 0
    page.close()


def test_telegram_shows_an_album_as_one_grid(chromium: Browser, network: Sandbox) -> None:
    page = opened(chromium, f"{network.url}/telegram/@CoalitionDemoEN", "wide")
    assert page.locator("article .pictures.count-3 img").count() == 3
    assert page.get_by_text("Sent without a sound").count() == 1
    page.close()


def test_all_networks_stand_on_the_first_page(
    chromium: Browser, network: Sandbox, tmp_path: Path
) -> None:
    page = opened(chromium, network.url, "wide")
    for label in ("X", "Bluesky", "Mastodon", "Telegram"):
        assert page.locator(f".mark:text-is('{label}')").count() > 0
    keep(page, "sandbox-all-wide", tmp_path)
    page.close()
