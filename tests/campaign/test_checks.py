"""The checks of a whole folder, the warnings, and what is no mistake."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from social_scheduler.campaign.checks import (
    Report,
    Rules,
    campaign_files,
    check_campaign,
    check_folder,
    check_policy,
    each_checked,
)
from social_scheduler.campaign.load import load_accounts, load_campaign_bytes, load_policy
from social_scheduler.campaign.schema import Accounts
from social_scheduler.errors import Finding
from social_scheduler.message import Limits, Message
from tests.campaign.conftest import ACCOUNTS, NOW, X, look

Place = Callable[[str], Path]

GOOD = """\
campaign: good
kind: news
title: "An example"
owner: amal
timezone: Asia/Baghdad
to: [all-x]
posts:
  - id: opening
    at: 2027-01-11 10:30
    text:
      en: |
        Families return home.
      ar: |
        العائلات تعود إلى بيوتها.
      fr: |
        Les familles rentrent chez elles.
"""
ACCOUNTS_FILE = """\
accounts:
  - {name: x-en, platform: x, handle: one, language: en, groups: [all-x]}
  - {name: x-ar, platform: x, handle: two, language: ar, groups: [all-x]}
  - {name: x-fr, platform: x, handle: three, language: fr, groups: [all-x]}
"""
POLICY_FILE = "rules:\n  - approvals: 1\n"


def findings(source: str, rules: Rules, place: Place) -> list[Finding]:
    """What is found in one file."""
    loaded = load_campaign_bytes(source.encode(), place("good.yaml"), "good.yaml")
    return check_campaign(loaded, rules)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A campaigns folder with one good campaign."""
    (tmp_path / "accounts.yaml").write_text(ACCOUNTS_FILE)
    (tmp_path / "policy.yaml").write_text(POLICY_FILE)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "campaign.yaml").write_text(GOOD)
    return tmp_path


def checked(folder: Path, **options: object) -> Report:
    """The report on a folder."""
    return check_folder(folder, now=NOW, limits={"x": X}, inspect=look, **options)  # type: ignore[arg-type]


def test_a_good_file_has_no_findings(rules: Rules, place: Place) -> None:
    assert findings(GOOD, rules, place) == []


WARNINGS = {
    "no time in this file names a weekday": ("timezone:", "week_of: 2027-01-11\ntimezone:"),
    "no post shows `loom`": (
        "posts:",
        'media:\n  loom: {file: media/loom.png, alt: {en: "A loom"}}\nposts:',
    ),
    "has no `consent`": ("kind: news", "kind: story"),
    "are the same as in en": (
        "Les familles rentrent chez elles.",
        "Families return home.",
    ),
    "spaces at the end": ("return home.\n", "return home. \n        Soon.\n"),
    "most letters of these words under `ar`": (
        "العائلات تعود إلى بيوتها.",
        "Coalition Demonstration Headquarters: بيت",
    ),
    "networks would not make a link": (
        "    text:",
        "    link: https://example.notatld/home\n    text:",
    ),
    "no account of this post is `plain`": (
        "    text:",
        "    variants: {plain: {media: []}}\n    text:",
    ),
    "no network of this post knows `silent`": ("    text:", "    silent: yes\n    text:"),
    "everybody may reply on box": (
        "    text:",
        "    to: [x-en, x-ar, x-fr, box-en]\n    replies: following\n    text:",
    ),
    "x puts no warning in front of a post": (
        "    text:",
        '    warning: {en: "Ruins"}\n    text:',
    ),
    "no account shows this card: its networks make their own": (
        "    text:",
        '    link: https://example.org/a\n    card: {en: {title: "Home"}}\n    text:',
    ),
    "box makes no box for a link": (
        "    text:",
        "    to: [x-en, x-ar, x-fr, box-en]\n    link: https://example.org/a\n    text:",
    ),
    "`@MeridiaDemo` is no mention here on x": (
        "return home.",
        "return home&{@meridia} and {@meridia}.",
    ),
    "becomes a thread of 2, divided after “Families return home. Again.”": (
        "    text:\n      en: |\n        Families return home.\n",
        "    split: yes\n    text:\n      en: |\n        Families return home. Again.\n\n"
        + "        "
        + "Families return home. " * 12
        + "Well.\n",
    ),
}


