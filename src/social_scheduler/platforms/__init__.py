"""The networks: one module each, found by scanning this package.

A module's name is the platform's name in accounts.yaml. It has a `PLATFORM` that fulfils
`Platform`; SDKs are imported inside its functions and nowhere else.

`publish` returns `Published` or raises one of the five `PlatformError`s of errors.py.
Whatever else escapes is treated by the caller as `Unconfirmed`.
No module sleeps, retries a publishing call, follows a redirect, or uses the network's own
scheduling.
"""

from __future__ import annotations

import base64
import hashlib
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import cache
from typing import BinaryIO, Protocol

from social_scheduler.errors import NotFound, plain, plain_name
from social_scheduler.message import Attachment, Limits, Message

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class RecoveryKind(StrEnum):
    """How an unclear call can be cleared up (design: "After an unconfirmed call")."""

    DETERMINISTIC = "deterministic"
    KEYED = "keyed"
    TWO_STEP = "two_step"
    SEARCHABLE = "searchable"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Recovery:
    """`settle`: seconds after the call at which it is worth looking, the last one final.

    `keyed_for`: seconds after the first call in which the same call may be made again.
    """

    kind: RecoveryKind
    settle: tuple[float, ...] = ()
    keyed_for: float = 0


may_still_go_out: ContextVar[Callable[[], bool]] = ContextVar(
    "may_still_go_out", default=lambda: True
)
"""Asked at the last moment before the request that publishes: by then a hold may have been placed,
or the window closed, while a module asked its network something else."""

HONOURS_KEYS = "honours_keys"
"""In `Identity.told`, 1: this server makes one post of two calls with the same key."""
_MOST_SCOPES = 100


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach one account: address, keys, timeouts. Never logged, never stored as a whole."""

    base_url: str
    keys: Mapping[str, str]
    connect_timeout: float = 5.0
    read_timeout: float = 30.0
    renewed: Callable[[Mapping[str, str]], None] | None = field(default=None, compare=False)
    """Told keys that the network has changed meanwhile, such as a session's; they are kept beside
    those that did not change. An empty one is not kept."""

    def __repr__(self) -> str:
        return f"Connection({self.base_url!r}, keys hidden)"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the network says the keys belong to, and what else it tells of the account.

    Its names are kept so that databases, terminals and histories can take them.
    """

    native_id: str
    handle: str
    told: Mapping[str, int] = field(default_factory=dict)
    """Limits of this very account or server, by the names in message.TOLD."""
    scopes: tuple[str, ...] = ()
    """What the keys may do, where the network tells."""
    ends_at: datetime | None = None
    """When the keys end and a person must connect the account again; None: never, or untold."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "native_id", plain_name(self.native_id))
        object.__setattr__(self, "handle", plain_name(self.handle))
        scopes = tuple(plain_name(scope) for scope in self.scopes[:_MOST_SCOPES])
        object.__setattr__(self, "scopes", scopes)


@dataclass(frozen=True, slots=True)
class SignIn:
    """An account is connected in a browser: the network asks its owner, and sends a code back.

    `address` is where the person is sent, with `state`, `challenge` and the exact `redirect_url`
    of the request. It is made by the web process, so of the app's keys it is given the `public`
    ones only. `exchange` turns the code into the account's keys; the worker calls it, with all
    the app's keys, and keeps whatever it answers: also what `renew` will need, such as the app's.
    """

    address: Callable[[SignInRequest], str]
    exchange: Callable[[Connection, SignInRequest, str], Mapping[str, str]]
    app_keys: tuple[str, ...]
    """What our app is known by at the network, given beforehand, such as client_id and
    client_secret. Those whose name is in `optional` may be left out."""
    public: tuple[str, ...] = ("client_id",)
    """Those of `app_keys` that are no secret: the address shows them."""
    optional: tuple[str, ...] = ()
    register: Callable[[Connection, str], Mapping[str, str]] | None = None
    """Where an app may introduce itself to a server: (connection without keys, redirect address)
    → its `app_keys`."""


@dataclass(frozen=True, slots=True)
class SignInRequest:
    """One attempt to connect: who we are to the network, and what only we can know."""

    server: str
    app: Mapping[str, str]
    redirect_url: str
    state: str
    verifier: str
    """PKCE: its SHA-256 goes to the network first, it itself with the code."""

    @property
    def challenge(self) -> str:
        """PKCE S256: what the address carries of the verifier."""
        digest = hashlib.sha256(self.verifier.encode("ascii")).digest()
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode("ascii")

    def __repr__(self) -> str:
        return f"SignInRequest({self.server!r}, secrets hidden)"


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture or film the network holds for us, invisible until a post uses it."""

    sha256: str
    remote_id: str
    expires_at: datetime
    ready: bool = True
    """False while the network still works on it: `look_at_upload` tells when it is done."""

    def __post_init__(self) -> None:
        """As `Published`."""
        object.__setattr__(self, "remote_id", plain(self.remote_id))


