"""The web desk: pages on which people read what will be said, and decide."""

from __future__ import annotations

from social_scheduler.web.desk import create_app
from social_scheduler.web.server import serve

__all__ = ["create_app", "serve"]
