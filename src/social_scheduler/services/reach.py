"""A worker's way to the networks: keys, whose they are, and pictures handed over ahead.

Nothing here is public or cannot be repeated; calling.py makes the calls that count.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import BinaryIO

from social_scheduler.errors import NotSent, Refused, SchedulerError, Unauthorized
from social_scheduler.media.store import MediaChanged
from social_scheduler.message import Attachment, Message
from social_scheduler.platforms import Call, Connection, Platform, Upload, parts_said
from social_scheduler.services.accounts import allowed_server
from social_scheduler.services.asking import ask
from social_scheduler.services.claim import Claim
from social_scheduler.services.context import Context
from social_scheduler.services.keys import Owner
from social_scheduler.services.keys_renew import renew_account
from social_scheduler.services.last_look import Blocked, Cleared, Grounds, last_look
from social_scheduler.store import due as due_store
from social_scheduler.store import publishing as store
from social_scheduler.store.database import Transaction
from social_scheduler.store.looking import Looked, look
from social_scheduler.store.review import messages_of
from social_scheduler.store.steps import By, remember

PREPARE_AHEAD = timedelta(minutes=30)
PREPARE_AGAIN = timedelta(minutes=1)
"""After trouble; networks count the calls that hand over pictures too."""


@dataclass
class Reach:
    """What one worker knows of the networks. `probe` is told each named moment."""

    context: Context
    worker: str
    probe: Callable[[str], None]
    told: Callable[[str], None]
    connect_timeout: float
    read_timeout: float
    ends: Callable[[], bool] = lambda: False
    """Whether the worker is ending."""
    _connections: dict[str, tuple[int, Connection]] = field(default_factory=dict)
    """By account: how to reach it, and the version of its keys in it."""
    _identities: dict[str, tuple[Connection, str]] = field(default_factory=dict)
    """By account: whom its keys belong to, as the network said, and the keys it was asked with."""
    _unprepared: dict[int, datetime] = field(default_factory=dict)
    """Deliveries whose pictures could not be handed over ahead, and when to try again."""

    def connection(self, account: str, platform: str, server: str, keys: int) -> Connection:
        """How to reach an account with its keys of that version, or newer ones.

        Refused outside of where this workspace may send.
        """
        known = self._connections.get(account)
        if known is not None and keys and known[0] >= keys and known[1].base_url == server:
            return known[1]
        allowed_server(self.context, platform, server)
        owner = Owner(account, platform, server)
        version, opened = self.context.vault.newest(owner, keys)
        connection = Connection(
            base_url=server,
            keys=opened,
            connect_timeout=self.connect_timeout,
            read_timeout=self.read_timeout,
            renewed=self.context.vault.keeper(owner, version),
        )
        self._connections[account] = version, connection
        return connection

    def version(self, account: str) -> int:
        """Which version of its keys this worker reaches an account with; 0: none yet."""
        return self._connections.get(account, (0,))[0]

    def connection_of(self, looked: Looked) -> Connection:
        """How to reach the account of a delivery."""
        account = looked.account
        return self.connection(account.name, account.platform, account.server, account.keys_version)

    def network(
        self, account: str, platform: str, server: str, keys: int
    ) -> tuple[Platform, Connection, str]:
        """The network, how to reach it, and whose keys these are, as it was asked once."""
        module = self.context.platforms[platform]
        connection = self.connection(account, platform, server, keys)
        asked = self._identities.get(account)
        if asked is None or asked[0] != connection:  # other keys may be another account's
            version = self.version(account)
            owner = Owner(account, platform, server)
            if renew_account(self.context, self.worker, owner, module, connection, version):
                connection = self.connection(account, platform, server, version + 1)
            asked = connection, ask(module.identify, connection).native_id
            self._identities[account] = asked
        return module, connection, asked[1]

    def knows(self, account: str, platform: str, server: str, keys: int) -> bool:
        """Whether the network need not be asked any more whose keys these are."""
        asked = self._identities.get(account)
        try:
            return asked is not None and asked[0] == self.connection(
                account, platform, server, keys
            )
        except SchedulerError:
            return False  # told where it is made ready

    def forget(self, account: str) -> None:
        """Ask anew whose keys these are."""
        self._identities.pop(account, None)

    def _look_early(
        self, claim: Claim, connection: Connection, native_id: str, intact: Collection[str]
    ) -> Cleared | Blocked:
        """The last look before it is due: only what is approved is handed over."""
        now = self.context.now()
        with self.context.database.read() as tx:
            grounds = Grounds.read(tx, [claim.delivery_id], now)
        return last_look(
            grounds,
            claim.delivery_id,
            fence=claim.fence,
            now=now,
            server=connection.base_url,
            native_id=native_id,
            intact=intact,
            early=True,
        )

    def pictures(self, message: Message | None, files: contextlib.ExitStack) -> dict[str, BinaryIO]:
        """The pictures, hashed from the open files that are then uploaded."""
        opened: dict[str, BinaryIO] = {}
        for sha256 in {s for item in message.media for s in item.files} if message else ():
            with contextlib.suppress(MediaChanged, OSError):  # the last look says which
                opened[sha256] = files.enter_context(self.context.media.verified_open(sha256))
        return opened

    def with_files(self, call: Call, files: contextlib.ExitStack) -> Call:
        """The call with its part's files, hashed now; NotSent when they are not the approved ones."""
        opened: dict[str, BinaryIO] = {}
        for sha256 in {s for item in call.message.attached(call.number) for s in item.files}:
            try:
                opened[sha256] = files.enter_context(self.context.media.verified_open(sha256))
            except (MediaChanged, OSError) as problem:
                raise NotSent(
                    f"The file {sha256[:12]}… cannot be read as it was approved.",
                    evidence=type(problem).__name__,
                ) from problem
        return replace(call, files=opened)

    def uploads(
        self,
        claim: Claim,
        looked: Looked,
        message: Message | None,
        platform: Platform,
        connection: Connection,
        native_id: str,
        opened: dict[str, BinaryIO],
    ) -> list[Upload]:
        """The next call's pictures at the network, uploading what is missing: approved ones only."""
        part = looked.next_part
        if message is None or part is None or part.number > len(message.parts):
            return []
        if platform.sends_files:
            return []  # they go out with the words
        numbers = parts_said(platform, message, part.number)
        wanted = {
            number: [m for m in message.attached(number) if set(m.files) <= set(opened)]
            for number in numbers
        }
        if not any(wanted.values()):
            return []
        if isinstance(self._look_early(claim, connection, native_id, set(opened)), Blocked):
            return []  # the intent's own last look says why
        return [
            upload
            for number, media in wanted.items()
            if media
            for upload in self._hand_over(
                claim.delivery_id, number, media, platform, connection, opened
            )
        ]

    def _hand_over(
        self,
        delivery_id: int,
        part: int,
        wanted: Sequence[Attachment],
        platform: Platform,
        connection: Connection,
        opened: dict[str, BinaryIO],
    ) -> list[Upload]:
        soon = self.context.now() + timedelta(minutes=1)
        with self.context.database.read() as tx:
            held = {
                u.sha256: Upload(u.sha256, u.remote_id, u.expires_at, u.ready)
                for u in store.uploads_of(tx, delivery_id, soon)
                if u.part == part
            }
        for item in wanted:
            known = held.get(item.sha256)
            if known is None:
                files = {sha256: opened[sha256] for sha256 in item.files}
                for file in files.values():
                    file.seek(0)  # another part may have shown it too
                now = ask(platform.upload, connection, item, files)
            elif not known.ready:
                now = self._look_at(delivery_id, part, known, platform, connection)
            else:
                continue
            held[item.sha256] = now
            self._keep_upload(delivery_id, part, now)
        self.probe("prepared")
        if any(not held[m.sha256].ready for m in wanted):
            raise NotSent(f"{platform.label} still works on a film.")
        return [held[m.sha256] for m in wanted]

    def _look_at(
        self, delivery_id: int, part: int, known: Upload, platform: Platform, connection: Connection
    ) -> Upload:
        try:
            return ask(platform.look_at_upload, connection, known)
        except Refused:
            with self.context.database.work() as tx:  # queued again, it is handed over again
                store.forget_upload(tx, delivery_id, part, known.sha256)
            raise

    def _keep_upload(self, delivery_id: int, part: int, upload: Upload) -> None:
        with self.context.database.work() as tx:
            store.keep_upload(
                tx,
                delivery_id=delivery_id,
                part=part,
                sha256=upload.sha256,
                remote_id=upload.remote_id,
                expires_at=upload.expires_at,
                ready=upload.ready,
            )

    def prepare_ahead(self, limit: int = 20) -> None:
        """Upload the pictures of what is due within half an hour; approved content only."""
        now = self.context.now()
        self._unprepared = {d: again for d, again in self._unprepared.items() if again > now}
        with self.context.database.read() as tx:
            ids = due_store.to_prepare(
                tx,
                now,
                now + PREPARE_AHEAD,
                limit + len(self._unprepared),
                [name for name, one in self.context.platforms.items() if not one.sends_files],
            )
        for delivery_id in ids:
            if delivery_id in self._unprepared:
                continue
            with contextlib.ExitStack() as files:
                self._prepare(delivery_id, files)

    def _prepare(self, delivery_id: int, files: contextlib.ExitStack) -> None:
        with self.context.database.read() as tx:
            looked = look(tx, delivery_id)
            message = stored_message(tx, looked)
        account = looked.account
        claim = Claim(
            delivery_id,
            looked.delivery.attempt,
            account.id,
            account.name,
            account.platform,
            account.server,
            account.keys_version,
        )
        try:
            platform, connection, native_id = self.network(
                account.name, account.platform, account.server, account.keys_version
            )
            opened = self.pictures(message, files)
            found = self._look_early(claim, connection, native_id, set(opened))
            if isinstance(found, Blocked):
                return
            for number in range(1, len(found.message.parts) + 1):
                media = found.message.attached(number)
                self._hand_over(delivery_id, number, media, platform, connection, opened)
        except Unauthorized as problem:
            self.suspend(looked, problem, account.keys_version)
        except SchedulerError as problem:
            # Nothing is lost: the pictures are uploaded when the post is due.
            self._unprepared[delivery_id] = self.context.now() + PREPARE_AGAIN
            self.told(f"{looked.account.name}: pictures not prepared yet — {problem}")

    def suspend(self, looked: Looked, problem: Unauthorized, keys: int) -> None:
        """Nothing goes out through the account until it has other keys than those of that version."""
        by = By(self.worker, self.context.now(), problem.problem)
        with self.context.database.work() as tx:
            if not store.suspend_account(tx, looked.account.id, problem.problem, keys):
                return  # it was connected again meanwhile
            remember(tx, by, "suspend_account", delivery_id=looked.delivery.id)
        self.told(f"{looked.account.name}: suspended — {problem}")


def stored_message(tx: Transaction, looked: Looked) -> Message | None:
    """The message as stored; the last look judges whether it is the approved one."""
    delivery = looked.delivery
    for row in messages_of(tx, delivery.post_id, delivery.revision):
        if row.account_id == delivery.account_id:
            with contextlib.suppress(ValueError):
                return Message.from_canonical(row.body)
    return None
