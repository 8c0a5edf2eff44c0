"""Hands films over to Bluesky's video service, which makes them ready before the post is out.

Accounts on Bluesky's own servers go through it. Other servers are handed the film itself, and the
network prepares it once the post is there: for some seconds its readers see a picture of nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any, BinaryIO
from urllib.parse import urlsplit

from social_scheduler.errors import NotSent, Refused
from social_scheduler.message import Attachment
from social_scheduler.platforms import Connection
from social_scheduler.platforms.bluesky.outcomes import Answer
from social_scheduler.platforms.bluesky.wire import Line, Request

_SERVICE = "https://video.bsky.app"
_BLUESKYS_OWN = (".bsky.network", ".bsky.social")
_READ_TIMEOUT = 120.0
_PASS = timedelta(minutes=30)
_ALREADY = "already_exists"


def service_of(base_url: str) -> str | None:
    """The video service for accounts on a server; None where the server takes films itself."""
    host = f".{urlsplit(base_url).hostname or ''}"
    return _SERVICE if host.endswith(_BLUESKYS_OWN) else None


def patience(item: Attachment, connection: Connection) -> float:
    """Seconds to wait for an answer while it is handed over; a film takes its time."""
    given = connection.read_timeout
    return max(given, _READ_TIMEOUT) if item.type.startswith("video/") else given


def hand_over(line: Line, service: str, file: BinaryIO, film: Attachment) -> dict[str, Any]:
    """app.bsky.video.uploadVideo: the number of its work on the film, or the film made ready."""
    session = _who_and_where(line)
    name = f"{film.sha256[:16]}.mp4"
    request = Request(
        "app.bsky.video.uploadVideo", query={"did": session[0], "name": name}, file=file,
        kind=film.type,
    )  # fmt: skip
    with _line_to(line, service) as video:
        may = Request("app.bsky.video.getUploadLimits")
        limits = video.judged(video.send(may, _pass(line, f"did:web:{_host(service)}", may.method)))
        if limits.get("canUpload") is False:
            words = _words(limits)
            raise NotSent(f"Bluesky takes no film from this account now: {words}")
        token = _pass(line, f"did:web:{session[1]}", "com.atproto.repo.uploadBlob")
        answer = video.send(request, token)
        job = _job(answer)
        if answer.status == 409 and answer.problem == _ALREADY and job.get("jobId"):
            return _state(job)
        video.judged(answer)
        return _state(job)


def look_at(line: Line, service: str, job: str) -> dict[str, Any] | None:
    """app.bsky.video.getJobStatus: the film made ready; None while it is being worked on."""
    request = Request("app.bsky.video.getJobStatus", query={"jobId": job})
    with _line_to(line, service) as video:
        token = _pass(line, f"did:web:{_host(service)}", request.method)
        answer = video.send(request, token)
        video.judged(answer)
        blob = _state(_job(answer)).get("blob")
        return blob if isinstance(blob, dict) else None


def _state(job: dict[str, Any]) -> dict[str, Any]:
    if job.get("state") == "JOB_STATE_FAILED":
        raise Refused(
            f"Bluesky could not make the film ready: {_words(job)}",
            "Save it as MP4 with H.264 and AAC and queue it again.",
        )
    if isinstance(job.get("blob"), dict):
        return {"blob": job["blob"]}
    if not isinstance(job.get("jobId"), str):
        raise NotSent("Bluesky took the film but did not say what becomes of it.")
    return {"job": job["jobId"]}


def _words(said: dict[str, Any]) -> str:
    """What the service says of a film, on one line."""
    words = [said[name] for name in ("error", "message") if isinstance(said.get(name), str)]
    return " ".join("; ".join(words).split())[:300] or "no reason given"


def _job(answer: Answer) -> dict[str, Any]:
    """The state of the work; the service tells it with and without a name around it."""
    body = answer.json() or {}
    job = body.get("jobStatus")
    return job if isinstance(job, dict) else body


def _who_and_where(line: Line) -> tuple[str, str]:
    """The account's did, and the host of the very server that keeps it."""
    told = line.told(Request("com.atproto.server.getSession"))
    document = told.get("didDoc")
    services = document.get("service") if isinstance(document, dict) else None
    for service in services if isinstance(services, list) else ():
        if isinstance(service, dict) and str(service.get("id", "")).endswith("#atproto_pds"):
            return str(told.get("did")), _host(str(service.get("serviceEndpoint")))
    return str(told.get("did")), _host(line.base_url)


def _pass(line: Line, audience: str, method: str) -> str:
    """com.atproto.server.getServiceAuth: a token for one method of one service."""
    ends = line.now() + _PASS
    query = {"aud": audience, "lxm": method, "exp": str(int(ends.timestamp()))}
    token = line.told(Request("com.atproto.server.getServiceAuth", query=query)).get("token")
    if not isinstance(token, str) or not token:
        raise NotSent("Bluesky gave no pass to its video service.")
    return token


def _line_to(line: Line, service: str) -> Line:
    there = replace(line.connection, base_url=service, renewed=None)
    return Line(there, line.sessions, line.now)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
