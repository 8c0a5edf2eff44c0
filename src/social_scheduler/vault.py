"""The accounts' keys: one file each, readable by the worker's user only, outside the database.

The web process never opens this folder; backups of the database do not contain it.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from social_scheduler.errors import NotFound, WorkspaceError


class Vault:
    """A folder of keys."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, tuple[tuple[int, int, int], dict[str, str]]] = {}

    def __repr__(self) -> str:
        return "Vault(…)"

    def put(self, account: str, keys: Mapping[str, str]) -> None:
        """Keep an account's keys. An empty value never replaces a stored one."""
        if empty := [name for name, value in keys.items() if not value.strip()]:
            raise WorkspaceError(f"The key {empty[0]} is empty.", "Nothing was stored.")
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._folder / f"{account}.json"
        draft = path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            json.dump(dict(keys), out)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(path)

    def get(self, account: str) -> dict[str, str]:
        """An account's keys; refused when others on this machine could read them."""
        path = self._folder / f"{account}.json"
        try:
            found = path.stat()
            mode = stat.S_IMODE(found.st_mode)
        except FileNotFoundError:
            raise NotFound(
                f"There are no keys for {account}.", f"Run social-scheduler accounts add {account}."
            ) from None
        if mode & 0o077:
            raise WorkspaceError(
                f"The keys of {account} can be read by others on this machine.",
                f"Run chmod 600 {path}, and replace the keys at the network.",
            )
        version = (found.st_ino, found.st_mtime_ns, found.st_size)
        known = self._read.get(account)
        if known is not None and known[0] == version:
            return dict(known[1])
        try:
            keys: dict[str, str] = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise WorkspaceError(
                f"The keys of {account} cannot be read from {path}.",
                f"Connect it again: social-scheduler accounts add {account}",
            ) from None
        self._read[account] = (version, keys)
        return dict(keys)
