"""The post's page shows what each of four networks will show: words, boxes, crops, films, parts."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser

from social_scheduler.app import make_workspace
from social_scheduler.config import Settings
from social_scheduler.services import check, enqueue, people
from social_scheduler.store.accounts import keep_account
from social_scheduler.store.tables import AccountState
from tests.screenshots import keep
from tests.web.newsroom import (
    PASSWORD,
    PEOPLE,
    QUEUED,
    SAMPLES,
    Clock,
    Newsroom,
    actor,
    opened,
    running,
)
from tests.web.test_browser import let_in, opened_page

NETWORKS = ("x", "bluesky", "mastodon", "telegram")
HEAD = """\
campaign: looks
kind: news
title: "How it looks on every network"
owner: amal
timezone: Asia/Baghdad
to: [all]
media:
"""
PICTURE = """\
  p{n}:
    file: media/p{n}.png
    alt: {{en: "Drawing {n} of a market.", ar: "رسم {n} لسوق."}}
"""
POSTS = """\
  film:
    file: media/street-en.mp4
    alt: {en: "A film of a street.", ar: "فيلم عن شارع."}
    captions: {en: media/street-en.vtt, ar: media/street-ar.vtt}
posts:
  - id: card
    at: 2027-01-11 10:30
    link: https://www.example.org/en/partners/meridia/one-year-of-training
    replies: following
    warning: {en: "Ruins of a bridge", ar: "أنقاض جسر"}
    card:
      en: {title: "One year of training", description: "Fourteen town councils.", picture: p0}
      ar: {title: "عام من التدريب", description: "أربعة عشر مجلسًا بلديًا.", picture: p0}
    text:
      en: |
        This week we look at {@meridia}, in the coalition since 2016.

        {link} #LifeafterDaesh
      ar: |
        نسلّط الضوء هذا الأسبوع على {@meridia}، العضو في التحالف منذ عام 2016.

        {link} #LifeafterDaesh #الحياة_بعد_داعش
  - id: pictures
    at: 2027-01-11 10:40
    media: [p0, p1, p2]
    text: {en: "Three drawings from {@meridia}.", ar: "ثلاثة رسوم من {@meridia}."}
  - id: long
    at: 2027-01-11 10:50
    split: yes
    media: [p1]
    text:
      en: |
        Ministers of 79 partners met in Baghdad on Friday. They agreed on three things: help for towns that were freed, water, schools and clinics. The first schools open in March.

        What comes next? Six working groups meet in spring; each has a plan, a budget and a date. Whoever wants to read all of it finds the statement on our site. #LifeafterDaesh
      ar: |
        اجتمع وزراء 79 شريكًا في بغداد يوم الجمعة. اتفقوا على ثلاثة أمور: مساعدة المدن المحررة، والمياه، والمدارس والعيادات. تُفتح أولى المدارس في آذار.

        ماذا بعد؟ تجتمع ست مجموعات عمل في الربيع؛ لكل منها خطة وميزانية وموعد. ومن أراد أن يقرأ البيان كله وجده على موقعنا. وفيه كل ما يجب أن يعرفه القارئ. #LifeafterDaesh
  - id: film
    at: 2027-01-11 11:00
    media: [film]
    text: {en: "A street comes back.", ar: "شارع يعود."}
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    """A desk with four posts for eight accounts, on Monday morning."""
    root = tmp_path_factory.mktemp("looks") / "workspace"
    make_workspace(root, kind="rehearsal", now=Clock(), settings=Settings())
    _write(root / "campaigns")
    with opened(root, Clock()) as found:
        context = found.context
        admin = None
        for name, (roles, languages) in PEOPLE.items():
            people.add_person(
                context, admin, name, roles=roles, languages=languages, password=PASSWORD
            )
            admin = admin or actor(context, name)
        with context.database.write() as tx:
            for number, (platform, language) in enumerate(_accounts()):
                keep_account(
                    tx,
                    f"{platform}-{language}",
                    platform=platform,
                    handle=_handle(platform, language),
                    language=language,
                    server=context.sandbox_url,
                    native_id=str(100 + number),
                    may_thread=True,
                    state=AccountState.CONNECTED,
                    trouble=None,
                    limited_until=None,
                    connected_at=QUEUED,
                )
        outcome = check.check(check.find_files([], root), now=QUEUED, context=context)
        for facts, posts in check.plan(context, outcome):
            enqueue.enqueue(context, actor(context, "amal"), facts, posts)
    with running(root) as running_room:
        yield running_room


def _accounts() -> list[tuple[str, str]]:
    return [(platform, language) for platform in NETWORKS for language in ("en", "ar")]


def _handle(platform: str, language: str) -> str:
    return f"demo-{language}.example" if platform == "bluesky" else f"demo_{language}"


def _write(folder: Path) -> None:
    lines = ["accounts:"]
    for platform, language in _accounts():
        lines += [
            f"  - {{name: {platform}-{language}, platform: {platform}, language: {language}, "
            f"handle: {_handle(platform, language)}, groups: [all], may_thread: yes}}"
        ]
    (folder / "accounts.yaml").write_text("\n".join(lines) + "\n")
    (folder / "policy.yaml").write_text("rules:\n  - approvals: 1\n")
    shutil.copy(SAMPLES / "partners.yaml", folder)
    (folder / "media").mkdir()
    for number, size in enumerate([(1200, 675), (900, 1600), (1000, 1000)]):
        Image.new("RGB", size, ("teal", "peru", "navy")[number]).save(
            folder / "media" / f"p{number}.png"
        )
    for name in ("street-en.mp4", "street-en.vtt", "street-ar.vtt"):
        shutil.copy(SAMPLES / "life-after-daesh" / "media" / name, folder / "media")
    pictures = "".join(PICTURE.format(n=n) for n in range(3))
    (folder / "looks.yaml").write_text(HEAD + pictures + POSTS, encoding="utf-8")


