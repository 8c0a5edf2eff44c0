"""A round of the watchdog: told once across restarts, and again to whoever did not take it."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from social_scheduler.alarms import Bell, Notice
from social_scheduler.alarms.mail import Mail
from social_scheduler.alarms.memory import Memory
from social_scheduler.alarms.webhook import Webhook
from social_scheduler.lifecycle import DeliveryState
from social_scheduler.services.watch_round import Watch
from tests.alarms.servers import post_office, receiver, trust
from tests.services.floor import Floor, minutes

KEY = b"thirty-two bytes, more or less.."


@dataclass
class Shift:
    """A watchdog on one floor; `restarted` is the next one, which knows only the file."""

    floor: Floor
    bells: list[Bell] = field(default_factory=list)
    said: list[Notice] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def restarted(self) -> Watch:
        """A new process."""
        began = self.floor.now
        return Watch(
            open_database=self.floor.read_only,
            clock=self.floor.clock,
            monotonic=lambda: (self.floor.now - began).total_seconds(),
            name="newsroom",
            memory=Memory(self.floor.file.with_name("watch.json")),
            bells=self.bells,
            told=self.said.append,
            troubled=self.troubles.append,
        )

    def causes(self) -> list[list[str]]:
        """What was new in each notice so far, by its first word."""
        return [[a.cause.split("/")[0] for a in notice.new] for notice in self.said]


class Broken:
    """A way out with a mistake in it."""

    name = "broken"

    def ring(self, notice: Notice, now: datetime) -> str:
        raise ZeroDivisionError


@pytest.fixture
def shift(tmp_path: Path) -> Iterator[Shift]:
    """A floor on which one post has failed."""
    floor = Floor(tmp_path)
    floor.post("opening", state=DeliveryState.FAILED)
    yield Shift(floor)
    floor.database.close()


def test_one_cause_is_told_once_also_after_a_restart(shift: Shift) -> None:
    watch = shift.restarted()
    watch.round()
    watch.round()
    shift.restarted().round()

    assert shift.causes() == [["failed"]]
    assert shift.said[0].workspace == "REHEARSAL newsroom"


def test_what_ended_while_nobody_watched_is_told_by_the_next_watch(shift: Shift) -> None:
    shift.restarted().round()
    shift.floor.step(1, DeliveryState.PUBLISHED)

    shift.restarted().round()
    shift.restarted().round()

    assert [[o.became for o in n.over] for n in shift.said] == [[], ["it is published"]]


def test_the_alarm_and_its_end_reach_a_verifying_receiver_and_a_mailbox(shift: Shift) -> None:
    with receiver() as at, post_office() as office:
        mail = Mail("localhost", office.port, sender="w@x.org", to=["d@x.org"], trust=trust())
        shift.bells += [Webhook(at.url, KEY), mail]
        watch = shift.restarted()
        watch.round()
        watch.round()
        shift.floor.step(1, DeliveryState.CANCELLED)
        watch.round()

    assert [m["Subject"].split(" ")[2] for m in office.mails] == ["ALARM:", "over:"]
    bodies = [json.loads(r.body)["data"] for r in at.requests]
    assert [(len(b["new"]), len(b["over"])) for b in bodies] == [(1, 0), (0, 1)]
    for request in at.requests:
        headers = request.headers
        content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
        digest = base64.b64encode(hmac.digest(KEY, content, "sha256")).decode()
        assert headers["webhook-signature"] == f"v1,{digest}"
    assert len({r.headers["webhook-id"] for r in at.requests}) == 2


def test_what_was_not_taken_is_told_again_under_the_same_id_and_only_there(shift: Shift) -> None:
    with receiver() as at, post_office() as office:
        mail = Mail("localhost", office.port, sender="w@x.org", to=["d@x.org"], trust=trust())
        shift.bells += [Webhook(at.url, KEY), mail]
        at.script = [500, 503]
        shift.restarted().round()
        shift.restarted().round()  # also across a restart
        shift.restarted().round()
        shift.restarted().round()

    assert [r.headers["webhook-id"] for r in at.requests] == [shift.said[0].id] * 3
    assert len(office.mails) == 1
    assert [t.split(": ")[1] for t in shift.troubles] == [
        "127.0.0.1 answered 500",
        "127.0.0.1 answered 503",
    ]


def test_news_waits_behind_what_was_not_taken_and_comes_in_order(shift: Shift) -> None:
    with receiver() as at:
        shift.bells.append(Webhook(at.url, KEY))
        at.script = [500, 500]
        watch = shift.restarted()
        watch.round()
        shift.floor.step(1, DeliveryState.CANCELLED)
        watch.round()
        watch.round()

    assert [r.headers["webhook-id"] for r in at.requests] == [
        *[shift.said[0].id] * 3,
        shift.said[1].id,
    ]


def test_a_way_out_that_breaks_keeps_nobody_else_from_hearing(
    shift: Shift, caplog: pytest.LogCaptureFixture
) -> None:
    with receiver() as at:
        shift.bells += [Broken(), Webhook(at.url, KEY)]
        shift.restarted().round()

    assert len(at.requests) == 1
    assert "ZeroDivisionError" in shift.troubles[0]
    assert "broken failed" in caplog.text


def test_a_database_that_is_gone_is_told_and_so_is_its_return(shift: Shift) -> None:
    watch = shift.restarted()
    watch.round()
    away = shift.floor.file.with_name("away")
    shift.floor.file.rename(away)
    watch.round()
    watch.round()
    assert not shift.floor.file.exists(), "the watch makes no database"
    away.rename(shift.floor.file)
    watch.round()

    assert shift.causes() == [["failed"], ["database"], []]
    assert shift.said[1].workspace == "REHEARSAL newsroom"
    assert [o.alarm.cause for o in shift.said[2].over] == ["database"]


def test_a_damaged_database_is_told(shift: Shift) -> None:
    shift.floor.database.close()
    shift.floor.file.write_bytes(b"no database " * 1000)

    shift.restarted().round()

    assert shift.causes() == [["database"]]
    assert "damaged" in shift.said[0].new[0].why


def test_a_spoilt_memory_is_told_and_the_alarms_come_once_more(shift: Shift) -> None:
    shift.restarted().round()
    shift.floor.file.with_name("watch.json").write_text("{", encoding="utf-8")

    shift.restarted().round()

    assert shift.causes() == [["failed"], ["failed"]]
    assert "told once more" in shift.troubles[0]


def test_a_memory_that_cannot_be_written_keeps_no_alarm_back(shift: Shift) -> None:
    shift.floor.file.with_name("watch.json").mkdir()  # as good as a full disk
    watch = shift.restarted()

    watch.round()
    watch.round()

    assert shift.causes() == [["failed"]]
    assert any("cannot be written" in t for t in shift.troubles)


def test_a_check_alone_tells_nobody_and_remembers_nothing(shift: Shift) -> None:
    judgement, _ = shift.restarted().check()

    assert [a.cause.split("/")[0] for a in judgement.new] == ["failed"]
    assert shift.said == []
    assert not shift.floor.file.with_name("watch.json").exists()


def test_a_clock_that_jumps_between_two_rounds_is_told(shift: Shift) -> None:
    watch = shift.restarted()
    watch.round()
    watch.monotonic = lambda: 10
    shift.floor.now += minutes(60)

    watch.round()

    assert shift.causes() == [["failed"], ["clock"]]
