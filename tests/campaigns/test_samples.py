"""The sample campaigns are complete, fit X, and their pictures are those that draw.py draws."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import av
import pytest
from PIL import Image, ImageChops
from tests.reference import twitter_text

from social_scheduler import platforms
from social_scheduler.campaign import times
from social_scheduler.campaign.checks import check_folder
from social_scheduler.campaign.load import load_partners
from social_scheduler.campaign.partners import Partners
from social_scheduler.campaign.reader import read
from social_scheduler.campaign.render import render
from social_scheduler.campaign.schema import Accounts, Campaign, Post, Wording
from social_scheduler.campaign.words import spec_of
from social_scheduler.media import inspect, read_captions
from social_scheduler.policy import DEFAULT_POLICY, Policy

FOLDER = Path(__file__).parents[2] / "campaigns"
LANGUAGES = {"en", "ar", "fr"}
NOW = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
FILES = sorted(FOLDER.glob("*/campaign.yaml"))
STILL = (".jpg", ".png")
SAMPLES = [pytest.param(file, id=file.parent.name) for file in FILES]


@cache
def accounts() -> Accounts:
    """accounts.yaml"""
    tree = read((FOLDER / "accounts.yaml").read_bytes(), "accounts.yaml", spec_of(Accounts))
    assert tree.findings == []
    return Accounts.model_validate(tree.data)


@cache
def campaign(file: Path) -> Campaign:
    """A sample, which the strict reader takes without a word."""
    tree = read(file.read_bytes(), str(file), spec_of(Campaign))
    assert tree.findings == []
    return Campaign.model_validate(tree.data)


@cache
def partners() -> Partners:
    """partners.yaml"""
    loaded = load_partners(FOLDER / "partners.yaml")
    assert loaded.model is not None
    return loaded.model


@pytest.fixture(scope="module")
def weigh() -> Callable[[str], int]:
    """X's weighted length by twitter-text-parser."""
    parse = twitter_text().parse_tweet
    return lambda text: int(parse(text).weightedLength)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which draw.py has just drawn."""
    spec = importlib.util.spec_from_file_location("campaigns_draw", FOLDER / "draw.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    folder = tmp_path_factory.mktemp("drawn")
    module.draw(folder)
    return folder


def test_there_is_a_sample_of_each_promised_kind() -> None:
    kinds = sorted(campaign(file).kind.value for file in FILES)
    assert kinds == ["digest", "meeting", "quote", "spotlight", "story"]


def test_the_policy_of_the_samples_is_the_built_in_one() -> None:
    tree = read((FOLDER / "policy.yaml").read_bytes(), "policy.yaml", spec_of(Policy))
    assert tree.findings == []
    policy = Policy.model_validate(tree.data)
    for kind in ("story", "digest", "quote", "correction", "condolence", "crisis"):
        for language in LANGUAGES:
            expected = DEFAULT_POLICY.required(kind, ["x-en"], language)
            assert policy.required(kind, ["x-en"], language) == expected


HANDLES = {
    "x": r"\w{4,15}",
    "bluesky": r"([a-z-]+\.)+example",
    "mastodon": r"[a-z_]{1,30}",
    "telegram": r"\w{5,32}",
}
"""What each network allows; nobody can own a name that ends in .example."""


def test_every_network_has_its_accounts_in_every_language() -> None:
    assert set(HANDLES) == set(platforms.discover())
    for network, handle in HANDLES.items():
        found = accounts().named([f"all-{network}"])
        assert [a.language for a in found] == ["en", "ar", "fr"]
        for account in found:
            assert account.platform == network
            assert re.fullmatch(handle, account.handle, re.ASCII)
            assert account.may_thread == "yes"


@pytest.mark.parametrize("file", SAMPLES)
def test_editors_find_the_schema_on_the_first_line(file: Path) -> None:
    first = file.read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schema/campaign.schema.json"


@pytest.mark.parametrize("file", SAMPLES)
def test_every_post_and_every_picture_speaks_all_three_languages(file: Path) -> None:
    sample = campaign(file)
    for media in sample.media.values():
        assert set(media.alt) == LANGUAGES
        assert all(0 < len(alt) <= 1000 for alt in media.alt.values())
    for post in sample.posts:
        words = post.text if post.text is not None else post.thread
        assert words is not None
        assert set(words) == LANGUAGES
    assert sample.media, "a sample shows pictures"


@pytest.mark.parametrize("file", SAMPLES)
def test_every_part_fits_x_by_its_own_counting(file: Path, weigh: Callable[[str], int]) -> None:
    sample = campaign(file)
    for post in sample.posts:
        for account in accounts().named(post.to or sample.to):
            if account.platform != "x":
                continue
            said = render(sample, post, account, partners=partners())
            for number, part in enumerate(said.parts, start=1):
                weight = weigh(part.text)
                assert 0 < weight <= 280, (post.id, account.name, number, weight)
                assert len(part.media) <= 4


@pytest.mark.parametrize("file", SAMPLES)
def test_arabic_words_begin_with_an_arabic_letter_or_quotation_mark(file: Path) -> None:
    """X takes the direction of a paragraph from its first strong character."""
    sample = campaign(file)
    for account in accounts().named(["x-ar"]):
        for post in sample.posts:
            for part in render(sample, post, account, partners=partners()).parts:
                first = part.text.lstrip("«")[0]
                assert "\u0600" <= first <= "\u06ff", (post.id, part.text)


@pytest.mark.parametrize("file", SAMPLES)
def test_posts_fall_between_december_and_february_inside_embargo_and_end(file: Path) -> None:
    sample = campaign(file)

    def instant(text: str) -> datetime:
        return times.resolve(text, timezone=sample.timezone, week_of=sample.week_of).instant

    for post in sample.posts:
        due = instant(post.at)
        assert datetime(2026, 12, 1, tzinfo=UTC) <= due < datetime(2027, 3, 1, tzinfo=UTC)
        assert sample.embargo is None or due >= instant(sample.embargo)
        assert sample.expires is None or due < instant(sample.expires)


def test_the_samples_show_what_a_campaign_file_can_do() -> None:
    samples = [campaign(file) for file in FILES]
    posts = [post for sample in samples for post in sample.posts]
    assert {sample.owner for sample in samples} == {"amal", "yusuf"}
    assert [p for p in posts if p.variants]
    assert [p for p in posts if p.media_by_part]
    assert [p for p in posts if isinstance(p.link, dict)]
    assert [p for p in posts if p.link and _says_link(p)]
    assert [p for p in posts if p.link and not _says_link(p)]
    assert [m for s in samples for m in s.media.values() if isinstance(m.file, dict)]
    assert [s for s in samples if s.embargo and s.embargo.endswith("Asia/Baghdad")]


def _says_link(post: Wording | Post) -> bool:
    return "{link}" in str(post.text) + str(post.thread)


def test_the_pictures_in_the_folder_are_exactly_those_that_are_drawn(drawn: Path) -> None:
    assert _media(FOLDER) == _media(drawn)
    for name in _media(FOLDER, *STILL):
        with Image.open(FOLDER / name) as kept, Image.open(drawn / name) as fresh:
            assert (kept.format, kept.mode, kept.size) == (fresh.format, fresh.mode, fresh.size)
            assert ImageChops.difference(kept, fresh).getbbox() is None, name


def test_the_films_in_the_folder_show_and_sound_what_is_drawn(drawn: Path) -> None:
    for name in _media(FOLDER, ".mp4"):
        kept, fresh = _frames(FOLDER / name), _frames(drawn / name)
        assert len(kept) == len(fresh) == 120
        for one, other in zip(kept[::20], fresh[::20], strict=True):
            difference = ImageChops.difference(one, other).convert("L")
            much = difference.point([0] * 40 + [255] * 216)  # encoders differ a little
            assert much.getbbox() is None, name


def _frames(film: Path) -> list[Image.Image]:
    with av.open(str(film)) as found:
        return [frame.to_image() for frame in found.decode(video=0)]  # type: ignore[no-untyped-call]


def _media(folder: Path, *suffixes: str) -> set[str]:
    """Pictures and films below a folder; captions are written, not drawn."""
    return {
        f.relative_to(folder).as_posix()
        for f in folder.glob("*/media/*")
        if f.suffix in (suffixes or (*STILL, ".mp4"))
    }


def test_pictures_are_light_and_carry_no_metadata() -> None:
    assert sum(f.stat().st_size for f in FOLDER.glob("*/media/*")) < 1_500_000
    for name in _media(FOLDER, *STILL):
        assert (FOLDER / name).stat().st_size < 200_000
        with Image.open(FOLDER / name) as image:
            assert not image.getexif()
            assert set(image.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"} | {
                "progressive",
                "progression",
            }


def test_films_are_light_and_their_captions_can_be_heard_out() -> None:
    for name in _media(FOLDER, ".mp4"):
        film = inspect(FOLDER / name)
        assert (film.bytes < 150_000, film.milliseconds, film.sounds) == (True, 10_005, 1)
        words = read_captions((FOLDER / name).with_suffix(".vtt"))
        assert len(words.cues) == 4
        assert words.ends < film.milliseconds


def test_every_picture_that_is_drawn_is_used() -> None:
    used = set()
    for file in FILES:
        for media in campaign(file).media.values():
            names = [media.file] if isinstance(media.file, str) else list(media.file.values())
            used |= {f"{file.parent.name}/{name}" for name in names}
    assert used == _media(FOLDER)


def test_check_says_of_the_samples_only_which_networks_take_no_captions() -> None:
    report = check_folder(
        FOLDER,
        now=NOW,
        limits=platforms.limits(),
        inspect=inspect,
        people=["amal", "yusuf"],
    )
    assert report.errors == []
    assert [f"{f.file}: {f.problem}" for f in report.warnings] == [
        "life-after-daesh/campaign.yaml: "
        "no captions on mastodon, telegram: `street` is shown there without them"
    ]
    assert report.files == len(FILES)
    assert report.posts == sum(len(campaign(file).posts) for file in FILES)