def cards(room: Newsroom, post: str) -> dict[tuple[str, str], str]:
    """The page's cards by network and language, without the marks of line breaks."""
    html = room.signed_in("leila").get(f"/posts/looks/{post}").text.replace("<wbr>", "")
    found = {}
    for body in re.findall(r'<article class="message.*?</article>', html, re.DOTALL):
        named = re.search(r'class="name">(\w+)-(\w+)<', body)
        assert named
        found[named[1], named[2]] = body
    assert len(found) == 8
    return found


def test_what_a_network_hides_of_an_address_is_faint_and_nothing_is_missing(room: Newsroom) -> None:
    found = cards(room, "card")
    assert 'me<span class="hid">ridia/one-year-of-training</span>' in found["x", "en"]
    assert 'meridi<span class="hid">a/one-year-of-training</span>' in found["mastodon", "ar"]
    for body in found.values():
        words = unescape(re.sub(r"<[^>]+>", "", body))
        assert "https://www.example.org/en/partners/meridia/one-year-of-training" in words
    assert 'class="hid"' not in found["bluesky", "en"]


def test_the_box_is_ours_on_bluesky_and_the_networks_elsewhere(room: Newsroom) -> None:
    found = cards(room, "card")
    assert '<p class="headline" dir="auto">One year of training</p>' in found["bluesky", "en"]
    assert '<p class="headline" dir="auto">عام من التدريب</p>' in found["bluesky", "ar"]
    assert "The network makes this box from the page." in found["x", "en"]


def test_what_was_chosen_stands_where_it_counts(room: Newsroom) -> None:
    found = cards(room, "card")
    assert "only accounts it follows may reply" in found["x", "en"]
    assert "may reply" not in found["telegram", "en"]
    assert "أنقاض جسر" in found["mastodon", "ar"]
    assert "Ruins of a bridge" not in found["x", "en"]


def test_each_network_names_the_partner_its_own_way(room: Newsroom) -> None:
    found = cards(room, "pictures")
    said = {
        "x": "@MeridiaDemo",
        "bluesky": "@meridia.example.org",
        "mastodon": "@meridia@social.example",
    }
    for platform, handle in said.items():
        assert f'<bdi class="mention">{handle}</bdi>' in found[platform, "ar"]
    assert "ثلاثة رسوم من ميريديا." in found["telegram", "ar"]


def test_pictures_stand_in_the_frame_of_their_network_with_every_description(
    room: Newsroom,
) -> None:
    found = cards(room, "pictures")
    assert 'class="shots n3 frame-16-9"' in found["x", "en"]
    assert 'class="shots n3 frame-2-1"' in found["bluesky", "en"]
    for (_, language), body in found.items():
        assert body.count("<img") == 3
        for n in range(3):
            told = f"Drawing {n} of a market." if language == "en" else f"رسم {n} لسوق."
            assert f'<p dir="auto">{told}</p>' in body
    assert "cut in lists, whole when pressed" in found["x", "en"]


def test_the_page_says_where_readers_do_not_see_a_description(room: Newsroom) -> None:
    unseen = "readers here do not see it"
    for post, hiding in (("pictures", {"telegram"}), ("film", {"telegram", "x"})):
        found = cards(room, post)
        assert {network for (network, _), body in found.items() if unseen in body} == hiding


def test_a_long_text_is_shown_as_the_thread_it_becomes(room: Newsroom) -> None:
    found = cards(room, "long")
    assert "Part 2 of 2" in found["x", "en"]
    assert "Part 2 of 2" in found["bluesky", "ar"]
    assert "Part 1" not in found["mastodon", "en"]
    assert re.findall(r"\d+ of 1024", found["telegram", "en"])


def test_a_film_has_its_poster_its_length_and_its_captions(room: Newsroom) -> None:
    found = cards(room, "film")
    body = found["bluesky", "ar"]
    film = re.search(r'<video controls preload="none" src="/media/(\w+)"', body)
    assert film
    assert f'poster="/media/{film[1]}/poster"' in body
    assert re.search(r'<track kind="captions" src="/media/\w+" srclang="ar"', body)
    assert re.search(r"Film, \d:\d\d", body)
    client = room.signed_in("leila")
    assert client.get(f"/media/{film[1]}/poster").headers["content-type"] == "image/jpeg"
    assert "<track" not in found["telegram", "en"]


@pytest.mark.browser
@pytest.mark.parametrize("post", ["card", "pictures", "long", "film"])
@pytest.mark.parametrize("locale", ["en", "ar"])
@pytest.mark.parametrize("size", [(1280, 900), (390, 844)], ids=["wide", "phone"])
def test_it_fits_its_screen_and_everybody_can_use_it(
    chromium: Browser, room: Newsroom, tmp_path: Path, post: str, locale: str, size: tuple[int, int]
) -> None:
    with opened_page(chromium, room, size, color_scheme="light") as page:
        let_in(page, room, "leila", locale)
        page.goto(f"/posts/looks/{post}")
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert page.locator("article.message").count() == 8
        faults = Axe().run(page).response["violations"]
        assert [fault["id"] for fault in faults] == []
        if post == "card":
            shape = "wide" if size[0] > 1000 else "phone"
            keep(page, f"networks-{locale}-{shape}", tmp_path)
