"""What a Mastodon server tells of itself: version and limits, in its new shape and the old one."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .gate import Answer, Call
from .mastodon_media import (
    FILM_AREA,
    FILM_BYTES,
    IMAGE_AREA,
    IMAGE_BYTES,
    MAX_DESCRIPTION,
    TYPES,
)
from .mastodon_statuses import MAX_MEDIA
from .mastodon_text import LINK_LENGTH, MAX_CHARACTERS

VERSION = "4.5.0"
_ABOUT = "A rehearsal network: nothing here is public."


def newer(call: Call) -> Answer:
    """GET /api/v2/instance."""
    domain = urlsplit(call.base).netloc
    return 200, {
        "domain": domain,
        "title": "Rehearsal",
        "version": VERSION,
        "source_url": "https://github.com/mastodon/mastodon",
        "description": _ABOUT,
        "usage": {"users": {"active_month": 0}},
        "thumbnail": {"url": f"{call.base}/static/mark.svg"},
        "icon": [],
        "languages": ["en"],
        "configuration": _configuration(),
        "registrations": {"enabled": False, "approval_required": False, "message": None},
        "api_versions": {"mastodon": 7},
        "contact": {"email": "", "account": None},
        "rules": [],
    }


def older(call: Call) -> Answer:
    """GET /api/v1/instance."""
    return 200, {
        "uri": urlsplit(call.base).netloc,
        "title": "Rehearsal",
        "short_description": _ABOUT,
        "description": _ABOUT,
        "email": "",
        "version": VERSION,
        "urls": {},
        "stats": {"user_count": 0, "status_count": 0, "domain_count": 0},
        "thumbnail": f"{call.base}/static/mark.svg",
        "languages": ["en"],
        "registrations": False,
        "approval_required": False,
        "invites_enabled": False,
        "configuration": _configuration(),
        "contact_account": None,
        "rules": [],
    }


def _configuration() -> dict[str, Any]:
    return {
        "urls": {},
        "accounts": {"max_featured_tags": 10, "max_pinned_statuses": 5},
        "statuses": {
            "max_characters": MAX_CHARACTERS,
            "max_media_attachments": MAX_MEDIA,
            "characters_reserved_per_url": LINK_LENGTH,
        },
        "media_attachments": {
            "supported_mime_types": list(TYPES),
            "description_limit": MAX_DESCRIPTION,
            "image_size_limit": IMAGE_BYTES,
            "image_matrix_limit": IMAGE_AREA,
            "video_size_limit": FILM_BYTES,
            "video_frame_rate_limit": 120,
            "video_matrix_limit": FILM_AREA,
        },
        "polls": {
            "max_options": 4,
            "max_characters_per_option": 50,
            "min_expiration": 300,
            "max_expiration": 2629746,
        },
        "translation": {"enabled": False},
    }
