"""A network that answers by script: it keeps a ledger of everything it was told to say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import BinaryIO

from social_scheduler.errors import Refused
from social_scheduler.message import Attachment, Limits
from social_scheduler.platforms import (
    Basics,
    Call,
    Connection,
    Identity,
    Published,
    Recovery,
    RecoveryKind,
    Seen,
    Upload,
)

LIMITS = Limits(
    text=280,
    counted_in="weighted",
    pictures=4,
    picture_bytes=5_000_000,
    picture_side=4096,
    picture_types=frozenset({"image/png", "image/jpeg"}),
    alt_text=1000,
    thread=True,
)
SEARCHABLE = Recovery(RecoveryKind.SEARCHABLE, (10, 60))


@dataclass(frozen=True)
class Said:
    """One part that the network showed to the world."""

    remote_id: str
    account: str
    text: str
    reply_to: str | None
    key: str
    at: datetime


@dataclass
class Wire(Basics):
    """Fulfils `Platform`. `script` holds what the next calls of `publish` come to, in order.

    An exception is raised, having said nothing; `lost` has it said and the answer lost.
    An empty script means that everything is said.
    """

    now: Callable[[], datetime]
    label: str = "Wire"
    limits: Limits = LIMITS
    recovery: Recovery = SEARCHABLE
    default_url: str = "https://wire.example"
    keys: tuple[str, ...] = ("token",)
    script: list[Exception | str] = field(default_factory=list)
    troubles: dict[str, list[Exception]] = field(default_factory=dict)
    """What identify, upload, find and read_back raise, once each, before they work."""
    ledger: list[Said] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    asked: Callable[[Connection, Call], None] = lambda _connection, _call: None
    """Told of every call of `publish`, before it is answered."""
    shown: dict[str, Seen | None] = field(default_factory=dict)
    """What read_back shows instead of an honest copy."""
    hidden: bool = False
    """Whether `find` sees nothing."""
    handle: str = ""
    told: dict[str, int] = field(default_factory=dict)
    """What the network says of every account."""
    whole_thread: bool = False
    working_on_uploads: int = 0
    """How many looks it takes until an upload can be used; below 0, it never can."""

    def identify(self, connection: Connection) -> Identity:
        self._do("identify")
        token = connection.keys["token"]
        return Identity(token, self.handle or f"handle_{token}", self.told)

    def upload(
        self, connection: Connection, item: Attachment, files: Mapping[str, BinaryIO]
    ) -> Upload:
        self._do("upload")
        assert files[item.sha256].read(), "a picture has bytes"
        ready = self.working_on_uploads == 0
        return Upload(item.sha256, f"m-{item.sha256[:8]}", self.now() + timedelta(hours=1), ready)

    def look_at_upload(self, connection: Connection, upload: Upload) -> Upload:
        self._do("look_at_upload")
        if self.working_on_uploads < 0:
            raise Refused("The film cannot be read.")
        self.working_on_uploads -= 1
        return replace(upload, ready=self.working_on_uploads == 0)

    def publish(self, connection: Connection, call: Call) -> Published:
        self._do("publish")
        self.asked(connection, call)
        answer = self.script.pop(0) if self.script else "said"
        if isinstance(answer, Exception):
            raise answer
        said = self.say(connection.keys["token"], call)
        if answer == "lost":
            raise ConnectionResetError("the answer was lost")
        return said

    def say(self, account: str, call: Call) -> Published:
        """Show a part to the world, or the whole thread."""
        remote_id = str(1000 + len(self.ledger))
        self.ledger.append(Said(remote_id, account, call.text, call.reply_to, call.key, self.now()))
        rest: list[Published] = []
        if self.whole_thread and call.number < len(call.message.parts):
            after = replace(call, number=call.number + 1, reply_to=remote_id, key="")
            following = self.say(account, after)
            rest = [replace(following, rest=()), *following.rest]
        return Published(remote_id, f"https://wire.example/{account}/{remote_id}", tuple(rest))

    def find(
        self, connection: Connection, call: Call, since: datetime, known: frozenset[str]
    ) -> Published | None:
        self._do("find")
        for said in self.ledger:
            same = (said.account, said.text) == (connection.keys["token"], call.text)
            if same and said.at >= since and said.remote_id not in known and not self.hidden:
                together = len(call.message.parts) - call.number if self.whole_thread else 0
                first = int(said.remote_id)
                found, *rest = [
                    Published(str(n), f"https://wire.example/{said.account}/{n}")
                    for n in range(first, first + together + 1)
                ]
                return replace(found, rest=tuple(rest))
        return None

    def read_back(self, connection: Connection, remote_id: str) -> Seen | None:
        self._do("read_back")
        if remote_id in self.shown:
            return self.shown[remote_id]
        said = next((s for s in self.ledger if s.remote_id == remote_id), None)
        if said is None:
            return None
        return Seen(said.account, said.text, None, None, None, None, said.reply_to)

    def as_seen(self, call: Call) -> Seen:
        return Seen(call.message.account, call.text, (), 0, (), None, call.reply_to)

    def id_in(self, url: str) -> str | None:
        return url.rpartition("/")[2] or None

    def remove(self, connection: Connection, remote_id: str) -> None:
        self._do("remove")
        self.ledger = [s for s in self.ledger if s.remote_id != remote_id]

    @property
    def texts(self) -> list[str]:
        """What the world reads, in the order it was said."""
        return [s.text for s in self.ledger]

    def _do(self, what: str) -> None:
        self.calls.append(what)
        if waiting := self.troubles.get(what):
            raise waiting.pop(0)
