"""What the networks say of accounts when they are asked, and what people are warned of."""

from __future__ import annotations

from datetime import timedelta

import pytest

from social_scheduler.alarms import Alarm
from social_scheduler.errors import NotAllowed, NotFound, NotSent, Unauthorized, WorkspaceError
from social_scheduler.platforms import Identity
from social_scheduler.services import watch
from social_scheduler.services.connect_ask import Asker
from social_scheduler.services.keys_check import Checked, check_accounts
from social_scheduler.services.keys_end import level_of
from social_scheduler.store import accounts as account_store
from social_scheduler.store.tables import AccountState
from tests.services.desk import MONDAY, Desk

DAY = timedelta(days=1)


def check(desk: Desk, *names: str, by: str = "noor") -> dict[str, Checked]:
    found = check_accounts(desk.context, desk.actor(by), names, Asker(by))
    return {one.account: one for one in found}


def set_account(desk: Desk, name: str = "wire-en", **values: object) -> None:
    with desk.context.database.write() as tx:
        found = account_store.account_named(tx, name)
        assert found is not None
        for key, value in values.items():
            setattr(found, key, value)


def tells(desk: Desk, identity: Identity) -> None:
    desk.wire.identify = lambda connection: identity  # type: ignore[method-assign]


class TestACheck:
    def test_tells_what_the_network_tells_and_keeps_it(self, desk: Desk) -> None:
        ends = MONDAY + 60 * DAY
        tells(desk, Identity("id-wire-en", "wire_en", {"text": 4000}, ("write",), ends))

        told = check(desk, "wire-en")["wire-en"]

        assert (told.handle, told.scopes, told.told) == ("wire_en", ["write"], {"text": 4000})
        assert (told.ends_at, told.problems) == (ends, [])
        kept = desk.looked_account("wire-en")
        assert (kept.told, kept.scopes, kept.ends_at) == ({"text": 4000}, ["write"], ends)

    def test_asks_about_every_account(self, desk: Desk) -> None:
        assert set(check(desk)) == {"wire-en", "wire-ar"}

    def test_is_for_admins_and_connected_accounts(self, desk: Desk) -> None:
        with pytest.raises(NotAllowed):
            check(desk, by="rana")
        with pytest.raises(NotFound, match="accounts connect wire-fr"):
            check(desk, "wire-fr")

    def test_needs_the_workers_key(self, desk: Desk) -> None:
        desk.context.vault.folder.path.unlink()

        with pytest.raises(WorkspaceError, match=r"worker\.key is missing"):
            check(desk)

    def test_keys_that_are_not_accepted_suspend_the_account(self, desk: Desk) -> None:
        desk.wire.troubles = {"identify": [Unauthorized("The token was withdrawn.")]}

        assert check(desk, "wire-en")["wire-en"].problems == ["The token was withdrawn."]
        found = desk.looked_account("wire-en")
        assert (found.state, found.trouble) == (
            AccountState.SUSPENDED,
            "The token was withdrawn.",
        )
        assert desk.history()[-1].who == "noor"

    def test_a_network_that_does_not_answer_suspends_nothing(self, desk: Desk) -> None:
        desk.wire.troubles = {"identify": [NotSent("No answer.")]}

        assert check(desk, "wire-en")["wire-en"].problems == ["No answer."]
        assert desk.looked_account("wire-en").state is AccountState.CONNECTED

    def test_keys_of_another_account_are_told(self, desk: Desk) -> None:
        tells(desk, Identity("99", "somebody"))

        (problem,) = check(desk, "wire-en")["wire-en"].problems

        assert "keys are those of somebody (99), not of id-wire-en" in problem

    def test_a_suspension_stays_until_somebody_connects(self, desk: Desk) -> None:
        set_account(desk, state=AccountState.SUSPENDED, trouble="401")

        (problem,) = check(desk, "wire-en")["wire-en"].problems

        assert problem.startswith("It is suspended (401), though the network accepts its keys.")
        assert desk.looked_account("wire-en").state is AccountState.SUSPENDED

    def test_an_end_that_is_near_and_what_is_queued_for_after_it_are_told(self, desk: Desk) -> None:
        desk.queue(desk.post(due=MONDAY + 9 * DAY))
        tells(desk, Identity("id-wire-en", "wire_en", ends_at=MONDAY + 6 * DAY))

        problems = check(desk, "wire-en")["wire-en"].problems

        assert problems == [
            "Its keys end 2027-01-17 07:00 UTC. Connect it again: social-scheduler accounts "
            "connect wire-en.",
            "Queued for after that: 1, the first for 2027-01-20 07:00 UTC.",
        ]


@pytest.mark.parametrize(
    ("left", "level"),
    [
        (15 * DAY, None),
        (14 * DAY + timedelta(seconds=1), None),
        (14 * DAY, 14),
        (7 * DAY + timedelta(seconds=1), 14),
        (7 * DAY, 7),
        (DAY, 1),
        (timedelta(seconds=1), 1),
        (timedelta(), 0),
        (-DAY, 0),
    ],
)
def test_people_are_warned_14_7_and_1_days_before_and_at_the_end(
    left: timedelta, level: int | None
) -> None:
    assert level_of(MONDAY + left, MONDAY) == level


class Watched:
    """A watchdog that looks at the desk from time to time."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.standing: dict[str, Alarm] = {}

    def look(self) -> watch.Judgement:
        now = self.desk.clock()
        facts = watch.look(self.desk.context.database, self.desk.clock, self.standing)
        found = watch.judge(facts, now, self.standing)
        self.standing = dict(found.standing)
        return found


class TestTheWatchdog:
    def test_says_each_nearness_once_and_nothing_in_between(self, desk: Desk) -> None:
        set_account(desk, ends_at=MONDAY + 20 * DAY)
        watched, news = Watched(desk), []
        for _ in range(22):
            found = watched.look()
            news += [alarm.cause for alarm in found.new]
            assert found.over == ()
            desk.clock.forward(hours=24)

        assert news == ["keys/wire-en/14", "keys/wire-en/7", "keys/wire-en/1", "keys/wire-en/0"]
        (alarm,) = watched.standing.values()
        assert "have ended: nothing can be said" in alarm.what
        assert "accounts connect wire-en" in alarm.remedy

    def test_is_quiet_once_the_account_is_connected_again(self, desk: Desk) -> None:
        set_account(desk, ends_at=MONDAY + 3 * DAY)
        watched = Watched(desk)
        assert [a.what for a in watched.look().new] == ["the keys of wire-en end in 3 days"]

        set_account(desk, ends_at=MONDAY + 90 * DAY)

        found = watched.look()
        assert [over.became for over in found.over] == ["it is in order again"]
        assert found.standing == {}

    def test_says_what_is_queued_for_after_the_end(self, desk: Desk) -> None:
        desk.queue(desk.post("one", due=MONDAY + 40 * DAY), desk.post("two", due=MONDAY + 50 * DAY))
        set_account(desk, ends_at=MONDAY + 30 * DAY)

        (alarm,) = Watched(desk).look().new

        assert alarm.what == "2 queued posts are due after the keys of wire-en end"
        assert alarm.why == ("they end 2027-02-10 07:00 UTC; the first is due 2027-02-20 07:00 UTC")

    def test_knows_of_no_end_that_no_network_told(self, desk: Desk) -> None:
        desk.queue(desk.post(due=MONDAY + 400 * DAY))

        assert Watched(desk).look().new == ()
