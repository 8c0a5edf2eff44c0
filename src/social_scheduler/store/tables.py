"""The tables. Times are whole microseconds since 1970 UTC, so both databases sort and compare alike."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Dialect,
    Enum,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from social_scheduler.lifecycle import DeliveryState, PartState, PostState, Thing

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An aware datetime kept as BIGINT microseconds; naive ones are refused."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Microseconds since the epoch."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"an instant needs a zone: {value!r}")
        return (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """An aware UTC datetime."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


def _words(kind: type[StrEnum]) -> Enum:
    """An enum kept as its word, with a CHECK constraint."""
    return Enum(
        kind,
        native_enum=False,
        create_constraint=True,
        length=24,
        name=kind.__name__.lower(),
        values_callable=lambda members: [m.value for m in members],
    )


class AccountState(StrEnum):
    """Whether an account can be spoken through."""

    CONNECTED = "connected"
    SUSPENDED = "suspended"


class ConnectingState(StrEnum):
    """How far an account's connecting is."""

    BEGUN = "begun"
    """The person was sent to the network, and has not come back."""
    WAITING = "waiting"
    """A worker is to ask the network."""
    ASKING = "asking"
    CONNECTED = "connected"
    FAILED = "failed"


class HoldScope(StrEnum):
    """What a hold stops."""

    EVERYTHING = "everything"
    CAMPAIGN = "campaign"
    POST = "post"
    ACCOUNT = "account"
    LANGUAGE = "language"
    TAG = "tag"
    KIND = "kind"


class Verdict(StrEnum):
    """What reading a live part back showed."""

    EQUAL = "equal"
    DIFFERS = "differs"
    GONE = "gone"
    NOT_READABLE = "not readable"


class Base(DeclarativeBase):
    """Every table of ours."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: Instant(),
        dict[str, Any]: JSON(),
        dict[str, int]: JSON(),
        list[str]: JSON(),
        list[int]: JSON(),
        PostState: _words(PostState),
        DeliveryState: _words(DeliveryState),
        PartState: _words(PartState),
        Thing: _words(Thing),
        AccountState: _words(AccountState),
        ConnectingState: _words(ConnectingState),
        HoldScope: _words(HoldScope),
        Verdict: _words(Verdict),
        bytes: LargeBinary(),
        str: String(),
    }


BigId = BigInteger().with_variant(Integer(), "sqlite")


class Workspace(Base):
    """One row: what this database belongs to, and the policy in force.

    `restored_to` is set while the database is a backup put back, and says from when it is.
    """

    __tablename__ = "workspace"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str]
    kind: Mapped[str]
    created_at: Mapped[datetime]
    policy: Mapped[dict[str, Any]]
    restored_to: Mapped[datetime | None]


class Person(Base):
    """Somebody who acts: their roles, and the languages they read."""

    __tablename__ = "person"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    password_hash: Mapped[str | None]
    roles: Mapped[list[str]]
    languages: Mapped[list[str]]
    active: Mapped[bool]
    created_at: Mapped[datetime]


class Token(Base):
    """A sign-in, a browser session or a script's token; only its SHA-256 is kept."""

    __tablename__ = "token"
    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    digest: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    label: Mapped[str]
    rights: Mapped[list[str] | None]
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class Account(Base):
    """A connected account.

    `spacing` is the least number of seconds between two of its posts; `spoke_at` is kept for
    accounts that have one. `told` are limits of its own (message.TOLD), `scopes` what its keys
    may do, `ends_at` when they end: as the network said at `asked_at`. `keys_version` is the
    version of its secret, so that a worker knows whether it has the newest; until `renewing_until`
    one worker asks for newer ones.
    """

    __tablename__ = "account"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    platform: Mapped[str]
    handle: Mapped[str]
    language: Mapped[str]
    server: Mapped[str]
    native_id: Mapped[str]
    may_thread: Mapped[bool]
    state: Mapped[AccountState]
    trouble: Mapped[str | None]
    limited_until: Mapped[datetime | None]
    spacing: Mapped[int] = mapped_column(default=0)
    spoke_at: Mapped[datetime | None]
    told: Mapped[dict[str, int]] = mapped_column(default=dict)
    scopes: Mapped[list[str]] = mapped_column(default=list)
    ends_at: Mapped[datetime | None]
    asked_at: Mapped[datetime | None]
    keys_version: Mapped[int] = mapped_column(default=0)
    renewing_until: Mapped[datetime | None]
    connected_at: Mapped[datetime]


class SealingKey(Base):
    """One row: the workers' public key. What is sealed to it only they can read."""

    __tablename__ = "sealing_key"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    public_key: Mapped[bytes]
    made_at: Mapped[datetime]


