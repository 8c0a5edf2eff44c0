"""What is checked of films beside what the broken files show: warnings, and what is no mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from social_scheduler.campaign.checks import Rules, check_campaign
from social_scheduler.campaign.load import load_campaign_bytes
from social_scheduler.errors import Finding
from tests.campaign.conftest import REEL

Place = Callable[[str], Path]

FILM = """\
campaign: good
kind: news
title: "An example"
owner: amal
timezone: Asia/Baghdad
to: [reel-en]
media:
  loom:
    file: media/short.mp4
    captions: {en: media/good.vtt}
    alt:
      en: |
        A loom.
posts:
  - id: opening
    at: 2027-01-11 10:30
    media: [loom]
    text:
      en: |
        Families return home.
"""
NO_CAPTIONS = FILM.replace("    captions: {en: media/good.vtt}\n", "")
MOVING = NO_CAPTIONS.replace("short.mp4", "moving.gif")


def found(source: str, rules: Rules, place: Place, **limits: int | bool) -> list[Finding]:
    known = rules.limits | {"reel": replace(REEL, **limits)}  # type: ignore[operator,arg-type]
    loaded = load_campaign_bytes(source.encode(), place("good.yaml"), "good.yaml")
    return check_campaign(loaded, replace(rules, limits=known))


def test_a_film_with_captions_is_no_mistake(rules: Rules, place: Place) -> None:
    assert found(FILM, rules, place) == []


def test_sound_without_captions_is_a_warning_where_captions_are_taken(
    rules: Rules, place: Place
) -> None:
    (warning,) = found(NO_CAPTIONS, rules, place)
    assert warning.warning
    assert (warning.line, warning.column) == (8, 3)
    assert "`loom` has sound and no captions in en" in warning.problem
    assert "captions: {en: media/….vtt}" in warning.remedy
    assert found(NO_CAPTIONS, rules, place, captions=False) == []


def test_captions_that_a_network_does_not_take_are_a_warning_that_names_it(
    rules: Rules, place: Place
) -> None:
    (warning,) = found(FILM, rules, place, captions=False)
    assert warning.warning
    assert (warning.line, warning.column) == (10, 5)
    assert warning.problem == "no captions on reel: `loom` is shown there without them"
    french = FILM.replace("{en: media/good.vtt}", "{fr: media/good.vtt}")
    assert found(french, rules, place, captions=False) == []


def test_a_film_without_sound_needs_no_captions(rules: Rules, place: Place) -> None:
    silent = NO_CAPTIONS.replace("short.mp4", "long.mp4")
    assert found(silent, rules, place, film_milliseconds=0) == []


def test_a_moving_picture_shown_as_a_film_is_a_warning(rules: Rules, place: Place) -> None:
    (warning,) = found(MOVING, rules, place)
    assert warning.warning
    assert "the picture moves; on reel it is a film that plays once" in warning.problem
    assert found(MOVING, rules, place, moving_picture_bytes=15_000_000) == []


def test_a_moving_picture_stands_alone_like_a_film(rules: Rules, place: Place) -> None:
    both = MOVING.replace(
        "posts:", '  still: {file: media/loom.png, alt: {en: "A loom"}}\nposts:'
    ).replace("media: [loom]", "media: [loom, still]")
    (wrong,) = found(both, rules, place, films=0, moving_picture_bytes=15_000_000)
    assert "a film and pictures together" in wrong.problem


def test_one_film_more_than_a_network_takes_is_a_mistake(rules: Rules, place: Place) -> None:
    two = FILM.replace(
        "posts:",
        '  other: {file: media/short.mp4, captions: {en: media/good.vtt}, alt: {en: "It"}}\nposts:',
    ).replace("media: [loom]", "media: [loom, other]")
    (wrong,) = found(two, rules, place)
    assert "2 films; reel takes 1" in wrong.problem
    assert found(two, rules, place, films=2) == []


@pytest.mark.parametrize("picture", ["loom.gif", "loom.png"])
def test_a_picture_of_any_size_or_kind_is_made_to_fit(
    rules: Rules, place: Place, picture: str
) -> None:
    """The copy is made smaller or of another kind; nobody needs to do it by hand."""
    source = NO_CAPTIONS.replace("short.mp4", picture)
    assert found(source, rules, place, picture_bytes=100, picture_side=10) == []