@dataclass(frozen=True, slots=True)
class Published:
    """One part is live: the network's id, and the address people can open.

    `rest`: the parts after it, where the network takes a whole thread in one call.
    """

    remote_id: str
    url: str
    rest: tuple[Published, ...] = ()
    seen: Seen | None = None
    """What the answer itself shows of the part, where it cannot be read back later."""

    def __post_init__(self) -> None:
        """A network's own text: whatever it holds can be kept and shown."""
        object.__setattr__(self, "remote_id", plain(self.remote_id))
        object.__setattr__(self, "url", plain(self.url))


@dataclass(frozen=True, slots=True)
class Seen:
    """One live part as the network shows it; None where it does not tell."""

    author_id: str | None
    text: str | None
    links: tuple[str, ...] | None
    media_count: int | None
    alt_texts: tuple[str, ...] | None
    language: str | None
    reply_to: str | None
    visibility: str | None = None
    quoted: tuple[str, ...] | None = None
    """Every name of the post it quotes, () for none: a name in common is enough."""

    def differences(self, expected: Seen) -> list[str]:
        """The fields in which this is not what was expected; what nobody tells cannot differ."""
        return [
            name
            for name in self.__slots__
            if (mine := getattr(self, name)) is not None
            and (theirs := getattr(expected, name)) is not None
            and mine != theirs
            and (name != "quoted" or set(mine).isdisjoint(theirs))
        ]


@dataclass(frozen=True, slots=True)
class Call:
    """One part about to be sent: `number` counts from 1, `key` is stable for this part.

    `due_at` is the same whenever the call is repeated, as `key` is: what a network is told of
    times and ids is made from the two. `uploads` are in the order of `message.attached`, of all
    parts when the network says the `whole_thread` with its first.
    """

    message: Message
    number: int
    key: str
    reply_to: str | None
    uploads: Sequence[Upload]
    due_at: datetime = EPOCH
    files: Mapping[str, BinaryIO] = field(default_factory=dict, compare=False)
    """The part's files by SHA-256, hashed and at their start, where the network `sends_files`."""

    @property
    def text(self) -> str:
        """The part's words, as approved."""
        return self.message.parts[self.number - 1].text

    def uploaded(self, now: datetime) -> Iterator[tuple[Attachment, Upload | None]]:
        """The part's pictures and films in order, each with its upload while that may be used."""
        held = {upload.sha256: upload for upload in self.uploads}
        for item in self.message.parts[self.number - 1].media:
            upload = held.get(item.sha256)
            usable = upload is not None and upload.ready and upload.expires_at > now
            yield item, upload if usable else None


@dataclass(frozen=True, slots=True)
class Prices:
    """What a network charges for a call that says something, in thousandths of a US dollar."""

    post: int
    post_with_link: int
    repost: int