class Secret(Base):
    """Sealed keys, bound to their place (`account/x-en`) and version, which stand inside too."""

    __tablename__ = "secret"
    place: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[int]
    sealed: Mapped[bytes]
    kept_at: Mapped[datetime]


class NetworkApp(Base):
    """Our app at one server of a network: what is no secret of it. The rest is a `Secret`."""

    __tablename__ = "network_app"
    platform: Mapped[str] = mapped_column(primary_key=True)
    server: Mapped[str] = mapped_column(primary_key=True)
    public: Mapped[dict[str, Any]]
    kept_by: Mapped[str]
    kept_at: Mapped[datetime]


class Connecting(Base):
    """One attempt to connect an account, from the person's press of the button to its outcome.

    `ours` is sealed when it begins (state and verifier, or pasted keys), `theirs` when the network
    has sent the person back (its code); both are forgotten when it is over. `state_digest` finds
    it by what the network gives back, once. `token_id` is the session that it belongs to; None:
    it was begun on the command line, and belongs to the person.
    """

    __tablename__ = "connecting"
    id: Mapped[int] = mapped_column(primary_key=True)
    account: Mapped[str]
    entry: Mapped[dict[str, Any]]
    server: Mapped[str]
    state: Mapped[ConnectingState] = mapped_column(index=True)
    state_digest: Mapped[str | None] = mapped_column(unique=True)
    redirect_url: Mapped[str | None]
    person: Mapped[str]
    person_id: Mapped[int]
    token_id: Mapped[int | None]
    begun_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ours: Mapped[bytes | None]
    theirs: Mapped[bytes | None]
    worker: Mapped[str | None]
    outcome: Mapped[str | None]
    """Whose keys they are; or what is wrong."""
    remedy: Mapped[str | None]
    finished_at: Mapped[datetime | None]


class Campaign(Base):
    """A campaign by name, and where its one home is."""

    __tablename__ = "campaign"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    home: Mapped[str]
    path: Mapped[str]
    kind: Mapped[str]
    title: Mapped[str]


class Post(Base):
    """One thing to say; `revision` is the number of its current wording."""

    __tablename__ = "post"
    __table_args__ = (UniqueConstraint("campaign_id", "key"), Index(None, "state"))
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    key: Mapped[str]
    state: Mapped[PostState]
    revision: Mapped[int]
    removed_from_file_at: Mapped[datetime | None]


