"""Films: through Bluesky's video service where the account is on its servers, else to the server.

The service is played here by a script of its documented answers; the server is real where it says
so.
"""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest

from social_scheduler.errors import NotSent, Refused
from social_scheduler.message import Attachment, Captions
from social_scheduler.platforms import Connection, Upload
from social_scheduler.platforms.bluesky import PLATFORM, Bluesky, films, ids
from tests.pds import Pds, Person
from tests.platforms.bluesky.calls import DID, NOTHING, call, files
from tests.platforms.bluesky.test_sockets import KEYS, NOW
from tests.platforms.x.wires import Server, reply, server
from tests.sandbox.films import film

FILM = film(1280, 720, 12_000)
WORDS = "WEBVTT\n\n00:00.000 --> 00:02.000\nصباح الخير\n".encode()
ITEM = Attachment(
    sha256=sha256(FILM).hexdigest(),
    type="video/mp4",
    alt="A weaver speaks.",
    width=1280,
    height=720,
    milliseconds=12_000,
    captions=Captions(sha256=sha256(WORDS).hexdigest(), language="ar"),
)
MADE_READY = {
    "$type": "blob",
    "ref": {"$link": ids.file_cid("ab" * 32)},
    "mimeType": "video/mp4",
    "size": 4711,
}
WORKING = {"jobId": "job-1", "did": DID, "state": "JOB_STATE_ENCODING", "progress": 40}
DONE = {**WORKING, "state": "JOB_STATE_COMPLETED", "blob": MADE_READY}
FAILED = {**WORKING, "state": "JOB_STATE_FAILED", "error": "odd_codec", "message": "Not H.264"}


def answered(body: Any, status: int = 200) -> bytes:
    return reply(status, json.dumps(body).encode())


class Script:
    """The account's server and the video service at one address, by method."""

    def __init__(self, **changed: bytes) -> None:
        captions = {
            "$type": "blob",
            "ref": {"$link": ids.file_cid(sha256(WORDS).hexdigest())},
            "mimeType": "text/vtt",
            "size": len(WORDS),
        }
        service = {"id": "#atproto_pds", "serviceEndpoint": "https://morel.host.bsky.network"}
        self.answers = {
            "uploadBlob": answered({"blob": captions}),
            "getSession": answered({"did": DID, "didDoc": {"service": [service]}}),
            "getServiceAuth": answered({"token": "CANARY-pass"}),
            "getUploadLimits": answered({"canUpload": True}),
            "uploadVideo": answered(WORKING),
            "getJobStatus": answered({"jobStatus": WORKING}),
            **changed,
        }

    def __call__(self, peer: socket.socket, it: Server) -> None:
        peer.sendall(self.answers[asked(it)[-1]])


def asked(it: Server) -> list[str]:
    """The methods, in order."""
    lines = [request.split(b" ", 2)[1].decode() for request in it.requests]
    return [line.partition("?")[0].rpartition(".")[2] for line in lines]


def bluesky(it: Server) -> Bluesky:
    return Bluesky(lambda: NOW, video_service=lambda _: it.url)


def hand_over(it: Server) -> Upload:
    return bluesky(it).upload(Connection(it.url, KEYS), ITEM, files(FILM, WORDS))


def test_only_blueskys_own_servers_go_through_its_service() -> None:
    service = "https://video.bsky.app"
    assert films.service_of("https://bsky.social") == service
    assert films.service_of("https://morel.us-east.host.bsky.network") == service
    for other in ("https://pds.example.org", "https://notbsky.social", "http://127.0.0.1:1"):
        assert films.service_of(other) is None


