"""A workspace with people and two accounts in accounts.yaml, of which one is connected."""

from __future__ import annotations

from pathlib import Path

from social_scheduler.app import make_workspace
from social_scheduler.config import SETTINGS_FILE, Settings
from social_scheduler.services import people
from social_scheduler.store import accounts as account_store
from social_scheduler.store.tables import AccountState
from tests.web.newsroom import MONDAY, PASSWORD, PEOPLE, Clock, actor, opened

ACCOUNTS = """
accounts:
  - name: signing-en
    platform: signing
    handle: coalition
    language: en
  - name: x-en
    platform: x
    handle: CoalitionDemoEN
    language: en
"""


def make_office(root: Path) -> None:
    """Make it in an empty folder."""
    clock = Clock(MONDAY)
    make_workspace(root, kind="rehearsal", now=clock, settings=Settings())
    (root / SETTINGS_FILE).write_text('sandbox_url = "http://127.0.0.1:9"\n')  # nobody is there
    (root / "campaigns" / "accounts.yaml").write_text(ACCOUNTS)
    with opened(root, clock) as found:
        admin = None
        for name, (roles, languages) in PEOPLE.items():
            people.add_person(
                found.context, admin, name, roles=roles, languages=languages, password=PASSWORD
            )
            admin = admin or actor(found.context, name)
        with found.context.database.write() as tx:
            account_store.keep_account(
                tx,
                "x-en",
                platform="x",
                handle="CoalitionDemoEN",
                language="en",
                server=found.context.sandbox_url,
                native_id="1001",
                may_thread=True,
                state=AccountState.CONNECTED,
                trouble=None,
                limited_until=None,
                connected_at=MONDAY,
            )
