"""The last look: every reason for which nothing is sent, each by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from social_scheduler.message import Attachment, content_digest
from social_scheduler.services import hold, people, review
from social_scheduler.services.last_look import Blocked, Cleared, Grounds, last_look
from tests.services.desk import SANDBOX, Desk

PICTURE = Attachment(sha256="ab" * 32, type="image/png", alt="A loom.")


def look(desk: Desk, **values: object) -> Cleared | Blocked:
    delivery = desk.looked().delivery
    with desk.context.database.read() as tx:
        return last_look(
            Grounds.read(tx, [delivery.id], desk.clock()),
            delivery.id,
            **{  # type: ignore[arg-type]
                "fence": delivery.attempt,
                "now": desk.clock(),
                "server": SANDBOX,
                "native_id": "id-wire-en",
                "intact": {PICTURE.sha256},
                **values,
            },
        )


def reasons(desk: Desk, **values: object) -> str:
    found = look(desk, **values)
    assert isinstance(found, Blocked)
    return str(found)


def tamper(desk: Desk, statement: str, **values: object) -> None:
    """Somebody with a SQL prompt; `part_1_as_x` and `x` stand for changed bytes."""
    with desk.context.database.read() as tx:
        body = tx.execute(text("SELECT body FROM message")).scalar_one()
    for name, value in {"part_1_as_x": body.replace(b"part 1", b"part X"), "x": b"x"}.items():
        if f":{name}" in statement:
            values[name] = value
    with desk.context.database.write() as tx:
        assert tx.execute(text(statement), values).rowcount  # type: ignore[attr-defined]


@pytest.fixture
def ready(desk: Desk) -> Desk:
    desk.ready(desk.post(words={"wire-en": ["part 1", "part 2"]}, pictures=[PICTURE]))
    assert desk.publisher.claim_due()
    return desk


def test_what_is_approved_due_and_whole_is_cleared_with_its_message(ready: Desk) -> None:
    found = look(ready)

    assert isinstance(found, Cleared)
    assert [p.text for p in found.message.parts] == ["part 1", "part 2"]


def test_before_its_time_it_is_cleared_for_preparing_only(desk: Desk) -> None:
    desk.ready(desk.post(pictures=[PICTURE]))
    early = desk.clock() - timedelta(minutes=5)

    assert "not due yet" in reasons(desk, now=early)
    assert isinstance(look(desk, now=early, early=True), Cleared)


def test_what_nobody_leased_is_not_begun(desk: Desk) -> None:
    desk.ready(desk.post(pictures=[PICTURE]))

    assert "changed or stopped in the meantime" in reasons(desk)


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"fence": 7}, "changed or stopped in the meantime"),
        ({"native_id": "mallory"}, "is not the one that was approved"),
        ({"native_id": None}, "is not the one that was approved"),
        (
            {"server": "https://api.x.com"},
            "would be sent to https://api.x.com, not to http://127.0.0.1:8640",
        ),
        ({"intact": set()}, "the file abababababab… is not the approved one"),
    ],
)
def test_what_the_worker_found_must_be_what_was_approved(
    ready: Desk, values: dict[str, object], told: str
) -> None:
    assert told in reasons(ready, **values)


def test_a_window_is_open_until_its_end_exclusively(ready: Desk) -> None:
    closing = ready.looked().delivery.not_after

    assert isinstance(look(ready, now=closing - timedelta(microseconds=1)), Cleared)
    assert "its window has closed" in reasons(ready, now=closing)


@pytest.mark.parametrize(
    ("act", "told"),
    [
        (
            lambda d: review.request_changes(d.context, d.actor("rana"), "week/opening", "a typo"),
            "changes requested, not approved",
        ),
        (
            lambda d: review.withdraw(d.context, d.actor("amal"), "week/opening", ""),
            "changed or stopped in the meantime",
        ),
        (
            lambda d: hold.add_hold(
                d.context, d.actor("dima"), scope="kind", value="spotlight", reason="flood"
            ),
            "dima holds kind spotlight: flood",
        ),
        (
            lambda d: people.change_person(d.context, d.actor("noor"), "rana", active=False),
            "in review, not approved",
        ),
    ],
)
def test_people_stop_it_until_the_last_moment(
    ready: Desk, act: Callable[[Desk], object], told: str
) -> None:
    act(ready)

    assert told in reasons(ready)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE message SET body = :part_1_as_x", "changed behind the product's back"),
        ("UPDATE message SET body = :x", "cannot be read"),
        ("DELETE FROM message", "words are missing"),
        ("UPDATE delivery SET due_at = due_at - 1", "the new time awaits one approval"),
        ("UPDATE delivery SET not_after = not_after + 1", "the new time awaits one approval"),
        ("UPDATE delivery SET language = 'ar'", "it is written in en, not ar"),
        ("UPDATE part SET digest = 'x'", "its parts are not those that were approved"),
        ("DELETE FROM part WHERE number = 2", "its parts are not those that were approved"),
        ("UPDATE account SET native_id = 'mallory'", "is not the one that was approved"),
        ("UPDATE account SET server = 'https://evil.example'", "another network or server"),
        ("UPDATE account SET state = 'suspended'", "is suspended"),
        ("UPDATE approval SET person_id = 2", "awaits 1 approval"),
        ("UPDATE approval SET ended_at = 1", "awaits 1 approval"),
        ("UPDATE approval SET language = 'ar'", "awaits 1 approval"),
        ("UPDATE person SET roles = '[]'", "awaits 1 approval"),
        ("UPDATE person SET active = false", "awaits 1 approval"),
        ("UPDATE workspace SET policy = '{\"rules\": []}'", "no rule of the policy allows it"),
        ("UPDATE post SET state = 'in_review'", "in review, not approved"),
    ],
)
def test_tampering_with_the_database_is_seen_as_far_as_digests_reach(
    ready: Desk, statement: str, told: str
) -> None:
    tamper(ready, statement)

    assert told in reasons(ready)
    ready.tick()
    assert ready.wire.texts == []


def test_words_and_digest_changed_together_are_still_not_approved(ready: Desk) -> None:
    with ready.context.database.read() as tx:
        body = tx.execute(text("SELECT body FROM message")).scalar_one()
    forged = body.replace(b"part 1", b"part X")
    tamper(
        ready,
        "UPDATE message SET body = :body, digest = :digest",
        body=forged,
        digest=content_digest(forged),
    )

    assert "awaits 1 approval" in reasons(ready)


def test_every_reason_is_told_at_once(ready: Desk) -> None:
    hold.add_hold(ready.context, ready.actor("dima"), scope="kind", value="quote", reason="no")
    hold.add_hold(ready.context, ready.actor("dima"), scope="language", value="en", reason="no")

    found = look(ready, native_id="mallory", intact=set(), server="https://else.example")

    assert isinstance(found, Blocked)
    assert len(found.reasons) == 4
