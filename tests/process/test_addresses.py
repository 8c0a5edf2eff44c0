"""A rehearsal reaches its sandbox and nothing else; a live workspace never reaches a sandbox."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.process.plans import SAID, TEXT
from tests.process.team import Plan, Team

pytestmark = pytest.mark.process
Approved = Callable[[Plan], Team]


def refused(team: Team, reason: str) -> None:
    worked = team.work()
    assert team.said() == []
    assert reason in worked.err
    assert any(reason in (line["why"] or "") for line in team.history("bridge/open"))


@pytest.mark.parametrize("elsewhere", ["https://api.x.com", "http://127.0.0.1:9"])
def test_a_rehearsal_does_not_send_to_another_address(approved: Approved, elsewhere: str) -> None:
    team = approved(TEXT)
    team.tamper("UPDATE account SET server = ?", elsewhere)
    refused(team, f"This is a rehearsal workspace; it does not send to {elsewhere}")


@pytest.mark.parametrize("elsewhere", ["https://api.x.com", "http://203.0.113.7:8640"])
def test_a_rehearsal_whose_sandbox_is_elsewhere_reaches_out_to_nobody(
    approved: Approved, elsewhere: str
) -> None:
    team = approved(TEXT)
    settings = {"SOCIAL_SCHEDULER_SANDBOX_URL": elsewhere}
    team.run("accounts", "connect", "x-en", who="admin", code=4, environment=settings)
    team.tamper("UPDATE account SET server = ?", elsewhere)
    worked = team.work(environment=settings)
    assert f"it does not send to {elsewhere}" in worked.err
    assert team.said() == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]"])
def test_a_live_workspace_does_not_send_to_this_machine(approved: Approved, name: str) -> None:
    team = approved(TEXT)
    settings = team.folder / "settings.toml"
    lines = settings.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("settle_seconds", "sandbox_url"))]
    settings.write_text("\n".join(kept) + "\n", encoding="utf-8")
    team.tamper("UPDATE workspace SET kind = 'live'")
    team.tamper("UPDATE account SET server = replace(server, '127.0.0.1', ?)", name)
    refused(team, "This is a live workspace; it does not send to http://")


def test_a_live_workspace_refuses_what_is_for_rehearsals(approved: Approved) -> None:
    team = approved(TEXT)
    team.tamper("UPDATE workspace SET kind = 'live'")
    assert "settle_seconds is for rehearsals" in team.work(code=5).err
    team.run(
        "work",
        "--crash-at",
        "claimed",
        code=4,
        environment={"SOCIAL_SCHEDULER_SETTLE_SECONDS": "[]"},
    )
    team.tamper("UPDATE workspace SET kind = 'rehearsal'")
    team.work()
    assert team.said() == [SAID]
