"""Files: our own stylesheet and scripts, the pictures of posts, and a sign of life."""

from __future__ import annotations

import re

from fastapi import APIRouter, Request, Response
from starlette.responses import PlainTextResponse

from social_scheduler.errors import NotFound
from social_scheduler.media.headers import kind_of
from social_scheduler.web.view import desk_of

router = APIRouter()
TYPES = {
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
PICTURES = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
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
def picture(request: Request, sha256: str) -> Response:
    """The very bytes that would be uploaded; a changed file is not shown at all."""
    if not _SHA256.fullmatch(sha256):
        raise NotFound("There is no such picture.", "Go on from the first page.")
    try:
        with desk_of(request).context.media.verified_open(sha256) as file:
            content = file.read()
    except FileNotFoundError:
        raise NotFound("There is no such picture.", "Go on from the first page.") from None
    kind = kind_of(content)
    if kind not in PICTURES:
        raise NotFound("There is no such picture.", "Go on from the first page.")
    return Response(
        content,
        media_type=kind,
        headers={
            "Cache-Control": "private, max-age=3600, immutable",
            "Content-Disposition": "inline",
        },
    )


@router.get("/health")
def health() -> Response:
    """Answers while the process serves."""
    return PlainTextResponse("ok\n")