@pytest.mark.parametrize("problem", sorted(WARNINGS))
def test_what_only_looks_wrong_is_a_warning(problem: str, rules: Rules, place: Place) -> None:
    old, new = WARNINGS[problem]
    found = findings(GOOD.replace(old, new, 1), rules, place)
    warned = [f for f in found if problem in f.problem]
    assert warned, found
    if "variants" not in new:
        assert all(f.warning for f in found)


def test_a_handle_that_a_letter_touches_is_told_in_a_text_that_is_divided(
    rules: Rules, place: Place
) -> None:
    long = "Families return home. " * 14 + "With {@meridia}s."
    words = GOOD.replace("    text:", "    split: yes\n    text:", 1)
    words = words.replace("Families return home.", long, 1)
    found = findings(words, rules, place)
    assert any("`@MeridiaDemo` is no mention here on x" in f.problem for f in found), found


@pytest.mark.parametrize("words", ["", "    thread:\n      en: [one, two]\n"])
def test_a_wrong_word_beside_a_wrong_shape_is_a_finding_and_no_crash(
    rules: Rules, place: Place, words: str
) -> None:
    head, _, tail = GOOD.partition("    text:")
    body = "    silent: maybe\n" + (f"{words}    text:{tail}" if words else "")
    found = findings(head + body, rules, place)
    assert any("`maybe` is not possible" in f.problem for f in found)
    assert len(found) >= 2, found


def test_two_posts_of_an_account_in_one_minute_are_a_warning(rules: Rules, place: Place) -> None:
    second = GOOD[GOOD.index("  - id:") :].replace("opening", "second").replace("home.", "soon.")
    second = second.replace("بيوتها.", "ديارها.").replace("elles.", "eux.")
    found = findings(GOOD + second, rules, place)
    assert [(f.line, f.column, f.warning) for f in found] == [(18, 9, True)]
    assert "x-en also says `opening` at this minute" in found[0].problem


def test_the_same_words_a_week_later_are_allowed(rules: Rules, place: Place) -> None:
    second = GOOD[GOOD.index("  - id:") :].replace("opening", "second").replace("-11 ", "-18 ")
    assert findings(GOOD + second, rules, place) == []


def test_a_past_time_is_no_mistake_for_a_post_that_is_queued(rules: Rules, place: Place) -> None:
    past = GOOD.replace("2027", "2026")
    assert [f.column for f in findings(past, rules, place)] == [9]
    queued = replace(rules, known=lambda campaign, post: (campaign, post) == ("good", "opening"))
    assert findings(past, queued, place) == []


def test_owners_are_not_checked_where_nobody_is_known_yet(rules: Rules, place: Place) -> None:
    nobody = replace(rules, people=None)
    assert findings(GOOD.replace("amal", "somebody"), nobody, place) == []


def test_a_folder_is_checked_with_its_accounts_and_policy(folder: Path) -> None:
    seen: list[Path] = []
    report = checked(folder, progress=seen.append)
    assert (report.files, report.posts, report.findings, report.ok) == (1, 1, [], True)
    assert seen == [folder / "one" / "campaign.yaml"]


def test_two_files_with_one_campaigns_name_are_an_error_naming_both(folder: Path) -> None:
    (folder / "two").mkdir()
    (folder / "two" / "campaign.yml").write_text(GOOD)
    report = checked(folder)
    assert [(f.file, f.line, f.column) for f in report.errors] == [("two/campaign.yml", 1, 11)]
    assert "one/campaign.yaml:1 and two/campaign.yml" in report.errors[0].problem


def test_only_what_could_be_a_campaign_is_read(folder: Path) -> None:
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "campaign.yaml").write_text("x")
    (folder / "partners.yaml").write_text("x")
    (folder / "notes.txt").write_text("x")
    assert campaign_files(folder) == [folder / "one" / "campaign.yaml"]


