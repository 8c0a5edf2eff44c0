"""A folder of pictures, whole and broken, and the rules the broken files are checked against."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from social_scheduler.campaign.checks import Picture, Rules
from social_scheduler.campaign.schema import AccountEntry, Accounts
from social_scheduler.media import pictures
from social_scheduler.message import Limits
from social_scheduler.policy import Policy, PolicyRule

NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

X = Limits(
    text=280,
    counted_in="weighted",
    pictures=4,
    picture_bytes=5_000_000,
    picture_side=8192,
    picture_types=frozenset({"image/jpeg", "image/png", "image/webp"}),
    alt_text=1000,
    thread=True,
)
PLAIN = Limits(
    text=300,
    counted_in="graphemes",
    pictures=1,
    picture_bytes=1_000_000,
    picture_side=2000,
    picture_types=frozenset({"image/jpeg", "image/png"}),
    alt_text=300,
    thread=False,
)


def account(name: str, language: str, *groups: str, thread: bool = True) -> AccountEntry:
    """An account whose platform is the first word of its name."""
    return AccountEntry(
        name=name,
        platform=name.split("-")[0],
        handle=name.replace("-", "_"),
        language=language,
        groups=list(groups),
        may_thread="yes" if thread else "no",
    )


ACCOUNTS = Accounts(
    accounts=[
        account("x-en", "en", "all-x"),
        account("x-ar", "ar", "all-x"),
        account("x-fr", "fr", "all-x"),
        account("x-quiet", "en", thread=False),
        account("plain-en", "en"),
        account("smoke-en", "en"),
    ]
)
POLICY = Policy(
    rules=[PolicyRule(kinds=["news", "story", "quote"], accounts=None, languages=None, approvals=1)]
)


def look(path: Path) -> Picture:
    """Look into a picture and decode all of it, as `check` does."""
    picture = pictures.inspect(path)
    pictures.decode_check(path)
    return picture


@pytest.fixture
def rules() -> Rules:
    """Accounts, limits, policy and people that every campaign here is checked against."""
    return Rules(
        accounts=ACCOUNTS,
        limits={"x": X, "plain": PLAIN},
        policy=POLICY,
        now=NOW,
        inspect=look,
        people=frozenset({"amal", "omar"}),
    )


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose `media/` holds one whole picture and every kind of broken one."""
    folder = tmp_path_factory.mktemp("campaigns")
    media = folder / "media"
    media.mkdir()
    image = Image.new("RGB", (40, 30), "firebrick")
    image.save(media / "loom.png")
    image.save(media / "loom.gif")
    image.save(
        media / "moving.gif",
        save_all=True,
        append_images=[Image.new("RGB", (40, 30), "navy")],
        duration=100,
    )
    Image.effect_noise((400, 400), 90).save(media / "noise.png")
    (media / "short.png").write_bytes((media / "noise.png").read_bytes()[:20_000])
    (media / "large.png").write_bytes((media / "loom.png").read_bytes() + bytes(6_000_000))
    Image.new("RGB", (9000, 1)).save(media / "wide.png")
    (media / "bomb.png").write_bytes(_bomb(60_000))
    (media / "note.png").write_text("not a picture")
    outside = folder.parent / "outside.png"
    image.save(outside)
    (media / "outside.png").symlink_to(outside)
    return folder


def _bomb(side: int) -> bytes:
    """A small PNG whose head promises `side` × `side` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(side // 8 * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.fixture
def place(picture_folder: Path) -> Callable[[str], Path]:
    """Where a campaign file would stand to see the pictures."""
    return lambda name: picture_folder / name