class Revision(Base):
    """What a post said and when, the n-th time it was queued with other words."""

    __tablename__ = "revision"
    post_id: Mapped[int] = mapped_column(BigId, ForeignKey("post.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str]
    kind: Mapped[str]
    owner: Mapped[str]
    tags: Mapped[list[str]]
    release: Mapped[str]
    zone: Mapped[str]
    wall: Mapped[str]
    due_at: Mapped[datetime]
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    authors: Mapped[list[int]]
    queued_at: Mapped[datetime]
    place: Mapped[str]


class MessageRow(Base):
    """The canonical bytes that one account says in one revision; never changed."""

    __tablename__ = "message"
    __table_args__ = (
        ForeignKeyConstraint(["post_id", "revision"], ["revision.post_id", "revision.number"]),
    )
    post_id: Mapped[int] = mapped_column(BigId, primary_key=True)
    revision: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    language: Mapped[str]
    digest: Mapped[str]
    body: Mapped[bytes]


def _only(condition: str) -> dict[str, Any]:
    """An index over few of the rows: it costs little, however long the queue is."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Delivery(Base):
    """One post to one account. `attempt` is the fence: it grows with every claim and edit.

    `ready_at` is when a worker may take it: when its window opens, or later after a passing
    trouble. The due time itself never changes.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("post_id", "account_id"),
        Index("ix_delivery_ready", "ready_at", **_only("state = 'scheduled'")),
        Index("ix_delivery_window", "not_after", **_only("state = 'scheduled'")),
        Index("ix_delivery_lease", "lease_until", **_only("state IN ('leased', 'sending')")),
        Index("ix_delivery_taken", "account_id", **_only("state IN ('leased', 'sending')")),
        Index("ix_delivery_look", "next_look_at", **_only("state = 'unconfirmed'")),
        Index(
            "ix_delivery_inbox",
            "due_at",
            **_only("state IN ('failed', 'missed', 'partial', 'unconfirmed')"),
        ),
        Index("ix_delivery_account", "account_id", "due_at"),
    )
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    post_id: Mapped[int] = mapped_column(BigId, ForeignKey("post.id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    revision: Mapped[int]
    language: Mapped[str]
    kind: Mapped[str]
    tags: Mapped[list[str]]
    together: Mapped[bool]
    pictures: Mapped[int]
    state: Mapped[DeliveryState]
    due_at: Mapped[datetime]
    not_before: Mapped[datetime]
    not_after: Mapped[datetime]
    ready_at: Mapped[datetime]
    next_look_at: Mapped[datetime | None]
    looks: Mapped[int]
    tries: Mapped[int]
    attempt: Mapped[int]
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    trouble: Mapped[str | None]


class Part(Base):
    """One call of a delivery."""

    __tablename__ = "part"
    delivery_id: Mapped[int] = mapped_column(BigId, ForeignKey("delivery.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str]
    state: Mapped[PartState]
    remote_id: Mapped[str | None]
    url: Mapped[str | None]
    live_at: Mapped[datetime | None]


class Attempt(Base):
    """The evidence of one call: written before a byte leaves, completed by what came back."""

    __tablename__ = "attempt"
    __table_args__ = (Index(None, "started_at"),)
    delivery_id: Mapped[int] = mapped_column(BigId, ForeignKey("delivery.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str]
    revision: Mapped[int]
    digest: Mapped[str]
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    evidence: Mapped[str | None]


class Upload(Base):
    """A picture or film the network holds for a delivery, prepared ahead."""

    __tablename__ = "upload"
    delivery_id: Mapped[int] = mapped_column(BigId, ForeignKey("delivery.id"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(primary_key=True)
    remote_id: Mapped[str]
    expires_at: Mapped[datetime]
    ready: Mapped[bool] = mapped_column(default=True)


class Approval(Base):
    """Somebody said yes to exactly these words and this window. Ended ones never count again."""

    __tablename__ = "approval"
    __table_args__ = (Index(None, "post_id", "revision"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(BigId, ForeignKey("post.id"))
    revision: Mapped[int]
    language: Mapped[str]
    content_digest: Mapped[str]
    window_digest: Mapped[str]
    window_only: Mapped[bool]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    given_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_why: Mapped[str | None]


class History(Base):
    """One row a step: who, when, from, to, why. Its last id is the database's change number."""

    __tablename__ = "history"
    __table_args__ = (Index(None, "post_id"), Index(None, "delivery_id"))
    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at: Mapped[datetime]
    who: Mapped[str]
    step: Mapped[str]
    post_id: Mapped[int | None] = mapped_column(BigId)
    delivery_id: Mapped[int | None] = mapped_column(BigId)
    part: Mapped[int | None]
    source: Mapped[str | None]
    target: Mapped[str | None]
    why: Mapped[str | None]


class Hold(Base):
    """A stop with a scope and a reason; while it stands nothing it matches is sent."""

    __tablename__ = "hold"
    id: Mapped[int] = mapped_column(primary_key=True)
    scope: Mapped[HoldScope]
    value: Mapped[str]
    reason: Mapped[str]
    placed_by: Mapped[str]
    placed_at: Mapped[datetime]
    until: Mapped[datetime | None]
    released_by: Mapped[str | None]
    released_at: Mapped[datetime | None]


class Proof(Base):
    """What the network showed of a live part when it was read back."""

    __tablename__ = "proof"
    __table_args__ = (
        Index(None, "next_look_at", **_only("next_look_at IS NOT NULL")),
        Index("ix_proof_wrong", "delivery_id", **_only("verdict != 'equal'")),
    )
    delivery_id: Mapped[int] = mapped_column(BigId, ForeignKey("delivery.id"), primary_key=True)
    part: Mapped[int] = mapped_column(primary_key=True)
    verdict: Mapped[Verdict | None]
    fields: Mapped[list[str]]
    seen: Mapped[dict[str, Any] | None]
    looks: Mapped[int]
    checked_at: Mapped[datetime | None]
    next_look_at: Mapped[datetime | None]


class Worker(Base):
    """A process that publishes, enrolled with its journal, and when it was last heard of."""

    __tablename__ = "worker"
    id: Mapped[str] = mapped_column(primary_key=True)
    journal: Mapped[str]
    enrolled_at: Mapped[datetime]
    reconciled_at: Mapped[datetime | None]
    """When its journal was last read into a database that had been put back."""
    lost_at: Mapped[datetime | None]
    """When an admin declared that its journal is gone for good."""
    host: Mapped[str]
    pid: Mapped[int]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    stopped_at: Mapped[datetime | None]


class Gap(Base):
    """A call that a worker's journal knows and this database does not, for it was put back.

    Words whose part digest is in here are not said again until a person has settled the gap.
    """

    __tablename__ = "gap"
    __table_args__ = (UniqueConstraint("worker", "delivery", "attempt", "part", "digest"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    worker: Mapped[str]
    delivery: Mapped[int] = mapped_column(BigId)
    attempt: Mapped[int]
    part: Mapped[int]
    digest: Mapped[str] = mapped_column(index=True)
    post: Mapped[str]
    account: Mapped[str]
    outcome: Mapped[str | None]
    url: Mapped[str | None]
    found_at: Mapped[datetime]
    settled_by: Mapped[str | None]
    settled_at: Mapped[datetime | None]