def test_a_film_is_handed_to_the_service_with_a_pass_and_looked_at_until_it_is_ready() -> None:
    script = Script()
    with server(script) as it:
        held = hand_over(it)
        assert not held.ready
        assert asked(it) == [
            "uploadBlob", "getSession", "getServiceAuth", "getUploadLimits", "getServiceAuth",
            "uploadVideo",
        ]  # fmt: skip
        passes = [request.split(b" ", 2)[1] for request in it.requests if b"Auth?" in request]
        assert b"aud=did%3Aweb%3Amorel.host.bsky.network" in passes[1]
        assert b"lxm=com.atproto.repo.uploadBlob" in passes[1]
        head, _, sent = it.requests[-1].partition(b"\r\n\r\n")
        assert f"did={DID.replace(':', '%3A')}".encode() in head
        assert b"Authorization: Bearer CANARY-pass" in head
        assert sent == FILM
        assert bluesky(it).look_at_upload(Connection(it.url, KEYS), held) == held
        script.answers["getJobStatus"] = answered({"jobStatus": DONE})
        ready = bluesky(it).look_at_upload(Connection(it.url, KEYS), held)
    assert ready.ready
    assert json.loads(ready.remote_id)["blob"] == MADE_READY
    assert json.loads(ready.remote_id)["captions"][0][0] == "ar"


def test_a_film_the_service_has_already_is_ready_at_once() -> None:
    known = {**DONE, "error": "already_exists", "message": "Video already processed"}
    for body, status in ((DONE, 200), ({"jobStatus": DONE}, 200), (known, 409)):
        with server(Script(uploadVideo=answered(body, status))) as it:
            assert hand_over(it).ready


def test_a_film_the_service_cannot_read_is_refused() -> None:
    bad = Script(uploadVideo=answered(FAILED))
    with server(bad) as it, pytest.raises(Refused, match=r"odd_codec; Not H\.264"):
        hand_over(it)
    script = Script(getJobStatus=answered({"jobStatus": FAILED}))
    with server(script) as it:
        held = hand_over(it)
        with pytest.raises(Refused, match="odd_codec"):
            bluesky(it).look_at_upload(Connection(it.url, KEYS), held)


@pytest.mark.parametrize(
    "changed",
    [
        {"getUploadLimits": answered({"canUpload": False, "message": "Daily limit"})},
        {"getUploadLimits": answered({"error": "Down"}, 503)},
        {"getServiceAuth": answered({})},
        {"uploadVideo": answered({})},
        {"uploadVideo": reply(502, b"<html>")},
    ],
    ids=str,
)
def test_trouble_with_the_service_is_tried_again_later(changed: dict[str, bytes]) -> None:
    with server(Script(**changed)) as it, pytest.raises(NotSent):
        hand_over(it)


def test_nothing_is_looked_at_that_nobody_works_on() -> None:
    upload = Upload(ITEM.sha256, "nonsense", NOW, ready=False)
    with server(Script()) as it, pytest.raises(Refused, match="no film"):
        bluesky(it).look_at_upload(Connection(it.url, KEYS), upload)


@pytest.mark.pds
def test_a_server_of_its_own_takes_the_film_itself(
    pds: Pds, person: Person, here: Connection, due: datetime
) -> None:
    held = PLATFORM.upload(here, ITEM, files(FILM, WORDS))
    assert held.ready
    assert held.expires_at > datetime.now(UTC)
    said = call("Watch", account=person.did, media={1: [ITEM]}, uploads=[held], due_at=due)
    live = PLATFORM.publish(here, said)
    embed = pds.records(person)[0]["value"]["embed"]
    assert embed["video"]["ref"]["$link"] == ids.file_cid(ITEM.sha256)
    assert embed["aspectRatio"] == {"width": 1280, "height": 720}
    assert [each["lang"] for each in embed["captions"]] == ["ar"]
    seen = PLATFORM.read_back(here, live.remote_id)
    assert seen is not None
    assert seen.differences(PLATFORM.as_seen(said)) == []
    assert (seen.media_count, seen.alt_texts) == (1, ("A weaver speaks.",))
    assert PLATFORM.find(here, replace(said, uploads=()), due, NOTHING) == live
