"""The rehearsal network's pages in a real browser: threads, pictures, right-to-left text."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.sandbox.conftest import Client
from tests.sandbox.running import Sandbox
from tests.screenshots import keep

pytestmark = pytest.mark.browser
PICTURES = Path(__file__).parents[2] / "campaigns"
ENGLISH = (
    "Partner spotlight: this week we look at Meridia. Its training mission works with 14 town "
    "councils along the Tigris.\n\nhttps://example.org/partners/meridia #LifeafterDaesh"
)
ARABIC = (
    "شريك الأسبوع: نسلّط الضوء هذا الأسبوع على ميريديا. تعمل بعثتها التدريبية مع 14 مجلسًا بلديًا "
    "على ضفاف دجلة.\n\nhttps://example.org/ar/partners/meridia #LifeafterDaesh"
)
SIZES = {"wide": (1280, 900), "phone": (390, 844)}


@pytest.fixture(scope="module")
def network(sandbox: Sandbox) -> Sandbox:
    """Two accounts that have spoken, in two scripts, with a picture and a thread."""
    for handle, language, text, alt in (
        ("CoalitionDemoEN", "en", ENGLISH, "Drawing: a wooden loom with a red rug."),
        ("CoalitionDemoAR", "ar", ARABIC, "رسم: نول خشبي عليه سجادة حمراء."),
    ):
        client = Client(sandbox, sandbox.add_account(handle, language, name=handle))
        media = client.uploaded((PICTURES / "partner-spotlight/media/loom.png").read_bytes())
        assert client.describe(media, alt).ok
        first = client.posted(text, media=[media])
        client.posted(f"{text.split('.', maxsplit=1)[0]} (2/2)", reply_to=first)
    return sandbox


@pytest.mark.parametrize("path", ["/", "/@CoalitionDemoEN", "/@CoalitionDemoAR"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_a_fault_that_axe_finds(
    chromium: Browser, network: Sandbox, path: str, scheme: str
) -> None:
    page = chromium.new_page(color_scheme="dark" if scheme == "dark" else "light")
    page.goto(network.url + path)
    found = Axe().run(page).response["violations"]
    page.close()
    assert [fault["id"] for fault in found] == []


@pytest.mark.parametrize("size", list(SIZES))
@pytest.mark.parametrize("language", ["en", "ar"])
def test_a_timeline_fits_the_screen_and_runs_the_way_of_its_script(
    chromium: Browser, network: Sandbox, tmp_path: Path, language: str, size: str
) -> None:
    width, height = SIZES[size]
    page = chromium.new_page(viewport={"width": width, "height": height})
    page.goto(f"{network.url}/@CoalitionDemo{language.upper()}")

    assert page.evaluate("document.documentElement.scrollWidth") <= width
    words = page.locator(".text p").first
    direction = words.evaluate("e => getComputedStyle(e).direction")
    assert direction == ("rtl" if language == "ar" else "ltr")
    assert page.locator("article").count() == 2
    assert page.locator("img[alt]").count() == 1
    keep(page, f"sandbox-{language}-{size}", tmp_path)
    page.close()
