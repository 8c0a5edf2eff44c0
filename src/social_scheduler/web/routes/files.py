"""Files: our own stylesheet and scripts, the pictures and films of posts, and a sign of life."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from typing import BinaryIO

from fastapi import APIRouter, Request, Response
from starlette.background import BackgroundTask
from starlette.responses import PlainTextResponse, StreamingResponse

from social_scheduler.errors import NotFound
from social_scheduler.media import MediaError
from social_scheduler.media.headers import MP4, PICTURES, SNIFFED, VTT, kind_of
from social_scheduler.web.view import desk_of

router = APIRouter()
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
SHOWN = {kind: kind for kind in (*PICTURES, MP4)} | {VTT: "text/vtt; charset=utf-8"}
"""What is shown of the kept files, and as what."""
_CHUNK = 1 << 18
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@router.get("/static/{name:path}")
def static(request: Request, name: str) -> Response:
    """One of our own files, named in view.STATIC."""
    asset = desk_of(request).assets.get(name)
    if asset is None:
        return PlainTextResponse("There is no such file.", 404)
    fresh = request.query_params.get("v") == asset.version
    return Response(
        asset.content,
        media_type=TYPES[name.rsplit(".", 1)[-1]],
        headers={
            "Cache-Control": "public, max-age=31536000, immutable" if fresh else "no-cache",
            "ETag": f'"{asset.version}"',
        },
    )


@router.get("/media/{sha256}")
def media(request: Request, sha256: str) -> Response:
    """The very bytes that would be uploaded, also in pieces; a changed file is not shown at all."""
    return _shown(request, sha256)


@router.get("/media/{sha256}/poster")
def poster(request: Request, sha256: str) -> Response:
    """A still picture of a film, to stand where the film has not begun to play."""
    with _found(request, sha256) as film:
        if kind_of(film.read(SNIFFED)) != MP4:
            raise _missing()
    try:
        still = desk_of(request).context.media.poster(sha256)
    except MediaError:
        raise _missing() from None
    return _shown(request, still)


def _shown(request: Request, sha256: str) -> Response:
    file = _found(request, sha256)
    kind = SHOWN.get(kind_of(file.read(SNIFFED)) or "")
    size = file.seek(0, os.SEEK_END)
    asked = _RANGE.fullmatch(request.headers.get("range", ""))
    first, end = _piece(asked[1], asked[2], size) if asked else (0, size)
    if kind is None:
        file.close()
        raise _missing()
    if asked and first >= end:
        file.close()
        return Response(status_code=416, headers={"Content-Range": f"bytes */{size}"})
    headers = {
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, max-age=3600, immutable",
        "Content-Disposition": "inline",
        "Content-Length": str(end - first),
        "Content-Type": kind,
    }
    if asked:
        headers["Content-Range"] = f"bytes {first}-{end - 1}/{size}"
    return StreamingResponse(
        _pieces(file, first, end),
        status_code=206 if asked else 200,
        headers=headers,
        background=BackgroundTask(file.close),
    )


def _found(request: Request, sha256: str) -> BinaryIO:
    if not _SHA256.fullmatch(sha256):
        raise _missing()
    try:
        return desk_of(request).context.media.shown(sha256)
    except FileNotFoundError:
        raise _missing() from None


def _piece(first: str, last: str, size: int) -> tuple[int, int]:
    """First byte and the one after the last; nothing in between when there are no such bytes."""
    if not first:
        return max(0, size - int(last or 0)), size
    return int(first), min(size, int(last) + 1 if last else size)


def _pieces(file: BinaryIO, first: int, end: int) -> Iterator[bytes]:
    with file:
        file.seek(first)
        while first < end and (chunk := file.read(min(_CHUNK, end - first))):
            first += len(chunk)
            yield chunk


def _missing() -> NotFound:
    return NotFound("There is no such picture.", "Go on from the first page.")


@router.get("/health")
def health() -> Response:
    """Answers while the process serves."""
    return PlainTextResponse("ok\n")
