"""The seal on every stored secret: whoever has the public key can close it, only workers open it.

What is sealed says inside where it belongs, so that it opens nowhere else. The private key is a
file outside the database, `keys/worker.key`, for its owner only; `keys/worker.pub` beside it says
which public key to believe.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from social_scheduler.errors import Conflict, WorkspaceError

KEY = "worker.key"
NEXT = "worker.key.next"
PUBLIC = "worker.pub"
LENGTH = 32


class NotOurs(WorkspaceError):
    """Sealed to another key, for another place, or not by us at all."""


class Misplaced(NotOurs):
    """Sealed to our key, for another place: nothing of it is used here."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a secret belongs: its workspace, its name there, its version.

    The name says to which network and server it goes, so that it is never sent to another.
    """

    workspace: str
    name: str
    version: int


def fingerprint(public: bytes) -> str:
    """A public key as people compare it."""
    digest = hashlib.sha256(public).hexdigest()[:32]
    return " ".join(digest[n : n + 4] for n in range(0, len(digest), 4))


def seal(public: bytes, place: Place, values: Mapping[str, str]) -> bytes:
    """Close a secret; an empty value is no secret and is refused."""
    if empty := [name for name, value in values.items() if not value.strip()]:
        raise WorkspaceError(f"The key {empty[0]} is empty.", "Nothing was stored.")
    # Imported here: most commands neither seal nor open anything.
    from nacl.public import PublicKey, SealedBox

    inside = {
        "workspace": place.workspace,
        "place": place.name,
        "version": place.version,
        "values": dict(values),
    }
    return bytes(SealedBox(PublicKey(public)).encrypt(json.dumps(inside).encode()))


class KeyFolder:
    """The folder of the workers' key pair. Nothing of the private key is read until it is used."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._keys: list[bytes] = []

    def __repr__(self) -> str:
        return "KeyFolder(…)"

    @property
    def path(self) -> Path:
        """The private key's file."""
        return self._folder / KEY

    @property
    def holds_key(self) -> bool:
        """Whether the workers' key is here, and this user may read it."""
        return os.access(self.path, os.R_OK)

    def make(self) -> bytes:
        """A new pair, unless there is one; answers the public key."""
        if not self.path.exists():
            self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
            public = self._write(KEY)
            self._believe([public])
        self.pin()
        return self.public()

    def pin(self) -> None:
        """Say which public key to believe where the file is gone: that of the private key here."""
        if not (self._folder / PUBLIC).exists():
            self._believe([_public_of(key) for key in self._readable()])

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Alone among this machine's processes, while a change of keys begins or is settled.

        The folder itself is locked: that needs no file, and no right to write.
        """
        self._folder.mkdir(mode=0o755, parents=True, exist_ok=True)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def public(self) -> bytes:
        """The public key that belongs to the private one."""
        return _public_of(self._read(KEY))

    def believed(self) -> list[bytes]:
        """The public keys that the file beside names; refused where nobody says which."""
        try:
            lines = (self._folder / PUBLIC).read_text(encoding="ascii").split()
            return [_decoded(line) for line in lines]
        except OSError as problem:
            missing = isinstance(problem, FileNotFoundError)
            raise WorkspaceError(
                f"{self._folder / PUBLIC} {'is missing' if missing else 'cannot be read'} here: "
                "nobody says which public key to believe.",
                "Copy it from the machine where the workers' key was made, readable for this user.",
            ) from None
        except ValueError:
            raise WorkspaceError(
                f"{self._folder / PUBLIC} holds no public key.",
                "Copy it from the machine where the workers' key was made.",
            ) from None

    def open(self, sealed: bytes, place: Place) -> dict[str, str]:
        """What was sealed for that place; NotOurs when it does not open there."""
        inside = self._opened(sealed)
        bound = (inside.get("workspace"), inside.get("place"), inside.get("version"))
        values = inside.get("values")
        if bound != (place.workspace, place.name, place.version) or not isinstance(values, dict):
            raise Misplaced(f"What is kept as {place.name} was sealed for another place.")
        return {str(name): str(value) for name, value in values.items()}

    def seal_again(self, sealed: bytes, public: bytes) -> bytes:
        """The same, sealed to another key: where it belongs stands inside and stays."""
        from nacl.public import PublicKey, SealedBox

        inside = json.dumps(self._opened(sealed)).encode()
        return bytes(SealedBox(PublicKey(public)).encrypt(inside))

    def begin_next(self) -> bytes:
        """A new pair beside the one in use; answers its public key. One that was left is dropped."""
        (self._folder / NEXT).unlink(missing_ok=True)
        now, public = self.public(), self._write(NEXT)
        self._believe([now, public])
        self._keys = []
        return public

    def require_next(self, public: bytes) -> None:
        """Refuse to go on where the pair that was begun is not there any more."""
        path = self._folder / NEXT
        if not path.exists() or _public_of(self._read(NEXT)) != public:
            raise Conflict(
                "Somebody else has changed the workers' keys meanwhile.", "Nothing was changed."
            )

    def opens(self, public: bytes) -> bool:
        """Whether a private key here belongs to it; changes nothing."""
        try:
            return public in [_public_of(key) for key in self._readable()]
        except WorkspaceError:
            return False

    def settle(self, public: bytes) -> None:
        """End a change of keys: keep the private key that belongs to `public`, drop the other."""
        following = self._folder / NEXT
        if following.exists():
            if _public_of(self._read(NEXT)) == public:
                following.replace(self.path)
            elif self.public() == public:
                following.unlink()
            self._keys = []
        if self.public() != public:
            raise WorkspaceError(
                f"{self.path} is not the key that the database's secrets are sealed to.",
                "Copy that file from the machine where social-scheduler keys rotate was run last.",
            )
        if self.believed() != [public]:
            self._believe([public])

    def replace(self) -> bytes:
        """A new pair in place of one that is lost; the old file, if any, is set aside."""
        if self.path.exists():
            self.path.replace(self.path.with_suffix(".old"))
        (self._folder / NEXT).unlink(missing_ok=True)
        self._keys = []
        return self.make()

    def _opened(self, sealed: bytes) -> dict[str, object]:
        from nacl.exceptions import CryptoError
        from nacl.public import PrivateKey, SealedBox

        for again in (False, True):
            if again or not self._keys:
                self._keys = list(self._readable())  # they may have been changed meanwhile
            for key in self._keys:
                with contextlib.suppress(CryptoError, ValueError):
                    found = json.loads(SealedBox(PrivateKey(key)).decrypt(sealed))
                    if isinstance(found, dict):
                        return found
        raise NotOurs("What is kept was sealed to another key than this machine's keys/worker.key.")

    def _readable(self) -> Iterator[bytes]:
        if (self._folder / NEXT).exists():  # first: it may become the other at any moment
            yield self._read(NEXT)
        yield self._read(KEY)

    def _read(self, name: str) -> bytes:
        path = self._folder / name
        try:
            if stat.S_IMODE(path.stat().st_mode) & 0o077:
                raise WorkspaceError(
                    f"The workers' key {path} can be read by others on this machine.",
                    f"Run chmod 600 {path}, then social-scheduler keys rotate.",
                )
            return _decoded(path.read_text(encoding="ascii").strip())
        except FileNotFoundError:
            raise WorkspaceError(
                f"This machine does not hold the workers' key: {path} is missing.",
                "Copy it here from the machine where the workspace was made, by hand, and keep its "
                "mode 0600. If it is gone for good: social-scheduler keys rotate --lost.",
            ) from None
        except PermissionError:
            raise WorkspaceError(
                f"This user may not read the workers' key {path}.",
                "Run it as the user of the worker.",
            ) from None
        except ValueError:
            raise WorkspaceError(
                f"{path} is no key.", "Put the workers' key back from where you keep a copy."
            ) from None

    def _write(self, name: str) -> bytes:
        from nacl.public import PrivateKey

        made = PrivateKey.generate()
        path = self._folder / name
        try:
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            raise Conflict(f"There is a key in {path} already.", "It was not touched.") from None
        with os.fdopen(file, "w", encoding="ascii") as out:
            out.write(base64.b64encode(bytes(made)).decode() + "\n")
            out.flush()
            os.fsync(out.fileno())
        self._flush()
        return bytes(made.public_key)

    def _believe(self, public: list[bytes]) -> None:
        draft = self._folder / f"{PUBLIC}.new"
        with draft.open("w", encoding="ascii") as out:
            out.writelines(base64.b64encode(key).decode() + "\n" for key in public)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._folder / PUBLIC)
        self._flush()

    def _flush(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _decoded(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError("not base64") from None
    if len(key) != LENGTH:
        raise ValueError("not a key")
    return key


def _public_of(private: bytes) -> bytes:
    from nacl.public import PrivateKey

    return bytes(PrivateKey(private).public_key)