def test_files_are_given_up_one_by_one(folder: Path, rules: Rules) -> None:
    """The next file is not read before somebody asks for it."""
    seen: list[Path] = []
    missing = folder / "missing.yaml"
    each = each_checked(
        [*campaign_files(folder), missing], rules, root=folder, progress=seen.append
    )
    assert next(each).campaign is not None
    assert len(seen) == 1
    assert next(each).campaign is None


def test_without_accounts_the_shape_is_still_checked(folder: Path) -> None:
    (folder / "accounts.yaml").unlink()
    (folder / "one" / "campaign.yaml").write_text(GOOD.replace("title:", "titel:"))
    report = checked(folder)
    assert [f.file for f in report.errors] == ["accounts.yaml"] + ["one/campaign.yaml"] * 2


@pytest.mark.parametrize(
    ("old", "new", "place", "problem", "remedy"),
    [
        ("name: x-ar", "name: x-en", "3:12", "two accounts are named `x-en`", "rename"),
        ("handle: two", "handle: ONE", "3:39", "listed twice", "one language"),
        ("groups: [all-x]}\n", "groups: [x-ar]}\n", "3:12", "a group's name too", "rename"),
        ("language: en", "language: english", "2:54", "not a language", "en, ar or fr"),
        ("handle: one", "handle: one, token: abc", "2:44", "never written in this file", "remove"),
        ("platform: x", "may_thread: maybe, platform: x", "2:30", "`maybe` is not possible", "yes"),
    ],
)
def test_mistakes_in_accounts_have_their_place(
    tmp_path: Path, old: str, new: str, place: str, problem: str, remedy: str
) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text(ACCOUNTS_FILE.replace(old, new, 1))
    found = load_accounts(path, tmp_path).findings
    assert f"{found[0].file}:{found[0].line}:{found[0].column}" == f"accounts.yaml:{place}"
    assert problem in found[0].problem
    assert remedy in found[0].remedy
    assert "abc" not in str(found)


def test_a_wrong_word_does_not_hide_what_else_is_wrong(rules: Rules, place: Place) -> None:
    source = GOOD.replace("kind: news", "kind: newz").replace("to: [all-x]", "to: [all-y]")
    found = findings(source.replace("2027-01-11 10:30", "2027-01-11 10:30 pm"), rules, place)

    assert [(f.line, f.problem.partition(" ")[0]) for f in found] == [
        (2, "`newz`"),
        (6, "`all-y`"),
        (9, "clocks"),
    ]
    assert check_campaign(load_campaign_bytes(source.encode(), place("a.yaml"), "a.yaml"), rules)


def test_every_wrong_placeholder_is_told(rules: Rules, place: Place) -> None:
    source = GOOD.replace("Families return home.", "Families {return} home, {who} and {return}.")

    found = findings(source, rules, place)

    assert [(f.line, f.column) for f in found] == [(12, 18), (12, 33), (12, 43)]


def at_its_place(folder: Path, old: str, new: str) -> str:
    """The one mistake in accounts.yaml of a folder whose campaigns have none."""
    (folder / "accounts.yaml").write_text(ACCOUNTS_FILE.replace(old, new, 1))
    networks = dict.fromkeys(("x", "mastodon", "telegram", "bluesky"), X)
    report = check_folder(folder, now=NOW, limits=networks, inspect=look)
    return "\n".join(str(f) for f in report.errors)


def test_a_network_that_is_not_there_is_told_once_where_it_stands(folder: Path) -> None:
    told = at_its_place(folder, "platform: x", "platform: telegramm")
    assert told.startswith("accounts.yaml:2:28: `telegramm` is a network that is not built in")
    assert "did you mean `telegram`?" in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("platform", "handle", "remedy"),
    [
        ("x", '"@way too long handle for x"', "at most 15"),
        ("x", "nât", "letters, digits and _"),
        ("mastodon", "coalition@social.example", "its `server`"),
        ("bluesky", "coalition", "a domain"),
        ("telegram", '"-1234"', "for a private channel its number"),
    ],
)
def test_a_handle_that_can_be_none_is_told_where_it_stands(
    folder: Path, platform: str, handle: str, remedy: str
) -> None:
    told = at_its_place(
        folder, "platform: x, handle: one", f"platform: {platform}, handle: {handle}"
    )
    assert re.match(rf"accounts.yaml:2:\d+: `[^`]+` cannot be a handle on {platform}", told)
    assert remedy in told
    assert "\n" not in told


