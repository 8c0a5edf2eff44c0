"""X's API v2 for pictures, films and captions: at once or in segments, looked at, described."""

from __future__ import annotations

import re
from typing import Any

from . import films, pictures, uploads
from .gate import Call
from .pictures import ANIMATION_BYTES, IMAGE_BYTES, NotAPicture, Picture
from .posts import media_key
from .problems import Problem, invalid, missing
from .uploads import Upload

MAX_ALT_TEXT = 1000
MAX_SEGMENT = 999
FILM_BYTES = 512 * 1024 * 1024
CAPTIONS_BYTES = 512 * 1024
_LARGEST = {
    "tweet_image": IMAGE_BYTES,
    "tweet_gif": ANIMATION_BYTES,
    "tweet_video": FILM_BYTES,
    "amplify_video": FILM_BYTES,
    "subtitles": CAPTIONS_BYTES,
}
_WORKED_ON = ("tweet_gif", "tweet_video", "amplify_video")
_FILM_TYPES = frozenset({"video/mp4", "video/quicktime", "text/vtt", "text/srt"})
_LOOKS = 2
"""How often somebody looks until X is done with a film."""

Answer = tuple[int, dict[str, Any]]


def upload(call: Call) -> Answer:
    """POST /2/media/upload: one picture, whole, as multipart/form-data."""
    known = ("tweet_image", "tweet_gif")
    category = _category(call.fields.get("media_category"), call.fields.get("media_type"), known)
    content = call.files.get("media")
    if not content:
        raise invalid("media: a file is required, as multipart/form-data", "media", "")
    started = uploads.begin(call.ledger, call.account, category, len(content))
    try:
        done = uploads.complete(call.ledger, started, content)
    except NotAPicture as reason:
        raise invalid(str(reason), "media", "") from reason
    return 200, {"data": _facts(call, done)}


def initialize(call: Call) -> Answer:
    """POST /2/media/upload/initialize."""
    wish = call.json()
    category = _category(wish.get("media_category"), wish.get("media_type"), tuple(_LARGEST))
    total, largest = wish.get("total_bytes"), _LARGEST[category]
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
    """POST /2/media/upload/:id/finalize. Films and moving pictures are worked on afterwards."""
    found = _open(call, call.path["id"])
    try:
        content = uploads.joined(call.ledger, found)
        if found.category in _WORKED_ON:
            done = _work_on(call, found, content)
            return 200, {"data": _facts(call, done) | {"processing_info": _progress(done)}}
        if found.category == "subtitles":
            picture = _captions(content)
            return 200, {"data": _facts(call, uploads.keep(call.ledger, found, content, picture))}
        return 200, {"data": _facts(call, uploads.complete(call.ledger, found, content))}
    except NotAPicture as reason:
        raise invalid(str(reason), "media_id", found.id) from reason


def status(call: Call) -> Answer:
    """GET /2/media/upload?command=STATUS&media_id=. Each look finds X a step further."""
    if call.query.get("command", "STATUS") != "STATUS":
        raise invalid("command: must be STATUS", "command", call.query["command"])
    found = _find(call, call.query.get("media_id", ""), "media_id")
    if found.sha256 is None:
        return 200, {"data": _facts(call, found) | {"processing_info": {"state": "pending"}}}
    looks = found.facts.get("looks", _LOOKS)
    if looks < _LOOKS:
        found = uploads.note(call.ledger, found, looks=looks + 1)
    return 200, {"data": _facts(call, found) | {"processing_info": _progress(found)}}


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
    if found.category in ("tweet_video", "amplify_video", "subtitles"):
        raise invalid("Only pictures take an alternative text.", "$.id", found.id)
    uploads.describe(call.ledger, found, text)
    metadata = {"alt_text": {"text": text}}
    return 200, {"data": {"id": str(found.id), "associated_metadata": metadata}}


def subtitle(call: Call) -> Answer:
    """POST /2/media/subtitles: joins a track of captions to a film that X is done with."""
    wish = call.json()
    track = wish.get("subtitles")
    if wish.get("media_category") not in ("TweetVideo", "AmplifyVideo"):
        raise invalid("$.media_category: TweetVideo or AmplifyVideo", "$.media_category")
    if not isinstance(track, dict):
        raise invalid("$.subtitles: object expected", "$.subtitles", track)
    language, name = track.get("language_code"), track.get("display_name")
    if not isinstance(language, str) or not re.fullmatch(r"[A-Z]{2}", language):
        raise invalid("$.subtitles.language_code: two capitals", "$.subtitles.language_code")
    if not isinstance(name, str) or not name:
        raise invalid("$.subtitles.display_name: text expected", "$.subtitles.display_name")
    film, captions = _find(call, wish.get("id"), "$.id"), _find(call, track.get("id"), "$.id")
    if film.kind != "film" or not usable(call, film) or captions.kind != "captions":
        raise invalid("Captions belong to a film that is ready.", "$.id", film.id, captions.id)
    joined = {**film.facts.get("captions", {}), language.lower(): captions.sha256}
    uploads.note(call.ledger, film, captions=joined)
    told = {"id": str(captions.id), "language_code": language, "display_name": name}
    kind = wish["media_category"]
    data = {"id": str(film.id), "media_category": kind, "associated_subtitles": [told]}
    return 200, {"data": data}


def usable(call: Call, upload: Upload) -> bool:
    """Whether X is done with it, so that a post may show it."""
    looked = upload.facts.get("looks", _LOOKS) >= _LOOKS
    return looked and upload.ready(call.ledger.clock())


def _work_on(call: Call, found: Upload, content: bytes) -> Upload:
    """What cannot be used is found out later, as X does."""
    trouble = None
    try:
        if found.category == "tweet_gif":
            picture = pictures.inspect(content, found.category)
        else:
            picture = films.inspect(content)
    except NotAPicture as reason:
        picture, trouble = Picture("video/mp4", 0, 0), str(reason)
    kept = uploads.keep(call.ledger, found, content, picture, trouble=trouble)
    return uploads.note(call.ledger, kept, looks=0)


def _progress(upload: Upload) -> dict[str, Any]:
    looks = upload.facts.get("looks", _LOOKS)
    if looks < _LOOKS:
        state = "in_progress" if looks else "pending"
        return {"state": state, "check_after_secs": 1, "progress_percent": 50 * looks}
    if upload.trouble:
        error = {"code": 1, "name": "InvalidMedia", "message": upload.trouble}
        return {"state": "failed", "progress_percent": 50, "error": error}
    return {"state": "succeeded", "progress_percent": 100}


def _captions(content: bytes) -> Picture:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotAPicture("The captions are not UTF-8.") from error
    if "-->" not in text:
        raise NotAPicture("These are no captions: WebVTT or SRT.")
    return Picture("text/vtt" if text.startswith("WEBVTT") else "text/srt", 0, 0)


def _category(category: object, media_type: object, known: tuple[str, ...]) -> str:
    if category not in known:
        raise invalid(
            f"media_category: this rehearsal network takes {', '.join(known)} here",
            "media_category",
            category,
        )
    types = pictures.MEDIA_TYPES | _FILM_TYPES
    if media_type is not None and media_type not in types:
        raise invalid(
            f"media_type: must be one of {', '.join(sorted(types))}", "media_type", media_type
        )
    return str(category)


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
        "media_key": media_key(upload.id, upload.kind),
        "size": uploads.size_of(call.ledger, upload),
        "expires_after_secs": upload.seconds_left(call.ledger.clock()),
    }
