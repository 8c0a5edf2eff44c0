"""What Telegram takes as a photo or a video, looked into before a message may have it."""

from __future__ import annotations

import re

from . import films, pictures, uploads
from .gate import Call, File
from .pictures import NotAPicture
from .telegram_params import bad, refusal
from .uploads import Upload

PHOTO_BYTES = 10 * 1024 * 1024
VIDEO_BYTES = 50 * 1024 * 1024
PHOTO_SIDES = 10_000
PHOTO_RATIO = 20
_ATTACHED = re.compile(r"attach://(\w{1,64})", re.ASCII)


def attached(call: Call, kind: str, where: str) -> Upload:
    """The file of an album that an entry names as `attach://…`; raises Problem 400."""
    if kind not in ("photo", "video"):
        raise bad(f"type {kind} can't be sent here")
    found = _ATTACHED.fullmatch(where)
    file = call.uploaded.get(found[1]) if found else None
    if file is None:
        raise bad("wrong file identifier/HTTP URL specified")
    return kept(call, kind, file)


def kept(call: Call, kind: str, file: File) -> Upload:
    """A file that Telegram would show, looked into; nobody sees it until a message has it."""
    content = file.content
    try:
        if kind == "video":
            if len(content) > VIDEO_BYTES:
                raise refusal(413, "Request Entity Too Large")
            looks = films.inspect(content)
        else:
            if len(content) > PHOTO_BYTES:
                raise bad("file is too big for a photo")
            looks = pictures.inspect(content, "photo", PHOTO_BYTES)
    except NotAPicture as error:
        raise bad("IMAGE_PROCESS_FAILED" if kind == "photo" else "VIDEO_FILE_INVALID") from error
    wide, high = looks.width, looks.height
    odd = wide + high > PHOTO_SIDES or max(wide, high) > PHOTO_RATIO * min(wide, high)
    if kind == "photo" and odd:
        raise bad("PHOTO_INVALID_DIMENSIONS")
    upload = uploads.begin(call.ledger, call.account, f"telegram_{kind}", len(content))
    return uploads.keep(call.ledger, upload, content, looks)
