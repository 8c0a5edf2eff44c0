"""What was approved is changed behind the product's back: the worker refuses and says why."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import rfc8785
from nacl.public import PrivateKey

from social_scheduler.message import content_digest, part_digest
from social_scheduler.vault import KeyFolder, Place, seal
from tests.process.commands import wait_until, wait_until_past
from tests.process.plans import ALT, PICTURE, QUOTE, SAID, TEXT, WORDS
from tests.process.team import Plan, Team

pytestmark = pytest.mark.process
Approved = Callable[[Plan], Team]
HOUR = 3600 * 1_000_000


def refuses(team: Team, reason: str, reference: str = "bridge/open") -> None:
    """A worker sends nothing, and says why: on standard error and in the history."""
    worked = team.work()
    assert team.said() == []
    assert reason in worked.err
    assert any(reason in (line["why"] or "") for line in team.history(reference))


def change_body(team: Team, change: Callable[[dict[str, Any]], None], *, digest: bool) -> None:
    """Rewrite the stored message; with `digest`, every digest stored beside it as well."""
    [(body, stored)] = team.peek("SELECT body, digest FROM message")
    message = json.loads(body)
    change(message)
    changed = rfc8785.dumps(message)
    assert changed != body
    assert content_digest(body) == stored
    team.tamper("UPDATE message SET body = ?", changed)
    if digest:
        new = content_digest(changed)
        team.tamper("UPDATE message SET digest = ?", new)
        team.tamper("UPDATE part SET digest = ? WHERE number = 1", part_digest(new, 1))


@pytest.mark.parametrize("digest", [False, True], ids=["body", "body-and-digest"])
def test_one_word_of_the_text(approved: Approved, digest: bool) -> None:
    team = approved(TEXT)

    def change(message: dict[str, Any]) -> None:
        message["parts"][0]["text"] = SAID.replace("300", "500")

    change_body(team, change, digest=digest)
    refuses(team, "not approved in en" if digest else "changed behind the product's back")


def test_the_description_of_a_picture(approved: Approved) -> None:
    team = approved(PICTURE)

    def change(message: dict[str, Any]) -> None:
        message["parts"][0]["media"][0]["alt"] = ALT.replace("lorries", "tanks")

    change_body(team, change, digest=True)
    refuses(team, "not approved in en", "bridge/bank")


def test_the_account_in_the_message(approved: Approved) -> None:
    team = approved(TEXT)
    change_body(team, lambda message: message.update(account="12345"), digest=True)
    refuses(team, "the account x-en is not the one that was approved")


def test_the_account_that_the_name_stands_for(approved: Approved) -> None:
    team = approved(TEXT)
    team.tamper("UPDATE account SET native_id = '12345' WHERE name = 'x-en'")
    refuses(team, "the account x-en is not the one that was approved")


def test_the_keys_of_another_account(approved: Approved) -> None:
    team = approved(TEXT)
    give_other_keys(team)
    refuses(team, "the account x-en is not the one that was approved")


def test_the_keys_of_another_account_while_the_worker_runs(approved: Approved) -> None:
    team = approved(TEXT)
    worker = team.start("work")
    wait_until(lambda: team.said() == [SAID], "the first post went out")
    give_other_keys(team)
    later = replace(TEXT, name="later", posts=[{"id": "next", "text": {"en": "And open again."}}])
    team.queued(later)
    team.approve(later)
    wait_until(lambda: "is not the one that was approved" in worker.said(), "the worker refused")
    worker.kill()
    worker.wait()
    assert team.said() == [SAID]


def give_other_keys(team: Team) -> None:
    """Seal the keys of x-ar for x-en, as whoever knows them and the public key could."""
    folder = KeyFolder(team.folder / "keys")
    [(uid,)] = team.peek("SELECT uid FROM workspace")
    rows = team.peek("SELECT place, version, sealed FROM secret")
    kept = {place: (version, sealed) for place, version, sealed in rows}
    version, sealed = kept["account/x-ar"]
    [(server,)] = team.peek("SELECT server FROM account WHERE name = 'x-en'")
    others = folder.open(sealed, Place(uid, f"account/x-ar@x@{server}", version))
    newer = kept["account/x-en"][0] + 1
    forged = seal(folder.public(), Place(uid, f"account/x-en@x@{server}", newer), others)
    team.tamper(
        "UPDATE secret SET version = ?, sealed = ? WHERE place = 'account/x-en'", newer, forged
    )
    team.tamper("UPDATE account SET keys_version = ? WHERE name = 'x-en'", newer)


def test_the_sealed_keys_of_another_account(approved: Approved) -> None:
    team = approved(TEXT)
    team.tamper(
        "UPDATE secret SET sealed = (SELECT other.sealed FROM secret other"
        " WHERE other.place = 'account/x-ar') WHERE place = 'account/x-en'"
    )
    worked = team.work()
    assert team.said() == []
    assert "was sealed for another place" in worked.err
    [(trouble,)] = team.peek("SELECT trouble FROM account WHERE name = 'x-en'")
    assert "was sealed for another place" in trouble


def test_the_public_key_that_keys_are_sealed_to(approved: Approved) -> None:
    """Whoever put it there would read what is given from then on: nobody seals, nobody works."""
    team = approved(TEXT)
    thief = bytes(PrivateKey.generate().public_key)
    team.tamper("UPDATE sealing_key SET public_key = ?", thief)
    team.run("accounts", "connect", "x-en", who="admin", code=5)
    refused = team.work(code=5)
    assert "another public key than keys/worker.pub" in refused.err
    assert team.said() == []


def test_the_account_a_delivery_goes_to(approved: Approved) -> None:
    team = approved(TEXT)
    team.tamper("UPDATE delivery SET account_id = (SELECT id FROM account WHERE name = 'x-ar')")
    refuses(team, "its words are missing from the database")


def test_the_window(approved: Approved) -> None:
    team = approved(TEXT)
    team.tamper("UPDATE delivery SET not_after = not_after + ?", HOUR)
    refuses(team, "the new time awaits one approval")


def test_the_time_brought_forward_everywhere(team: Team) -> None:
    team.queued(replace(TEXT, name="bridge"))
    team.approve(TEXT)
    for table in ("delivery", "revision"):
        team.tamper(
            f"UPDATE {table} SET due_at = due_at - {HOUR}, not_before = not_before - {HOUR}"
        )
    refuses(team, "the new time awaits one approval")


def test_the_stored_digest(approved: Approved) -> None:
    team = approved(TEXT)
    team.tamper("UPDATE message SET digest = ?", "0" * 64)
    refuses(team, "changed behind the product's back")


def test_the_digest_of_a_part(approved: Approved) -> None:
    team = approved(TEXT)
    team.tamper("UPDATE part SET digest = ?", "0" * 64)
    refuses(team, "its parts are not those that were approved")


@pytest.mark.parametrize("who", ["amal", "dana", "yusuf"])
def test_an_approval_by_somebody_who_may_not_give_it(team: Team, who: str) -> None:
    due = team.queued(TEXT, who="yusuf")
    [view] = team.ask("review", "show", "bridge/open")
    verdict = view["languages"][0]["verdict"]
    team.tamper(
        "INSERT INTO approval (post_id, revision, language, content_digest, window_digest,"
        " window_only, person_id, given_at) SELECT 1, 1, 'en', ?, ?, 0, id, 0 FROM person"
        " WHERE name = ?",
        verdict["content_digest"],
        verdict["window_digest"],
        who,
    )
    team.tamper("UPDATE post SET state = 'approved'")
    wait_until_past(due)
    refuses(team, "awaits 1 approval")


def test_an_approved_state_without_an_approval(team: Team) -> None:
    due = team.queued(TEXT)
    team.tamper("UPDATE post SET state = 'approved'")
    wait_until_past(due)
    refuses(team, "awaits 1 approval")


def test_a_policy_that_was_only_lowered_in_its_file(team: Team) -> None:
    due = team.queued(QUOTE)
    (team.folder / "campaigns" / "policy.yaml").write_text("rules:\n  - approvals: 1\n")
    team.approve(QUOTE)
    wait_until_past(due)
    assert "in review, not approved" in team.work().err
    team.tamper("UPDATE post SET state = 'approved'")
    refuses(team, "awaits 1 more approval")


def test_the_picture_on_the_disk(approved: Approved) -> None:
    team = approved(PICTURE)
    [(sha256,)] = {(m["sha256"],) for m in shown_pictures(team)}
    [stored] = [p for p in (team.folder / "media").rglob(f"*{sha256[2:]}*") if p.is_file()]
    stored.chmod(0o600)
    stored.write_bytes(stored.read_bytes()[:-1] + b"\0")
    refuses(team, "is not the approved one any more", "bridge/bank")


def test_one_letter_through_the_front_door(approved: Approved) -> None:
    team = approved(TEXT)
    post = {**TEXT.posts[0], "text": {"en": WORDS.replace("lorries", "lorrie")}}
    edited = replace(TEXT, posts=[post])
    wait_until_past(team.queued(edited))
    worked = team.work()
    assert team.said() == []
    assert "the post is in review, not approved" in worked.err
    team.approve(edited)
    team.work()
    assert team.said() == [SAID.replace("lorries", "lorrie")]


def shown_pictures(team: Team) -> list[dict[str, str]]:
    """The pictures of the one post, as reviewers are shown them."""
    [view] = team.ask("review", "show", *PICTURE.references)
    pictures: list[dict[str, str]] = view["languages"][0]["messages"][0]["parts"][0]["pictures"]
    return pictures
