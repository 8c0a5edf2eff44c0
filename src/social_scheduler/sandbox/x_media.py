"""X's API v2 for pictures: upload at once or in segments, ask how far it is, describe."""

from __future__ import annotations

import re
from typing import Any

from . import uploads
from .gate import Call
from .pictures import ANIMATION_BYTES, IMAGE_BYTES, MEDIA_TYPES, NotAPicture
from .posts import media_key
from .problems import Problem, invalid, missing
from .uploads import Upload

MAX_ALT_TEXT = 1000
MAX_SEGMENT = 999
_CATEGORIES = ("tweet_image", "tweet_gif")

Answer = tuple[int, dict[str, Any]]


def upload(call: Call) -> Answer:
    """POST /2/media/upload: one picture, whole, as multipart/form-data."""
    category = _category(call.fields.get("media_category"), call.fields.get("media_type"))
    content = call.files.get("media")
    if not content:
        raise invalid("media: a file is required, as multipart/form-data", "media", "")
    started = uploads.begin(call.ledger, call.account, category, len(content))
    return 200, {"data": _facts(call, _checked(call, started, content))}


def initialize(call: Call) -> Answer:
    """POST /2/media/upload/initialize."""
    wish = call.json()
    category = _category(wish.get("media_category"), wish.get("media_type"))
    total = wish.get("total_bytes")
    largest = ANIMATION_BYTES if category == "tweet_gif" else IMAGE_BYTES
    if type(total) is not int or not 0 < total <= largest:
        raise invalid(f"$.total_bytes: must be from 1 to {largest}", "$.total_bytes", total)
    started = uploads.begin(call.ledger, call.account, category, total)
    facts = _facts(call, started)
    del facts["size"]
    return 200, {"data": facts}


def append(call: Call) -> Answer:
    """POST /2/media/upload/:id/append: `segment_index` and `media`, as multipart/form-data."""
    found = _open(call, call.path["id"])
    index = call.fields.get("segment_index", "")
    if not re.fullmatch(r"[0-9]{1,3}", index):
        raise invalid(f"segment_index: must be from 0 to {MAX_SEGMENT}", "segment_index", index)
    content = call.files.get("media")
    if not content:
        raise invalid("media: a file is required, as multipart/form-data", "media", "")
    if len(content) > found.total_bytes:
        raise invalid("media: larger than the announced total_bytes", "media", "")
    uploads.append(call.ledger, found, int(index), content)
    return 200, {"data": {"expires_at": int(found.expires_at.timestamp())}}


def finalize(call: Call) -> Answer:
    """POST /2/media/upload/:id/finalize. Pictures are ready at once: no processing_info."""
    found = _open(call, call.path["id"])
    try:
        done = uploads.finish(call.ledger, found)
    except NotAPicture as reason:
        raise invalid(str(reason), "media_id", found.id) from reason
    return 200, {"data": _facts(call, done)}


def status(call: Call) -> Answer:
    """GET /2/media/upload?command=STATUS&media_id=."""
    if call.query.get("command", "STATUS") != "STATUS":
        raise invalid("command: must be STATUS", "command", call.query["command"])
    found = _find(call, call.query.get("media_id", ""), "media_id")
    done = found.sha256 is not None
    progress = {"state": "succeeded", "progress_percent": 100} if done else {"state": "pending"}
    return 200, {"data": _facts(call, found) | {"processing_info": progress}}


def describe(call: Call) -> Answer:
    """POST /2/media/metadata: `{"id", "metadata": {"alt_text": {"text"}}}`."""
    wish = call.json()
    metadata = wish.get("metadata")
    alt = metadata.get("alt_text") if isinstance(metadata, dict) else None
    text = alt.get("text") if isinstance(alt, dict) else None
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_ALT_TEXT:
        raise invalid(
            f"$.metadata.alt_text.text: must be 1 to {MAX_ALT_TEXT} characters long",
            "$.metadata.alt_text.text",
            text if isinstance(text, str) else "",
        )
    found = _find(call, wish.get("id"), "$.id")
    uploads.describe(call.ledger, found, text)
    metadata = {"alt_text": {"text": text}}
    return 200, {"data": {"id": str(found.id), "associated_metadata": metadata}}


def _category(category: object, media_type: object) -> str:
    if category not in _CATEGORIES:
        raise invalid(
            f"media_category: this rehearsal network takes {' and '.join(_CATEGORIES)}",
            "media_category",
            category,
        )
    if media_type is not None and media_type not in MEDIA_TYPES:
        raise invalid(
            f"media_type: must be one of {', '.join(sorted(MEDIA_TYPES))}", "media_type", media_type
        )
    return str(category)


def _checked(call: Call, started: Upload, content: bytes) -> Upload:
    try:
        return uploads.complete(call.ledger, started, content)
    except NotAPicture as reason:
        raise invalid(str(reason), "media", "") from reason


def _open(call: Call, value: object) -> Upload:
    found = _find(call, value, "id")
    if found.sha256 is not None:
        raise invalid("The upload is already finalized.", "id", value)
    return found


def _find(call: Call, value: object, parameter: str) -> Upload:
    is_id = isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}|[0-8][0-9]{18}", value)
    if not is_id:
        raise invalid(f"{parameter}: must be a media id", parameter, value)
    found = uploads.owned(call.ledger, call.account, int(str(value)))
    if found is None:
        raise Problem(404, {"errors": [missing("media", "id", str(value))]})
    return found


def _facts(call: Call, upload: Upload) -> dict[str, Any]:
    return {
        "id": str(upload.id),
        "media_key": media_key(upload.id, animated=upload.animated),
        "size": uploads.size_of(call.ledger, upload),
        "expires_after_secs": upload.seconds_left(call.ledger.clock()),
    }
