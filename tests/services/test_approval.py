"""Whether a revision is approved: computed from the stored bytes and the people of today."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

from social_scheduler.message import Window
from social_scheduler.services.approval import LanguageVerdict, judge_revision
from social_scheduler.services.review import find_post
from social_scheduler.store import people as people_store
from social_scheduler.store import review as store
from tests.services.desk import MONDAY, Desk

BOTH = {"wire-en": "Good morning", "wire-ar": "صباح الخير"}


def judged(desk: Desk, **values: object) -> dict[str, LanguageVerdict]:
    with desk.context.database.read() as tx:
        _, revision = find_post(tx, "week/opening")
        return judge_revision(tx, revision, **values)  # type: ignore[arg-type]


def change(desk: Desk, name: str, **values: object) -> None:
    """Change a person behind the services' back: nothing is ended, only judged anew."""
    with desk.context.database.write() as tx:
        person = people_store.person_named(tx, name)
        assert person
        people_store.change_person(tx, person.id, **values)


def test_each_language_is_judged_by_itself(desk: Desk) -> None:
    desk.queue(desk.post(words=BOTH))
    desk.approve("week/opening", "tala", "en")

    verdicts = judged(desk)

    assert {k: v.verdict.enough for k, v in verdicts.items()} == {"en": True, "ar": False}
    assert verdicts["en"].accounts == ("wire-en",)
    assert [a.person for a in verdicts["en"].approvals] == ["tala"]
    assert verdicts["en"].content_digest != verdicts["ar"].content_digest
    assert verdicts["en"].window_digest == verdicts["ar"].window_digest


def test_another_window_than_the_revisions_is_not_approved(desk: Desk) -> None:
    desk.ready(desk.post())
    due = MONDAY + timedelta(hours=9)

    verdict = judged(desk, window=Window(due, due, due + timedelta(minutes=10)))["en"].verdict

    assert (verdict.words, verdict.window, verdict.enough) == (1, False, False)


def test_bytes_that_were_changed_have_no_approval(desk: Desk) -> None:
    desk.ready(desk.post())
    with desk.context.database.read() as tx:
        post, _ = find_post(tx, "week/opening")
        messages = store.messages_of(tx, post.id, 1)
    changed = [dataclasses.replace(m, body=m.body.replace(b"good", b"evil")) for m in messages]

    assert not judged(desk, messages=changed)["en"].verdict.enough


def test_an_approval_counts_while_its_giver_may_still_give_it(desk: Desk) -> None:
    desk.ready(desk.post())
    for values in ({"roles": ["duty"]}, {"languages": ["ar"]}, {"active": False}):
        assert judged(desk)["en"].verdict.enough

        change(desk, "rana", **values)
        assert not judged(desk)["en"].verdict.enough

        change(desk, "rana", roles=["reviewer"], languages=["en", "ar"], active=True)


def test_an_approval_by_somebody_who_became_an_author_does_not_count(desk: Desk) -> None:
    desk.ready(desk.post())
    with desk.context.database.write() as tx:
        _, revision = find_post(tx, "week/opening")
        revision.authors = [*revision.authors, desk.actor("rana").id]

    assert not judged(desk)["en"].verdict.enough
