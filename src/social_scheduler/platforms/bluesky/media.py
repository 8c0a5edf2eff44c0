"""Hands pictures and films over to a Bluesky server; nobody sees them until a post uses them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, BinaryIO

from social_scheduler.errors import NotSent, Refused
from social_scheduler.message import Attachment
from social_scheduler.platforms import Upload
from social_scheduler.platforms.bluesky import films, ids
from social_scheduler.platforms.bluesky.records import Held
from social_scheduler.platforms.bluesky.wire import Line, Request

KEPT = timedelta(minutes=45)
"""How long a file counts as held: servers promise minutes, the reference server keeps hours."""


def upload(
    line: Line, item: Attachment, files: Mapping[str, BinaryIO], service: str | None
) -> Upload:
    """A picture, or a film with its captions. A film goes through the video `service` if any."""
    started = line.now()
    file = files[item.sha256]
    _is_approved(file, item.sha256)
    held: dict[str, Any] = {}
    if item.captions:
        said = files[item.captions.sha256]
        _is_approved(said, item.captions.sha256)
        blob = _blob(line, said, "text/vtt", item.captions.sha256)
        held["captions"] = [[item.captions.language, blob]]
    if service and item.type.startswith("video/"):
        held |= films.hand_over(line, service, file, item)
    else:
        held["blob"] = _blob(line, file, item.type, item.sha256)
    return Upload(item.sha256, json.dumps(held), started + KEPT, ready="blob" in held)


def look_at(line: Line, upload: Upload, service: str | None) -> Upload:
    """What the video service has made of a film by now."""
    held = _read(upload)
    job = held.get("job")
    if "blob" in held or not isinstance(job, str) or service is None:
        raise Refused("There is no film being worked on.", "Queue the post again.")
    now = line.now()
    found = films.look_at(line, service, job)
    if found is None:
        return upload
    held = {"blob": found, "captions": held.get("captions", [])}
    return Upload(upload.sha256, json.dumps(held), now + KEPT)


def held(upload: Upload) -> Held:
    """What a record says of an upload."""
    found = _read(upload)
    blob = found.get("blob")
    if not isinstance(blob, dict) or _names(blob) is None:
        raise NotSent(
            f"Bluesky does not hold {upload.sha256[:12]}.",
            "It is uploaded again before the next try.",
        )
    return Held(blob, [(lang, words) for lang, words in found.get("captions", [])])


def _blob(line: Line, file: BinaryIO, kind: str, sha256: str) -> dict[str, Any]:
    """com.atproto.repo.uploadBlob; the server must name the very bytes that were approved."""
    request = Request("com.atproto.repo.uploadBlob", file=file, kind=kind)
    blob = line.told(request).get("blob")
    if not isinstance(blob, dict) or _names(blob) != ids.file_cid(sha256):
        raise NotSent(f"Bluesky took {sha256[:12]} but did not name it as what it is.")
    return blob


def _names(blob: Mapping[str, Any]) -> str | None:
    """The id of the bytes that a blob stands for."""
    ref = blob.get("ref") if blob.get("$type") == "blob" else None
    link = ref.get("$link") if isinstance(ref, dict) else None
    return link if isinstance(link, str) else None


def _is_approved(file: BinaryIO, sha256: str) -> None:
    file.seek(0)
    found = hashlib.sha256()
    while block := file.read(1 << 20):
        found.update(block)
    if found.hexdigest() != sha256:
        raise Refused(
            f"The file's bytes are not {sha256[:12]}, which was approved.",
            "Put the approved file back, or queue the post again.",
        )


def _read(upload: Upload) -> dict[str, Any]:
    try:
        found = json.loads(upload.remote_id)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}
