"""Connecting accounts: whose keys they are, and where a workspace may send at all."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import ValidationError

from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.errors import Conflict, InvalidInput, NotAllowed, NotFound, Unauthorized
from social_scheduler.lifecycle import DeliveryState as D
from social_scheduler.platforms import discover
from social_scheduler.services import accounts as service
from social_scheduler.services.connect import begin_with_keys, look_at
from social_scheduler.services.connect_ask import Asker, ask_waiting
from social_scheduler.store import accounts as store
from social_scheduler.store.tables import AccountState
from tests.services.desk import SANDBOX, Desk, whose


def entry(name: str = "wire-fr", **values: str) -> AccountEntry:
    return AccountEntry.model_validate(
        {"name": name, "platform": "wire", "handle": "handle_77", "language": "fr", **values}
    )


def connect(desk: Desk, one: AccountEntry | None = None, key: str = "77", by: str = "noor") -> None:
    service.connect_account(desk.context, desk.actor(by), one or entry(), {"token": key})


def test_an_account_is_who_the_network_says_its_keys_are(desk: Desk) -> None:
    connect(desk)

    speaker = service.speakers(desk.context)["wire-fr"]
    assert (speaker.native_id, speaker.server, speaker.language) == ("77", SANDBOX, "fr")
    assert desk.context.vault.get(whose("wire-fr")) == {"token": "77"}
    assert desk.history()[-1].step == "connect_account"


def test_only_an_admin_connects(desk: Desk) -> None:
    for name in ("amal", "rana", "dima"):
        with pytest.raises(NotAllowed):
            connect(desk, by=name)
    assert desk.wire.calls == []


def test_keys_of_another_handle_are_refused_and_not_kept(desk: Desk) -> None:
    with pytest.raises(Conflict, match="keys belong to handle_88"):
        connect(desk, key="88")
    with pytest.raises(NotFound):
        desk.context.vault.get(whose("wire-fr"))


def test_case_and_an_at_sign_do_not_make_another_handle(desk: Desk) -> None:
    connect(desk, entry(handle="@Handle_77"))
    assert service.speakers(desk.context)["wire-fr"].handle == "Handle_77"


class TestDisconnecting:
    def test_nothing_goes_out_and_what_is_queued_waits_until_it_is_connected_again(
        self, desk: Desk
    ) -> None:
        desk.ready(desk.post())

        assert service.disconnect_account(
            desk.context, desk.actor("noor"), "wire-en"
        ) == service.LeftWaiting(own=1, bound=0)
        desk.tick()

        assert desk.state() is D.SCHEDULED
        assert "publish" not in str(desk.wire.calls)
        assert desk.history()[-1].step == "disconnect_account"
        with pytest.raises(NotFound, match="no keys for wire-en"):
            desk.context.vault.get(whose("wire-en"))

        desk.wire.handle = "handle_id-wire-en"
        same = entry("wire-en", language="en", handle="handle_id-wire-en")
        connect(desk, same, key="id-wire-en")
        desk.clock.forward(seconds=30)
        desk.tick()
        assert desk.state() is D.PUBLISHED

    def test_what_goes_out_together_with_its_posts_is_counted(self, desk: Desk) -> None:
        post = desk.post(words={"wire-en": "Good morning", "wire-ar": "صباح الخير"})
        desk.ready(dataclasses.replace(post, release="together"))

        waiting = service.disconnect_account(desk.context, desk.actor("noor"), "wire-ar")

        assert waiting == service.LeftWaiting(own=1, bound=1)

    def test_only_an_admin_does_it(self, desk: Desk) -> None:
        for name in ("amal", "rana", "dima"):
            with pytest.raises(NotAllowed):
                service.disconnect_account(desk.context, desk.actor(name), "wire-en")
        assert desk.context.vault.get(whose("wire-en"))

    def test_an_account_that_is_not_there_is_told(self, desk: Desk) -> None:
        with pytest.raises(NotFound, match="is not connected"):
            service.disconnect_account(desk.context, desk.actor("noor"), "wire-xx")

    def test_an_attempt_to_connect_it_ends_with_it(self, desk: Desk) -> None:
        connect(desk)
        number = begin_with_keys(desk.context, desk.actor("noor"), entry(), {"token": "77"})

        service.disconnect_account(desk.context, desk.actor("noor"), "wire-fr")

        assert ask_waiting(desk.context, Asker("worker")) == 0
        assert look_at(desk.context, desk.actor("noor"), number).state == "failed"


def test_missing_keys_are_named(desk: Desk) -> None:
    with pytest.raises(InvalidInput, match="needs the key token"):
        connect(desk, key=" ")


def test_a_platform_that_is_not_there_is_told(desk: Desk) -> None:
    with pytest.raises(NotFound, match=r"no platform 'smoke'.*Use one of: wire"):
        connect(desk, entry(platform="smoke"))


def test_connecting_again_ends_a_suspension(desk: Desk) -> None:
    desk.ready(desk.post())
    desk.wire.script = [Unauthorized("withdrawn")]
    desk.tick()
    assert desk.looked().account.state is AccountState.SUSPENDED

    desk.wire.handle = "handle_id-wire-en"
    same = entry("wire-en", language="en", handle="handle_id-wire-en")
    connect(desk, same, key="id-wire-en")
    desk.clock.forward(seconds=30)
    desk.tick()

    assert desk.state() is D.PUBLISHED


def test_an_account_does_not_become_another_while_something_is_open(desk: Desk) -> None:
    desk.queue(desk.post())
    other = entry("wire-en", language="en", handle="handle_77")

    with pytest.raises(Conflict, match="1 deliveries"):
        connect(desk, other)
    assert desk.looked().account.native_id == "id-wire-en"
    assert desk.context.vault.get(whose("wire-en")) == {"token": "id-wire-en"}


class TestWhereAWorkspaceMaySend:
    @pytest.mark.parametrize(
        "server",
        [
            "https://api.x.com",
            "http://127.0.0.1:9999",
            "http://127.0.0.1:8640.evil.example",
            "http://127.0.0.1:8640@evil.example",
            "",
        ],
    )
    def test_a_rehearsal_sends_to_its_sandbox_only(self, desk: Desk, server: str) -> None:
        assert service.allowed_server(desk.context, "wire", SANDBOX) == SANDBOX
        with pytest.raises(NotAllowed, match="rehearsal workspace"):
            service.allowed_server(desk.context, "wire", server)

    def test_a_sandbox_is_on_this_machine_whatever_the_settings_say(self, desk: Desk) -> None:
        context = dataclasses.replace(desk.context, sandbox_url="https://api.x.com")
        with pytest.raises(NotAllowed):
            service.allowed_server(context, "wire", "https://api.x.com")

    @pytest.mark.parametrize(
        "server", [SANDBOX, "http://localhost:1", "https://127.0.0.1", "http://[::1]:8640"]
    )
    def test_a_live_workspace_never_sends_to_this_machine(self, desk: Desk, server: str) -> None:
        live = dataclasses.replace(desk.context, kind="live")
        with pytest.raises(NotAllowed, match="live workspace"):
            service.allowed_server(live, "wire", server)

    def test_a_live_workspace_sends_over_https_only(self, desk: Desk) -> None:
        live = dataclasses.replace(desk.context, kind="live")

        with pytest.raises(NotAllowed, match="not an https address"):
            service.allowed_server(live, "wire", "http://api.x.com")
        assert service.allowed_server(live, "wire", "https://wire.example")
        assert service.server_for(live, entry()) == "https://wire.example"

    def test_keys_of_a_network_that_has_one_address_go_there_alone(self, desk: Desk) -> None:
        live = dataclasses.replace(desk.context, kind="live")
        evil = entry(server="https://evil.example")

        with pytest.raises(NotAllowed, match=r"Wire is at https://wire\.example.*Leave `server`"):
            service.connect_account(live, desk.actor("noor"), evil, {"token": "77"})
        assert desk.wire.calls == []

        desk.wire.many_servers = True
        allowed = service.allowed_server(live, "wire", "https://evil.example")
        assert allowed == "https://evil.example"

    def test_of_our_networks_two_have_servers_of_their_own(self) -> None:
        many = {name for name, platform in discover().items() if platform.many_servers}
        assert many == {"mastodon", "bluesky"}

    def test_an_account_whose_server_was_changed_is_not_spoken_through(self, desk: Desk) -> None:
        desk.ready(desk.post())
        desk.account("wire-en", "en", server="https://evil.example")

        desk.tick()

        assert desk.wire.calls == []
        assert "does not send to https://evil.example" in desk.trouble()


def test_an_account_may_keep_a_distance_between_its_posts(desk: Desk) -> None:
    connect(desk, entry(spacing="2 minutes"))

    with desk.context.database.read() as tx:
        account = store.account_named(tx, "wire-fr")
    assert account is not None
    assert account.spacing == 120


def test_a_distance_is_a_duration() -> None:
    with pytest.raises(ValidationError):
        entry(spacing="a while")
