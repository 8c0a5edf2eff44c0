"""Mastodon's API for media: hand over, wait while a film is worked on, describe."""

from __future__ import annotations

import io
import warnings

from PIL import Image

from . import films, uploads
from . import mastodon_shapes as shapes
from .gate import Answer, Call
from .mastodon_problems import invalid, missing, refused
from .mastodon_statuses import given
from .pictures import NotAPicture, Picture
from .uploads import PROCESSING, Upload

IMAGE_BYTES, IMAGE_AREA = 16 * 1024 * 1024, 33_177_600
FILM_BYTES, FILM_AREA = 99 * 1024 * 1024, 8_294_400
MAX_DESCRIPTION = 1500
TYPES = ("image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "video/quicktime")
_FORMATS = {"JPEG": "image/jpeg", "PNG": "image/png", "GIF": "image/gif", "WEBP": "image/webp"}


def upload(call: Call) -> Answer:
    """POST /api/v2/media: 202 and no address while the server works on it."""
    found = _taken(call)
    ready = found.ready(call.ledger.clock())
    return (200 if ready else 202), shapes.upload(found, call.base, ready=ready)


def upload_and_wait(call: Call) -> Answer:
    """POST /api/v1/media: answers when the work is done."""
    found = _taken(call, at_once=True)
    return 200, shapes.upload(found, call.base, ready=True)


def look(call: Call) -> Answer:
    """GET /api/v1/media/:id: 206 while the server works on it."""
    found = _own(call)
    if found.trouble:
        raise refused(422, "There was a problem processing the media attachment")
    ready = found.ready(call.ledger.clock())
    return (200 if ready else 206), shapes.upload(found, call.base, ready=ready)


def describe(call: Call) -> Answer:
    """PUT /api/v1/media/:id."""
    found = _own(call)
    told = given(call)
    if "description" in told:
        found = uploads.describe(call.ledger, found, _described(told["description"]))
    return 200, shapes.upload(found, call.base, ready=found.ready(call.ledger.clock()))


def _taken(call: Call, *, at_once: bool = False) -> Upload:
    file = call.files.get("file")
    if not file:
        raise invalid("File can't be blank")
    description = _described(call.fields.get("description"))
    found = _look(file)
    animated = found.media_type == "image/gif" and found.milliseconds
    category = "gif" if animated else found.media_type.partition("/")[0]
    moves = found.milliseconds > 0
    made = uploads.begin(call.ledger, call.account, category, len(file))
    now = call.ledger.clock()
    later = now + PROCESSING if moves and not at_once else None
    kept = uploads.keep(call.ledger, made, file, found, ready_at=later)
    return uploads.describe(call.ledger, kept, description)


def _own(call: Call) -> Upload:
    found = uploads.owned_remote(call.ledger, call.account, call.path["id"])
    if found is None:
        raise missing()
    return found


def _described(value: object) -> str | None:
    if not isinstance(value, str) or not value:
        return None
    if len(value) > MAX_DESCRIPTION:
        raise invalid(f"Description is too long (maximum is {MAX_DESCRIPTION} characters)")
    return value


def _look(content: bytes) -> Picture:
    try:
        if content[4:8] == b"ftyp":
            return _checked(films.inspect(content), len(content), FILM_BYTES, FILM_AREA)
        return _checked(_picture(content), len(content), IMAGE_BYTES, IMAGE_AREA)
    except NotAPicture as reason:
        raise invalid("File content type is invalid, File is invalid") from reason


def _checked(found: Picture, size: int, most: int, area: int) -> Picture:
    if size > most:
        raise invalid(f"File file size must be less than {most // 1024 // 1024} MB")
    if found.width * found.height > area:
        kind = "videos" if found.media_type.startswith("video/") else "images"
        raise invalid(f"{found.width}x{found.height} {kind} are not supported")
    return found


def _picture(content: bytes) -> Picture:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=list(_FORMATS)) as image:
                frames = int(getattr(image, "n_frames", 1))
                image.load()
                kind = _FORMATS[str(image.format)]
                length = 100 * frames if frames > 1 else 0
                return Picture(kind, image.width, image.height, length)
    # Pillow's decoders raise whatever their formats' oddities make of broken bytes.
    except Exception as error:
        raise NotAPicture("The picture is broken and cannot be decoded.") from error
