"""A long text becomes a numbered thread, divided where a reader would draw breath."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from social_scheduler.text import (
    LENGTHS,
    graphemes,
    hashtags,
    links,
    mentions,
    nfc,
    split,
    weighted_length,
)


def parts(text: str, limit: int = 60, counted_in: str = "graphemes") -> list[str]:
    """The parts without their numbers, which are looked at here."""
    found = split(text, lambda t, first: LENGTHS[counted_in](t) <= limit)
    numbers = [part.rsplit("\n", 1)[1] for part in found]
    assert numbers == [f"{n}/{len(found)}" for n in range(1, len(found) + 1)]
    assert all(LENGTHS[counted_in](part) <= limit for part in found)
    return [part.rsplit("\n", 1)[0] for part in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The market is open. Forty stalls stand again! Who would have thought so?",
            ["The market is open. Forty stalls stand again!", "Who would have thought so?"],
        ),
        (
            "فُتح السوق هذا الصباح. عادت أربعون بسطة إلى مكانها؛ من كان يظن ذلك؟ لا أحد.",
            ["فُتح السوق هذا الصباح.", "عادت أربعون بسطة إلى مكانها؛ من كان يظن ذلك؟ لا أحد."],
        ),
        (
            "بازار آج صبح کھل گیا۔ چالیس دکانیں پھر سے لگ گئی ہیں۔ کس نے سوچا تھا؟",
            ["بازار آج صبح کھل گیا۔", "چالیس دکانیں پھر سے لگ گئی ہیں۔ کس نے سوچا تھا؟"],
        ),
        (
            "Le marché a rouvert… « Enfin ! » dit-elle. Quarante étals sont là, serrés.",
            ["Le marché a rouvert… « Enfin ! » dit-elle.", "Quarante étals sont là, serrés."],
        ),
        (
            "市場は今朝開きました。四十の屋台がまた並びました。誰がそう思ったでしょうか。そして皆が来て、長い朝が始まりました。",
            [
                "市場は今朝開きました。四十の屋台がまた並びました。",
                "誰がそう思ったでしょうか。そして皆が来て、長い朝が始まりました。",
            ],
        ),
        (
            "The first line of the list is this one\n- another entry\n- and the last of them",
            ["The first line of the list is this one", "- another entry\n- and the last of them"],
        ),
    ],
)
def test_a_text_is_divided_between_sentences(text: str, expected: list[str]) -> None:
    assert parts(text) == expected


@pytest.mark.parametrize(
    "held",
    [
        "Dr. Karim",
        "Gen. J. K. Karim",
        "the U.S. Senate",
        "e.g. Water",
        "p. ex. Paris",
        "No. 7",
        "etc. And",
        "10.30 Uhr",
        "“Why?” she asked",
        "M. Dupont",
    ],
)
def test_an_abbreviation_ends_no_sentence(held: str) -> None:
    text = f"We wrote this sentence so that it ends there. Then {held} did. It is over now."
    assert parts(text, 66) == [
        "We wrote this sentence so that it ends there.",
        f"Then {held} did. It is over now.",
    ]


def test_the_number_of_an_entry_ends_no_sentence() -> None:
    text = "1. Water for the whole of the town.\n2. Schools for all its children again."
    assert parts(text, 50) == text.split("\n")


def test_a_year_at_the_end_does() -> None:
    text = "It has stood empty since the summer of 2014. Forty families are back."
    assert parts(text, 50) == [
        "It has stood empty since the summer of 2014.",
        "Forty families are back.",
    ]


def test_only_a_sentence_too_long_for_a_part_is_divided_at_a_clause_then_between_words() -> None:
    text = (
        "Short one. The weavers, the bakers and the smiths of the street came back in March, "
        "and so did those who buy what they make. " + "word " * 15 + "end."
    )
    assert parts(text, 64) == [
        "Short one. The weavers,",
        "the bakers and the smiths of the street came back in March,",
        "and so did those who buy what they make. word word word word",
        "word word word word word word word word word word word end.",
    ]


def test_a_paragraph_is_a_better_place_than_a_sentence() -> None:
    text = "One is here. Two is here.\n\nThree is here. Four is here. Five is."
    assert parts(text, 46) == ["One is here. Two is here.", "Three is here. Four is here. Five is."]


def test_spaces_that_hold_a_number_and_its_unit_are_kept() -> None:
    text = "x" * 44 + " 10\u00a0000\u202fkm and more words after that"
    assert parts(text)[0] == "x" * 44
    assert parts(text)[1].startswith("10\u00a0000\u202fkm")


def test_a_word_without_end_is_divided_between_characters() -> None:
    family = "👨‍👩‍👧‍👦"
    assert "".join(parts(family * 130)) == family * 130


def test_what_cannot_be_divided_is_not() -> None:
    assert parts("https://example.org/" + "a" * 80 + " is where it stands.") == []
    assert parts("#" + "a" * 80 + " Here. And here.") == []


def test_more_than_25_parts_are_no_thread() -> None:
    assert len(parts("A sentence that fills its part, and no other. " * 25, 52)) == 25
    assert parts("A sentence that fills its part, and no other. " * 26, 52) == []


def test_the_first_part_can_have_less_room() -> None:
    found = split("A first one is here. A second one is here.", lambda t, f: len(t) < (30, 26)[f])
    assert found == ["A first one is here.\n1/2", "A second one is here.\n2/2"]


def test_the_number_stands_on_a_line_of_its_own_so_that_it_reads_at_the_end_in_arabic() -> None:
    """After Latin letters a number joins their run, and would stand before them to a reader."""
    found = split(
        "عاد أهل الحي إلى بيوتهم. وفُتحت المدرسة من جديد #LifeafterDaesh",
        lambda t, first: len(t) <= 50,
    )
    assert found[-1] == "وفُتحت المدرسة من جديد #LifeafterDaesh\n2/2"


def test_even_a_novel_is_answered_soon() -> None:
    started = time.process_time()
    assert parts("word " * 40_000, 280, "weighted") == []
    assert parts("word" * 40_000, 280, "weighted") == []
    assert time.process_time() - started < 10


PIECES = st.sampled_from(
    [
        *(
            "The market.",
            "is open!",
            "(It is.)",
            "Dr. Karim",
            "e.g. this;",
            "one, two:",
            "a",
            "وُلد",
        ),
        *("فُتح السوق.", "لماذا؟", "الخبز،", "والماء؛", "کھل گیا۔", "10\u00a0000", "🏋️‍♀️🇮🇶", "क्षि"),
        *(
            "https://example.org/a.b,c?d=e.",
            "#LifeafterDaesh",
            "#الحياة_بعد_داعش",
            "@nato@social.example",
        ),
        *(
            "@nato.bsky.social",
            "example.org/x.",
            "市場は。開きました、",
            "e\u0301\u0301.",
            "…",
            "—",
            "\u200fx",
        ),
    ]
)


@given(
    st.lists(
        st.tuples(PIECES, st.sampled_from([" ", "\n", "\n\n", "  "])), min_size=1, max_size=60
    ),
    st.sampled_from(["weighted", "graphemes", "utf16", "mastodon"]),
    st.integers(40, 300),
)
@settings(max_examples=200, deadline=None)
def test_every_part_fits_and_nothing_is_lost_or_torn(
    pieces: list[tuple[str, str]], counted_in: str, limit: int
) -> None:
    text = nfc("".join(piece + space for piece, space in pieces)).strip()
    found = parts(text, limit, counted_in)
    if not found:
        return
    assert "".join("".join(found).split()) == "".join(text.split())
    for find in (links, hashtags, mentions):
        whole = [span.text for span in find(text)]
        assert sorted(s.text for part in found for s in find(part)) == sorted(whole)
    assert sum(graphemes("".join(part.split())) for part in found) == graphemes(
        "".join(text.split())
    )
    assert all(nfc(part) == part for part in found)
    assert found == parts(text, limit, counted_in)


@given(st.text(max_size=700), st.integers(20, 280))
@settings(max_examples=150, deadline=None)
def test_any_text_at_all_is_divided_whole_or_not_at_all(text: str, limit: int) -> None:
    text = nfc(text)
    found = split(text, lambda t, first: weighted_length(t) <= limit)
    assert all(weighted_length(part) <= limit for part in found)
    if found:
        said = "".join(part.rsplit("\n", 1)[0] for part in found)
        assert "".join(said.split()) == "".join(text.split())
