"""Connecting an account as an admin does it: in a browser, at a network on another address."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from social_scheduler.config import Settings
from social_scheduler.services import connect_ask
from social_scheduler.services.connect_ask import Asker
from social_scheduler.store import accounts as account_store
from tests.sandbox.running import Sandbox, start_sandbox
from tests.screenshots import keep
from tests.web.newsroom import Newsroom, running
from tests.web.office import make_office
from tests.web.test_browser import PHONE, let_in, opened_page, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """The network, at an address of its own."""
    with start_sandbox(tmp_path) as running_there:
        running_there.add_account("CoalitionDemoEN")
        yield running_there


@pytest.fixture
def room(tmp_path: Path, sandbox: Sandbox) -> Iterator[Newsroom]:
    """A desk whose accounts are at that network; its clock goes as the network's does."""
    make_office(tmp_path / "workspace")
    with running(tmp_path / "workspace", Settings(sandbox_url=sandbox.url)) as room:
        room.clock.at = datetime.now(UTC)
        with room.context.database.write() as tx:
            found = account_store.account_named(tx, "x-en")
            assert found is not None
            tx.delete(found)
        yield room


def connected(room: Newsroom, sandbox: Sandbox, page: Page) -> None:
    """The whole way, by hand."""
    redirect = f"{room.url}/accounts/callback/x"
    app = httpx2.post(f"{sandbox.url}/sandbox/apps", json={"redirect_urls": [redirect]}).json()
    page.get_by_role("link", name="Accounts").click()
    page.get_by_role("link", name="Connect x-en").click()
    expect(page.get_by_text(redirect)).to_be_visible()
    page.get_by_label("client_id").fill(app["client_id"])
    page.get_by_label("client_secret").fill(app["client_secret"])
    page.get_by_role("button", name="Keep the app's keys").click()
    expect(page.get_by_text("The app's keys are kept.")).to_be_visible()
    page.get_by_role("button", name="Connect at X").click()
    page.wait_for_url(f"{sandbox.url}/i/oauth2/authorize?**")
    page.get_by_role("link", name="CoalitionDemoEN").click()
    page.wait_for_url(f"{room.url}/accounts/connecting/*")
    assert "code" not in page.url


def work(room: Newsroom) -> None:
    """What the worker does meanwhile."""
    context = dataclasses.replace(room.context, now=lambda: datetime.now(UTC))
    assert connect_ask.ask_waiting(context, Asker("worker")) == 1


@pytest.mark.parametrize("javascript", [True, False])
def test_an_admin_connects_an_account(
    chromium: Browser, room: Newsroom, sandbox: Sandbox, javascript: bool
) -> None:
    """The page goes on by itself, and without JavaScript by a link."""
    with opened_page(chromium, room, java_script_enabled=javascript) as page:
        sign_in(page, "noor")
        connected(room, sandbox, page)
        expect(page.get_by_text("The worker asks the network")).to_be_visible()

        work(room)

        if not javascript:
            page.get_by_role("link", name="Look again").click()
        expect(page.get_by_text("CoalitionDemoEN (")).to_be_visible()
        page.get_by_role("link", name="All accounts").click()
        expect(page.get_by_role("link", name="Connect again x-en")).to_be_visible()


@pytest.mark.parametrize("locale", ["en", "ar"])
def test_no_page_of_it_has_a_fault_that_axe_finds(
    chromium: Browser, room: Newsroom, sandbox: Sandbox, locale: str, tmp_path: Path
) -> None:
    axe, faults = Axe(), []
    with opened_page(chromium, room) as page:
        let_in(page, room, "noor")
        page.goto("/")
        connected(room, sandbox, page)
        waiting = page.url
        let_in(page, room, "noor", locale)
        for name, path in {
            "accounts": "/accounts",
            "account": "/accounts/x-en",
            "account-waiting": waiting,
        }.items():
            page.goto(path)
            keep(page, f"{name}-{locale}", tmp_path)
            faults += [
                (path, found["id"], [node["html"] for node in found["nodes"]])
                for found in axe.run(page).response["violations"]
            ]
    assert faults == []


@pytest.mark.parametrize("locale", ["en", "ar", "fr"])
def test_it_fits_a_phone(chromium: Browser, room: Newsroom, locale: str, tmp_path: Path) -> None:
    with opened_page(chromium, room, PHONE) as page:
        let_in(page, room, "noor", locale)
        for path in ("/accounts", "/accounts/x-en"):
            page.goto(path)
            keep(page, f"phone-{locale}-{path.count('/')}", tmp_path)
            wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            assert not wide, path
