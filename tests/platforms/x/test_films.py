"""Films and moving pictures reach the rehearsal network whole, and are looked at until ready."""

from __future__ import annotations

import io
import json
import socket
from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

import pytest

from social_scheduler.errors import NotSent, Refused
from social_scheduler.message import Attachment
from social_scheduler.platforms import Connection, Upload
from social_scheduler.platforms.x import PLATFORM as X
from social_scheduler.platforms.x import films as module
from tests.platforms.x.films import VTT, attachment, captions, film, moving_picture
from tests.platforms.x.wires import KEYS, NOW, Server, call, connect, reply, server
from tests.sandbox.running import Sandbox, SandboxAccount

pytestmark = pytest.mark.process


def hand_over(here: Connection, item: Attachment, *files: bytes) -> Upload:
    """Upload a film with what belongs to it."""
    shas = item.files
    return X.upload(here, item, {s: io.BytesIO(f) for s, f in zip(shas, files, strict=True)})


def until_ready(here: Connection, upload: Upload) -> list[Upload]:
    """Every look at it, the last one finding it ready."""
    looks = [upload]
    while not looks[-1].ready:
        looks.append(X.look_at_upload(here, looks[-1]))
    return looks


def test_a_film_is_worked_on_and_then_shown(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    data = film()
    item = attachment(data)
    first = hand_over(here, item, data)
    assert not first.ready
    day = datetime.now(UTC) + timedelta(hours=24)
    assert abs(first.expires_at - day) < timedelta(minutes=1)
    early = call("Too early", media=(item,), uploads=(first,), account=account.id)
    with pytest.raises(NotSent, match="not done with it"):
        X.publish(here, early)
    looks = until_ready(here, first)
    assert [look.ready for look in looks] == [False, False, True]
    said = call("Look", media=(item,), uploads=(looks[-1],), account=account.id)
    live = X.publish(here, said)
    (entry,) = [e for e in sandbox.ledger() if e.account == account.handle]
    assert [(m.sha256, m.kind, m.media_type) for m in entry.media] == [
        (item.sha256, "film", "video/mp4")
    ]
    found = X.read_back(here, live.remote_id)
    assert found is not None
    assert asdict(found) == asdict(X.as_seen(said))
    assert X.find(here, said, datetime.now(UTC), frozenset()) == live


def test_a_film_in_many_segments_arrives_byte_for_byte(
    sandbox: Sandbox,
    account: SandboxAccount,
    here: Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "SEGMENT", 700)
    data = film(2)
    assert len(data) > 2100
    item = attachment(data)
    ready = until_ready(here, hand_over(here, item, data))[-1]
    X.publish(here, call("Whole", media=(item,), uploads=(ready,), account=account.id))
    assert sandbox.ledger()[-1].media[0].sha256 == item.sha256


def test_captions_are_joined_once_the_film_is_ready(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    data = film()
    item = attachment(data, captions=captions())
    looks = until_ready(here, hand_over(here, item, data, VTT))
    assert json.loads(looks[0].remote_id)[2] == "AR"
    said = call("With captions", media=(item,), uploads=(looks[-1],), account=account.id)
    X.publish(here, said)
    media = sandbox.ledger()[-1].media[0]
    assert dict(media.captions) == {"ar": captions().sha256}


def test_captions_whose_joining_is_lost_are_joined_at_the_next_look(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    data = film()
    item = attachment(data, captions=captions())
    upload = X.look_at_upload(here, hand_over(here, item, data, VTT))
    sandbox.fault("answer_lost", account=account.handle, route="metadata")
    with pytest.raises(NotSent):
        X.look_at_upload(here, upload)
    ready = X.look_at_upload(here, upload)
    assert ready.ready
    X.publish(here, call("Joined", media=(item,), uploads=(ready,), account=account.id))
    assert dict(sandbox.ledger()[-1].media[0].captions) == {"ar": captions().sha256}


def test_a_moving_picture_has_its_alt_text(
    sandbox: Sandbox, account: SandboxAccount, here: Connection
) -> None:
    data = moving_picture()
    item = attachment(data, "image/gif", alt="خيوط حمراء تتحرك")
    ready = until_ready(here, hand_over(here, item, data))[-1]
    said = call("", media=(item,), uploads=(ready,), account=account.id)
    live = X.publish(here, said)
    (media,) = sandbox.ledger()[-1].media
    assert (media.kind, media.alt_text, media.sha256) == ("animation", item.alt, item.sha256)
    found = X.read_back(here, live.remote_id)
    assert found is not None
    assert asdict(found) == asdict(X.as_seen(said))


def test_what_is_no_film_is_refused_with_the_networks_reason(here: Connection) -> None:
    data = b"not a film at all"
    upload = X.look_at_upload(here, hand_over(here, attachment(data), data))
    with pytest.raises(Refused, match="InvalidMedia; The media type is not supported"):
        X.look_at_upload(here, upload)


def test_captions_that_are_none_are_refused(here: Connection) -> None:
    data, words = film(), b"no captions"
    with pytest.raises(Refused, match="X refused"):
        hand_over(here, attachment(data, captions=captions(words)), data, words)


def test_a_film_changed_since_it_was_approved_is_not_finished(here: Connection) -> None:
    item = attachment(film())
    with pytest.raises(Refused, match="approved"):
        X.upload(here, item, {item.sha256: io.BytesIO(film(2))})


def test_a_film_that_x_does_not_hold_any_more_is_refused(here: Connection) -> None:
    gone = Upload("a" * 64, "1", datetime.now(UTC) + timedelta(hours=1), ready=False)
    with pytest.raises(Refused, match="does not hold"):
        X.look_at_upload(here, gone)
    with pytest.raises(Refused, match="cannot be read"):
        X.look_at_upload(here, replace(gone, remote_id="../1"))


@pytest.mark.parametrize("fault", ["answer_lost", "error_after", "malformed", "error_before"])
def test_a_film_whose_hand_over_breaks_off_is_handed_over_again(
    sandbox: Sandbox, account: SandboxAccount, here: Connection, fault: str
) -> None:
    data = film()
    item = attachment(data)
    for request in range(3):  # initialize, append, finalize
        sandbox.fault(fault, account=account.handle, route="media", after=request)
        with pytest.raises(NotSent):
            hand_over(here, item, data)
        sandbox.clear_faults()
    ready = until_ready(here, hand_over(here, item, data))[-1]
    X.publish(here, call(f"After {fault}", media=(item,), uploads=(ready,), account=account.id))


def states(*told: object) -> Callable[[socket.socket, Server], None]:
    """A network that says these of a film's processing, one after another."""

    def behave(peer: socket.socket, it: Server) -> None:
        told_now = told[min(len(it.requests), len(told)) - 1]
        data: dict[str, object] = {"id": "77", "expires_after_secs": 60}
        if told_now is not None:
            data["processing_info"] = told_now
        peer.sendall(reply(200, json.dumps({"data": data}).encode()))

    return behave


HELD = Upload("a" * 64, "77", NOW + timedelta(hours=1), ready=False)


def test_no_word_of_processing_means_that_it_is_done() -> None:
    with server(states(None)) as on:
        assert X.look_at_upload(connect(on.url), HELD) == replace(HELD, ready=True)
    assert on.requests[0].startswith(b"GET /2/media/upload?command=STATUS&media_id=77 ")
    assert len(on.requests) == 1


@pytest.mark.parametrize("state", ["pending", "in_progress"])
def test_each_look_is_one_request(state: str) -> None:
    with server(states({"state": state, "check_after_secs": 600})) as on:
        assert X.look_at_upload(connect(on.url), HELD) == HELD
    assert len(on.requests) == 1


@pytest.mark.parametrize("said", [{"state": "dreaming"}, {}, {"state": None}])
def test_a_state_that_nobody_foresaw_is_looked_at_again(said: object) -> None:
    with server(states(said)) as on, pytest.raises(NotSent):
        X.look_at_upload(connect(on.url), HELD)


def test_a_networks_reason_holds_none_of_our_keys() -> None:
    key = KEYS["access_secret"]
    failed = {"state": "failed", "error": {"name": "InvalidMedia", "message": f"no {key}"}}
    with server(states(failed)) as on, pytest.raises(Refused) as caught:
        X.look_at_upload(connect(on.url), HELD)
    assert "InvalidMedia; no …" in str(caught.value)


def test_a_segment_answered_without_a_word_is_taken() -> None:
    def behave(peer: socket.socket, it: Server) -> None:
        silent = b"/append " in it.requests[-1].split(b"\r\n")[0]
        data = {"data": {"id": "77", "expires_after_secs": 60}}
        peer.sendall(reply(204, b"") if silent else reply(200, json.dumps(data).encode()))

    with server(behave) as on:
        upload = hand_over(connect(on.url), attachment(b"film"), b"film")
    assert (upload.remote_id, upload.ready) == ("77", True)
    assert [r.split(b" ")[1] for r in on.requests] == [
        b"/2/media/upload/initialize",
        b"/2/media/upload/77/append",
        b"/2/media/upload/77/finalize",
    ]