class Platform(Protocol):
    """What the rest of the product asks of a network."""

    label: str
    limits: Limits
    recovery: Recovery
    default_url: str
    """The network's own address; rehearsal workspaces use the sandbox's instead."""
    keys: tuple[str, ...]
    """Names of the secrets an account must supply when it is not connected by `sign_in`."""
    sign_in: SignIn | None
    """How an account is connected in a browser, where the network has a way."""
    prices: Prices | None
    """What saying something costs there; None: nothing."""
    sends_files: bool
    """Whether `publish` hands over the files: the network keeps nothing unseen beforehand."""
    whole_thread: bool
    """Whether the call of a thread's first part says all of it; it is given every part's uploads."""
    reads_back: bool
    """Whether a live part can be read again; where not, `Published.seen` is all there is."""
    many_servers: bool
    """Whether its accounts are at servers of their own; else keys go to `default_url` alone."""

    def identify(self, connection: Connection) -> Identity:
        """Ask the network whose keys these are."""

    def renew(self, connection: Connection) -> Mapping[str, str] | None:
        """New keys in place of those that end soon; None where they do not end, or not yet.

        Asked every minute by one worker at a time; also first of all when it begins, and while
        the account is suspended. What is answered is kept beside the keys that did not change.
        """

    def check(self, message: Message, limits: Limits) -> Sequence[str]:
        """What else the network would refuse, beyond what `limits` says; pure, asks nobody."""

    def upload(
        self, connection: Connection, item: Attachment, files: Mapping[str, BinaryIO]
    ) -> Upload:
        """Hand over one picture or film with its alt text; invisible and repeatable.

        `files` are the attachment's, by SHA-256, open at their start.
        """

    def look_at_upload(self, connection: Connection, upload: Upload) -> Upload:
        """An upload the network was still working on, as it is now. Refused: it cannot be used."""

    def publish(self, connection: Connection, call: Call) -> Published:
        """Say one part, once."""

    def find(
        self, connection: Connection, call: Call, since: datetime, known: frozenset[str]
    ) -> Published | None:
        """Look for a part that may be live, at or after `since`, that is none of `known` ids."""

    def read_back(self, connection: Connection, remote_id: str) -> Seen | None:
        """The live part as others see it; None when it is gone."""

    def as_seen(self, call: Call) -> Seen:
        """What an honest copy of this part looks like to `read_back`."""

    def id_in(self, url: str) -> str | None:
        """The network's id of the post at an address that a person pasted; None when it is none."""

    def remove(self, connection: Connection, remote_id: str) -> None:
        """Take one part down; gone already is fine."""


class Basics:
    """What a network need not have: a module's class begins with this and adds its own."""

    sign_in: SignIn | None = None
    prices: Prices | None = None
    sends_files: bool = False
    whole_thread: bool = False
    reads_back: bool = True
    many_servers: bool = False

    def renew(self, connection: Connection) -> Mapping[str, str] | None:
        """Its keys do not end by themselves."""
        return None

    def check(self, message: Message, limits: Limits) -> Sequence[str]:
        """Its limits say everything."""
        return ()

    def look_at_upload(self, connection: Connection, upload: Upload) -> Upload:
        """Its uploads are ready at once."""
        return upload


def parts_said(platform: Platform, message: Message, number: int) -> range:
    """The numbers of the parts that the call of part `number` says."""
    last = len(message.parts) if platform.whole_thread and number == 1 else number
    return range(number, last + 1)


def renews(platform: Platform) -> bool:
    """Whether a network's keys are renewed at all: most never end."""
    return getattr(type(platform), "renew", None) is not Basics.renew


@cache
def discover() -> Mapping[str, Platform]:
    """Every network there is a module for, by name."""
    found: dict[str, Platform] = {}
    for module in pkgutil.iter_modules(__path__):
        if not module.name.startswith("_"):
            found[module.name] = importlib.import_module(f"{__name__}.{module.name}").PLATFORM
    return found


def limits() -> Mapping[str, Limits]:
    """Every network's limits, by platform name."""
    return {name: platform.limits for name, platform in discover().items()}


def refusals() -> Mapping[str, Callable[[Message, Limits], Sequence[str]]]:
    """The `check` of every network that has one of its own, by platform name."""
    return {
        name: platform.check
        for name, platform in discover().items()
        if getattr(type(platform), "check", None) is not Basics.check
    }


def named(name: str) -> Platform:
    """The platform of that name."""
    try:
        return discover()[name]
    except KeyError:
        known = ", ".join(sorted(discover()))
        raise NotFound(f"There is no platform {name!r}.", f"Use one of: {known}.") from None


Opener = Callable[[str], BinaryIO]
"""Opens stored media by SHA-256 after its bytes have been hashed again."""