@pytest.mark.parametrize(
    ("platform", "handle"),
    [
        ("x", '"@NATO_17"'),
        ("mastodon", "coalition.news"),
        ("telegram", '"-1001234567890"'),
        ("bluesky", "en.coalition.example"),
    ],
)
def test_a_handle_as_its_network_shows_it_is_no_mistake(
    folder: Path, platform: str, handle: str
) -> None:
    entry = f"platform: {platform}, handle: {handle}"
    assert at_its_place(folder, "platform: x, handle: one", entry) == ""


@pytest.mark.parametrize(
    ("source", "place", "problem"),
    [
        ("rules:\n  - kinds: [nws]\n    approvals: 1\n", "2:13", "`nws` is not one of the kinds"),
        (
            "rules:\n  - accounts: [x-em]\n    approvals: 1\n",
            "2:16",
            "`x-em` is not one of the accounts",
        ),
        ("rules:\n  - approvals: 0\n", "2:16", "`approvals` is 0"),
        ("rules:\n  - approvals: two\n", "2:16", "`two` is not a whole number"),
        ("rules:\n  - approval: 1\n    approvals: 1\n", "2:5", "`approval` is not known in a rule"),
    ],
)
def test_mistakes_in_the_policy_have_their_place(
    tmp_path: Path, source: str, place: str, problem: str
) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(source)
    found = check_policy(load_policy(path, tmp_path), ACCOUNTS)
    assert [f"{f.line}:{f.column}" for f in found] == [place]
    assert problem in found[0].problem
    assert found[0].remedy


def test_a_finding_reads_as_place_reason_and_remedy(rules: Rules, place: Place) -> None:
    found = findings(GOOD.replace("all-x", "all-y"), rules, place)
    assert re.fullmatch(
        r"good\.yaml:6:6: `all-y` is neither an account nor a group of accounts\.yaml: "
        r"did you mean `all-x`\?",
        str(found[0]),
    )


def test_a_post_due_after_the_keys_of_its_account_end_is_told_once(
    rules: Rules, place: Place
) -> None:
    ends = {
        "x-en": datetime(2027, 1, 11, 7, 30, tzinfo=UTC),
        "x-ar": datetime(2028, 1, 1, tzinfo=UTC),
    }

    found = findings(GOOD, replace(rules, ends=ends), place)

    assert [(f.line, f.warning) for f in found] == [(9, True)]
    assert found[0].problem == "the keys of x-en end 2027-01-11 07:30 UTC, before this"
    assert "accounts connect x-en" in found[0].remedy


def test_what_a_network_would_refuse_by_itself_is_found_at_the_post(
    rules: Rules, place: Place
) -> None:
    seen: list[Message] = []

    def refuse(message: Message, limits: Limits) -> list[str]:
        seen.append(message)
        return [f"no {message.options['replies']} beside {message.parts[0].media[0].type}"]

    source = GOOD.replace(
        "posts:", 'media:\n  loom: {file: media/loom.png, alt: {en: "A", ar: "أ", fr: "A"}}\nposts:'
    ).replace("    text:", "    media: [loom]\n    replies: following\n    text:")
    found = findings(source, replace(rules, refusals={"x": refuse}), place)
    assert [(f.line, f.problem) for f in found] == [
        (10, "x would refuse this (for x-en): no following beside image/png")
    ]
    assert [m.language for m in seen] == ["en", "ar", "fr"]


def test_accounts_that_say_the_same_are_looked_at_once(rules: Rules, place: Place) -> None:
    """Nine accounts of a network in three languages: three messages."""
    seen: list[str] = []

    def note(message: Message, limits: Limits) -> list[str]:
        seen.append(message.language)
        return []

    more = [
        a.model_copy(update={"name": f"{a.name}-{n}"})
        for n in range(3)
        for a in ACCOUNTS.accounts[:3]
    ]
    many = replace(rules, refusals={"x": note}, accounts=Accounts(accounts=more))
    assert findings(GOOD, many, place) == []
    assert seen == ["en", "ar", "fr"]
