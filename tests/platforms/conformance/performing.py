"""One account on one stage, and what is done with it as the worker would do it."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256

from PIL import Image

from social_scheduler.message import Attachment, Card, Limits, Message, MessagePart, part_digest
from social_scheduler.platforms import HONOURS_KEYS, Call, Connection, Platform, Published, Upload
from social_scheduler.platforms import RecoveryKind as Kind
from tests.platforms.conformance.stages import Guest, Said, Stage

PATIENT = 30.0
"""Seconds: for whatever is not about not being patient."""
_numbers = itertools.count(1)


def picture(colour: str, alt: str) -> tuple[Attachment, bytes]:
    """A small PNG and how it is attached."""
    buffer = io.BytesIO()
    Image.new("RGB", (60, 40), colour).save(buffer, "PNG")
    data = buffer.getvalue()
    digest = sha256(data).hexdigest()
    return Attachment(sha256=digest, type="image/png", alt=alt, width=60, height=40), data


@dataclass
class Performer:
    """A network's module, a stage, and an account there."""

    name: str
    platform: Platform
    stage: Stage
    guest: Guest
    secrets: set[str] = field(default_factory=set)
    """All that may stand in no error: the keys, and what was made of them since."""
    told: Mapping[str, int] = field(default_factory=dict)
    due_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.secrets |= {self.guest.keys[name] for name in self.guest.secrets}
        self.told = self.told or self.platform.identify(self.connection()).told

    def another(self) -> Performer:
        """The same with another account, where one may not say so much in so little time."""
        if self.stage.generous:
            return self
        guest = self.stage.guest()
        return Performer(self.name, self.platform, self.stage, guest, told=self.told)

    @property
    def limits(self) -> Limits:
        """What this very account may say."""
        return self.platform.limits.told(self.told)

    @property
    def repeats(self) -> bool:
        """Whether the same call again makes one post of both."""
        kind = self.platform.recovery.kind
        return kind is Kind.DETERMINISTIC or (
            kind is Kind.KEYED and bool(self.told.get(HONOURS_KEYS))
        )

    @property
    def looks(self) -> bool:
        """Whether a lost post can be looked for at all."""
        return self.platform.recovery.kind is not Kind.NONE

    def connection(self, url: str = "", read: float = PATIENT) -> Connection:
        """How to reach the account: directly, or by a proxy at `url`."""

        def renewed(keys: Mapping[str, str]) -> None:
            self.secrets.update(keys.values())

        return Connection(url or self.stage.url, self.guest.keys, 5, read, renewed)

    def message(
        self,
        *texts: str,
        media: Sequence[Attachment] = (),
        language: str = "en",
        card: Card | None = None,
    ) -> Message:
        """Exactly what the account will say; pictures go with the first part."""
        first, *rest = texts
        parts = [MessagePart(text=first, media=tuple(media)), *(MessagePart(text=t) for t in rest)]
        return Message(
            platform=self.name,
            server=self.stage.url,
            account=self.guest.native_id,
            language=language,
            parts=tuple(parts),
            card=card,
        )

    def call(
        self,
        message: Message,
        number: int = 1,
        *,
        reply_to: str | None = None,
        files: Mapping[str, bytes] | None = None,
        uploads: Sequence[Upload] | None = None,
    ) -> Call:
        """One part, made ready as the worker does it."""
        digest = sha256(message.canonical()).hexdigest()
        files = files or {}
        if uploads is None and not self.platform.sends_files:
            uploads = [self.upload(m, files) for m in message.attached(number)]
        opened = {name: io.BytesIO(data) for name, data in files.items()}
        return Call(
            message=message,
            number=number,
            key=part_digest(digest, number),
            reply_to=reply_to,
            uploads=uploads or (),
            due_at=self.due_at,
            files=opened if self.platform.sends_files else {},
        )

    def say(self, *texts: str) -> tuple[Call, Published]:
        """Say one part of words, directly."""
        call = self.call(self.message(*texts))
        return call, self.platform.publish(self.connection(), call)

    def upload(
        self, item: Attachment, files: Mapping[str, bytes], connection: Connection | None = None
    ) -> Upload:
        """Hand over one picture, and wait until the network is done with it."""
        connection = connection or self.connection()
        opened = {name: io.BytesIO(files[name]) for name in item.files}
        held = self.platform.upload(connection, item, opened)
        end = time.monotonic() + PATIENT
        while not held.ready and time.monotonic() < end:
            time.sleep(0.05)
            held = self.platform.look_at_upload(connection, held)
        return held

    def live(self, text: str = "") -> list[Said]:
        """What the server's own ledger has of the account, or of it with these words."""
        return [said for said in self.stage.ledger(self.guest) if text in ("", said.text)]

    def proved(self, call: Call, published: Published) -> None:
        """What is live is what was approved, in every field that the network tells."""
        seen = (
            self.platform.read_back(self.connection(), published.remote_id)
            if self.platform.reads_back
            else published.seen
        )
        assert seen is not None, "it is not there"
        wanted = self.platform.as_seen(call)
        assert seen.differences(wanted) == [], f"{seen} is not {wanted}"
        assert seen.text is not None


def words(what: str = "Words") -> str:
    """A text that nobody has said yet."""
    return f"{what} number {next(_numbers)}"
