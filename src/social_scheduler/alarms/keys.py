"""The secrets of the ways out: files in the vault's folder, for their owner only."""

from __future__ import annotations

import base64
import binascii
import stat
from pathlib import Path

from social_scheduler.errors import WorkspaceError

WEBHOOK = "watch-webhook-secret"
MAIL = "watch-mail-password"
PREFIX = "whsec_"
SHORTEST = 24


def read_secret(path: Path, purpose: str) -> str:
    """One line of a file; refused when it is missing, empty, or others could read it."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        raise WorkspaceError(
            f"{purpose} cannot be read from {path}.",
            "Write it there, on one line, in a file that only you can read (chmod 600).",
        ) from None
    if mode & 0o077:
        raise WorkspaceError(
            f"{path} can be read by others on this machine.",
            f"Run chmod 600 {path}, and replace what is in it.",
        )
    if not text:
        raise WorkspaceError(f"{path} is empty.", f"Write it there: {purpose.lower()}.")
    return text


def webhook_key(path: Path) -> bytes:
    """The key that webhooks are signed with, as Standard Webhooks writes it: whsec_ and base64."""
    text = read_secret(path, "The webhook's secret")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not text.startswith(PREFIX) or len(key) < SHORTEST:
        raise WorkspaceError(
            f"{path} holds no secret as Standard Webhooks has them.",
            f"It is {PREFIX} and at least {SHORTEST} random bytes in base64.",
        )
    return key
