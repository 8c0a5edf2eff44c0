"""A folder of pictures, whole and broken, and the rules the broken files are checked against."""

from __future__ import annotations

import os
import re
import struct
import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from social_scheduler.campaign.checks import Picture, Rules
from social_scheduler.campaign.partners import Partners
from social_scheduler.campaign.schema import AccountEntry, Accounts
from social_scheduler.media import Picture as Still
from social_scheduler.media import decode_check, inspect
from social_scheduler.message import Limits
from social_scheduler.policy import Policy, PolicyRule
from tests.media import filming

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
    options=frozenset({"replies", "quote", "repost"}),
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
REEL = replace(PLAIN, films=1, film_bytes=5_000_000, film_milliseconds=2000, captions=True)
BOX = replace(
    PLAIN,
    thread=True,
    text_bytes=400,
    text_with_media=60,
    own_card=True,
    options=frozenset({"warning", "visibility", "silent"}),
)
PARTNERS = Partners.model_validate(
    {
        "partners": {
            "meridia": {
                "name": {"en": "Meridia", "ar": "ميريديا"},
                "handles": {"x": "MeridiaDemo", "box": "meridia.example.org"},
                "ids": {"box": "did:plc:meridia"},
            },
            "harbour": {"name": {"ar": "الميناء"}},
        }
    }
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
        account("box-en", "en"),
        account("reel-en", "en"),
    ]
)
POLICY = Policy(
    rules=[PolicyRule(kinds=["news", "story", "quote"], accounts=None, languages=None, approvals=1)]
)


def look(path: Path) -> Picture:
    """Look into a picture or film and read all of it, as `check` does."""
    found = inspect(path)
    if isinstance(found, Still):
        decode_check(path)
    return found


def id_in(platform: str, address: str) -> str | None:
    """The number at the end of an address at `platform`.example."""
    found = re.fullmatch(rf"https://{platform}\.example/\w+/status/(\d+)", address)
    return found[1] if found else None


@pytest.fixture
def rules() -> Rules:
    """Accounts, limits, policy and people that every campaign here is checked against."""
    return Rules(
        accounts=ACCOUNTS,
        limits={"x": X, "plain": PLAIN, "reel": REEL, "box": BOX},
        policy=POLICY,
        now=NOW,
        inspect=look,
        people=frozenset({"amal", "omar"}),
        partners=PARTNERS,
        id_in=id_in,
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
    (media / "large.png").write_bytes((media / "loom.png").read_bytes())
    os.truncate(media / "large.png", 60_000_000)
    image.save(media / "loom.bmp")
    (media / "bomb.png").write_bytes(_bomb(60_000))
    (media / "note.png").write_text("not a picture")
    _films(media)
    outside = folder.parent / "outside.png"
    image.save(outside)
    (media / "outside.png").symlink_to(outside)
    return folder


def _films(media: Path) -> None:
    whole = filming.film(media / "short.mp4", size=(64, 48)).read_bytes()
    filming.film(media / "long.mp4", size=(64, 48), seconds=3, sound=False)
    (media / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    (media / "elsewhere.mp4").write_bytes(filming.with_data_elsewhere(whole))
    cue = "\n00:00:00.000 --> 00:00:00.900\nWords.\n"
    (media / "good.vtt").write_text(f"WEBVTT\n{cue}")
    (media / "mixed.vtt").write_text(f"WEBVTT\n{cue.replace('00.0', '00.5')}{cue}")
    (media / "long.vtt").write_text(f"WEBVTT\n{cue.replace('00:00.9', '01:00.0')}")
    (media / "words.srt").write_text("1\n00:00:00,000 --> 00:00:00,900\nWords.\n")
    (media / "arabic.vtt").write_text(f"WEBVTT\n{cue.replace('Words.', 'السوق مفتوح الليلة')}")


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
