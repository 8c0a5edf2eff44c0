"""From a campaign file to a published post, by the public commands only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.process.commands import wait_until_past
from tests.process.plans import (
    ALT,
    ARABIC,
    PAIR,
    PARTS,
    PICTURE,
    PICTURED,
    QUOTE,
    SAID,
    TEXT,
    THREAD,
)
from tests.process.team import Plan, Team

pytestmark = pytest.mark.process
Approved = Callable[[Plan], Team]


def test_what_was_approved_is_published_word_for_word_and_once(team: Team) -> None:
    team.write(PAIR)
    team.run("check", fresh=True)
    due = team.queued(PAIR, fresh=True)
    team.run("review", "approve", "--yes", *PAIR.references, who="rana", fresh=True)
    team.run("work", "--until-idle", fresh=True)
    ledger = team.ledger()
    assert sorted((e.account, e.text) for e in ledger) == [
        ("bridge_ar", ARABIC),
        ("bridge_en", SAID),
    ]
    assert all(entry.received_at >= due for entry in ledger)
    team.work()
    assert len(team.ledger()) == 2


def test_a_picture_goes_out_as_it_was_shown_with_its_description(approved: Approved) -> None:
    team = approved(PICTURE)
    [view] = team.ask("review", "show", *PICTURE.references)
    shown = view["languages"][0]["messages"][0]["parts"][0]["pictures"]
    team.work()
    [entry] = team.ledger()
    assert entry.text == PICTURED
    assert [(m.sha256, m.alt_text) for m in entry.media] == [(shown[0]["sha256"], ALT)]


def test_a_thread_goes_out_in_order_each_part_answering_the_one_before(approved: Approved) -> None:
    team = approved(THREAD)
    team.work()
    ledger = team.ledger()
    assert [entry.text for entry in ledger] == PARTS
    assert [entry.reply_to for entry in ledger] == [None, *(e.id for e in ledger[:-1])]
    [line, *_] = team.ask("published")
    assert (line["reference"], line["verdict"]) == ("bridge/story", "equal")


def test_whoever_wrote_a_post_cannot_approve_it_and_nothing_goes_out(team: Team) -> None:
    due = team.queued(TEXT, who="yusuf")
    refused = team.run("review", "approve", "--yes", "bridge/open", who="yusuf", code=4)
    assert "yusuf wrote bridge/open and cannot approve it" in refused.err
    team.run("review", "approve", "--yes", "bridge/open", who="amal", code=4)
    wait_until_past(due)
    worked = team.work()
    assert team.said() == []
    assert "due, but not sent — the post is in review, not approved" in worked.err


def test_a_quote_needs_two_different_people(team: Team) -> None:
    team.queued(QUOTE)
    [answer] = team.run("review", "approve", "--yes", "--json", "bridge/open", who="rana").json()
    assert answer["lacks"] == {"en": "awaits 1 more approval"}
    twice = team.run("review", "approve", "--yes", "bridge/open", who="rana", code=1)
    assert "one person counts once" in twice.err
    team.work()
    assert team.said() == []
    team.approve(QUOTE, who="karim")
    team.work()
    assert team.said() == [SAID]


def test_after_changes_are_requested_the_same_bytes_are_unapproved(approved: Approved) -> None:
    team = approved(TEXT)
    team.run("review", "request-changes", "bridge/open", "--reason", "Which town?", who="karim")
    team.run("queue", who="amal")
    team.work()
    assert team.said() == []
    team.run("queue", "--resubmit", who="amal")
    team.work()
    assert team.said() == []
    team.approve(TEXT)
    team.work()
    assert team.said() == [SAID]


def test_queueing_the_same_files_again_changes_nothing(approved: Approved) -> None:
    team = approved(TEXT)
    before = team.history("bridge/open")
    again = team.run("queue", "--json", who="amal").json()
    assert [change["change"] for change in again] == ["unchanged"]
    assert team.history("bridge/open") == before


def test_a_token_that_may_queue_may_not_approve(team: Team) -> None:
    both = ["--right", "queue", "--right", "approve"]
    team.run("people", "token", "add", "yusuf", *both, who="admin", code=4)
    made = team.run("people", "token", "add", "yusuf", *both[:2], "--json", who="admin").json()
    with_token = {"SOCIAL_SCHEDULER_TOKEN": made["token"]}
    team.write(TEXT)
    team.run("queue", environment=with_token)
    team.run("review", "approve", "--yes", "bridge/open", environment=with_token, code=4)
    team.work()
    assert team.said() == []


def test_exit_codes_say_what_kind_of_trouble_it_is(team: Team) -> None:
    team.write(replace(TEXT, kind="gossip"))
    team.run("check", code=1)
    team.run("queue", who="amal", code=1)
    team.run("work", "--soon", code=2)
    team.run("queue", who="stranger", code=4)
    nowhere = {"SOCIAL_SCHEDULER_WORKSPACE": str(team.folder / "campaigns")}
    team.run("work", "--until-idle", environment=nowhere, code=5)


def test_every_list_is_also_json(approved: Approved) -> None:
    team = approved(TEXT)
    assert team.network.sandbox is not None
    for command in LISTS:
        assert team.ask(*command.split()) is not None, command
    ledger = str(team.network.sandbox.path)
    assert team.ask("sandbox", "ledger", "--ledger", ledger) == []


LISTS = (
    "people list",
    "accounts list",
    "check",
    "plan",
    "review list",
    "review posts",
    "review show bridge/open",
    "hold list",
    "settle list",
    "history",
    "published",
)
