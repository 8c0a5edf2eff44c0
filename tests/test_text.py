"""What a text is to the networks and to a reader."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from social_scheduler import text
from tests.reference import twitter_text

FAMILY = "👨‍👩‍👧‍👦"


@pytest.fixture(scope="module")
def published_count() -> Callable[[str], int]:
    """X's count by twitter-text-parser."""
    parse = twitter_text().parse_tweet
    return lambda words: int(parse(words).weightedLength)


CORPUS = [
    "",
    "Partner spotlight: this week we look at the example mission.",
    "Le café rouvre lundi à 10 h 30 ; « bienvenue » à tous… – l’équipe",
    "أضواء على الشركاء: نلقي هذا الأسبوع نظرة. #الحياة_بعد_داعش",
    "اقرؤوا المزيد https://example.org/ar ، وشكرًا",
    "可愛い猫がいます。",
    "한국어 문장입니다",
    "हिन्दी में एक वाक्य",
    "cafe\u0301 is counted composed",
    "two spaces\u2003and\u200ba zero-width one, “quotes” and ′primes″",
    "1️⃣ 2⃣ #️⃣ *️⃣ 🇮🇶 🇫🇷🇩🇪 🇫🇦 🏴󠁧󠁢󠁳󠁣󠁴󠁿 🏴󠁵󠁳󠁴󠁸󠁿",
    f"{FAMILY} 👩‍❤️‍💋‍👨 🧑🏻‍🤝‍🧑🏿 🧑🏿‍🤝‍🧑🏻 👩🏻‍🤝‍👨🏼 👩🏽‍🚀 🏋️‍♀️ 🏳️‍🌈 🏴‍☠️ 👁️‍🗨️",
    "🙏🏽 👍 ❤️ ❤ ☀️ ☀ ☀︎ ✌🏿 😀\u200d😀 \u200d 👨\u200d 🏽",
    "https://example.org",
    "HTTP://EXAMPLE.ORG/A",
    "See https://example.org/a_(b)_(c(d))?x=1&y=2#z. Next",
    "example.org and www.example.co.uk/path, example.org?x=1 example.org:80/x",
    "(https://example.org/a) “example.org” «https://example.org/é»",
    "https://пример.рф/путь https://موقع.شبكة/ https://xn--e1afmkfd.xn--p1ai",
    "https://localhost/a https://example.nosuchtld/a https://example https://.org",
    "a.b e.g. i.e. 10.30 3.14 report.pdf end.Next U.S. wait...what",
    "me@example.org @me #example.org $example.org -example.org _example.org a_b.com",
    "https://a_b.example.org https://a_b.org https://-a.org https://a-.org",
    "https://t.co/abc.def https://t.co/" + "a" * 41,
    "https://" + "a" * 64 + ".org https://example.org/" + "a" * 300,
    "https://example.org/" + "a" * 4200,
    "end.https://example.org//a?b=c",
    "x.com/i/web/status/1 فلسطين.com قريبا.شبكة é.com",
    "état.fr",
    "😀example.org 日本.example.com日本",
    "http://xn--はじめよう.com/a http://xn--ls8h.la/a",
]


@pytest.mark.parametrize("words", CORPUS)
def test_x_counts_a_text_as_we_do(words: str, published_count: Callable[[str], int]) -> None:
    assert text.weighted_length(words) == published_count(words)


TOKENS = st.sampled_from(
    [
        *(
            "the",
            "Word.",
            "أضواء",
            "الشركاء،",
            "猫がいます",
            "한국어",
            "हिन्दी",
            "né",
            "e\u0301",
            "…",
            "“a”",
        ),
        *(
            "https://example.org",
            "http://example.co.uk/a?b=c.",
            "example.org,",
            "x.com/a_(b)",
            "t.co",
        ),
        *("https://nowhere", "report.pdf", "(www.example.museum)", "me@example.org", "a_b.com"),
        *("#LifeafterDaesh", "#الحياة_بعد_داعش", "@partner", "@partner.bsky.social"),
        *(FAMILY, "🙏🏽", "🇮🇶", "🇫🇦", "1️⃣", "❤️", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👩\u200d", "\u200d", "\u200f", "7", "#"),
    ]
)


@given(st.lists(st.tuples(TOKENS, st.sampled_from([" ", "\n", "\u3000"]))))
@settings(max_examples=300, deadline=None)
def test_x_counts_any_mixture_as_we_do(
    published_count: Callable[[str], int], mixture: list[tuple[str, str]]
) -> None:
    words = "".join(token + space for token, space in mixture)
    assert text.weighted_length(words) == published_count(words)


@given(
    st.text(
        "👨👩🧑👦👧🏻🏽🏿🤝\u200d\u200d\ufe0f❤💋🏴☠🏳🌈👁🗨🐕🦺🏋🤝🇫🇷🇩🇪1#\u20e3a ع♀✈🌾🤼漢", max_size=12
    )
)
@settings(max_examples=500, deadline=None)
def test_x_counts_any_row_of_emoji_as_we_do(
    published_count: Callable[[str], int], words: str
) -> None:
    assert text.weighted_length(words) == published_count(words)


@pytest.mark.parametrize(
    ("words", "ours", "elsewhere"),
    [
        ("© ®", 3, 5),  # plain signs, not emoji
        ("⭐️", 2, 4),  # as phones type it: star and emoji style
        ("انظرexample.com هنا", 31, 19),  # an address after letters of another direction
    ],
)
def test_known_faults_of_the_parser_are_not_ours(
    words: str, ours: int, elsewhere: int, published_count: Callable[[str], int]
) -> None:
    """`ours` is what X's own JavaScript library (twitter-text 3.1.0) counts."""
    assert published_count(words) == elsewhere
    assert text.weighted_length(words) == ours


def test_a_newer_emoji_counts_part_by_part() -> None:
    assert text.weighted_length("🐦‍🔥") == 5


@given(st.text())
def test_any_text_at_all_has_a_count(words: str) -> None:
    composed = text.nfc(words)
    assert len(composed) >= text.weighted_prefix(words, 280)
    assert text.weighted_prefix(words, text.weighted_length(words)) == len(composed)


@pytest.mark.parametrize(
    ("words", "limit", "fitting"),
    [
        ("abc", 2, "ab"),
        ("ab漢", 3, "ab"),
        ("ab" + FAMILY, 3, "ab"),
        ("ab" + FAMILY, 4, "ab" + FAMILY),
        ("go https://example.org/a now", 25, "go "),
        ("go https://example.org/a now", 26, "go https://example.org/a"),
        ("cafe\u0301s", 4, "café"),
        ("abc", 0, ""),
    ],
)
def test_a_cut_keeps_addresses_and_emoji_whole(words: str, limit: int, fitting: str) -> None:
    assert text.nfc(words)[: text.weighted_prefix(words, limit)] == fitting


def test_each_way_of_counting_counts_its_own_thing() -> None:
    assert text.graphemes(FAMILY + "क्षि") == 2
    assert text.utf16_length(FAMILY) == 11
    assert text.byte_length("é漢") == 5
    assert text.byte_length("\ud800") == 3


def _texts(spans: list[text.Span]) -> list[str]:
    return [span.text for span in spans]


def test_links_are_found_without_the_punctuation_that_ends_a_sentence() -> None:
    words = "See https://example.org/a_(b). Or (www.example.org), أو example.org/ar؟"
    found = text.links(words)
    assert _texts(found) == ["https://example.org/a_(b)", "www.example.org", "example.org/ar"]
    assert all(words[span.start : span.end] == span.text for span in found)


def test_hashtags_are_found_in_every_script() -> None:
    words = "#LifeafterDaesh و#كلمة #الحياة_بعد_داعش, #café! #2027 a#b https://example.org/#c ＃東京 #می\u200cشود"
    assert _texts(text.hashtags(words)) == [
        "#LifeafterDaesh",
        "#الحياة_بعد_داعش",
        "#café",
        "＃東京",
        "#می\u200cشود",
    ]


@pytest.mark.parametrize("sign", ["✌", "✌\ufe0e", "✌\ufe0f", "✌🏿\ufe0f", FAMILY])
def test_a_hashtag_may_follow_an_emoji(sign: str) -> None:
    assert _texts(text.hashtags(f"a {sign}#tag")) == ["#tag"]


def test_a_host_may_follow_an_emoji_in_a_hashtag() -> None:
    assert _texts(text.links("#😀.example.org #.example.org")) == ["example.org"]


@pytest.mark.parametrize(
    ("network", "words", "found"),
    [
        ("x", "و@NATO @nato@social.example @nato.example.org (@NATO)", ["@NATO", "@nato", "@NATO"]),
        ("mastodon", "و@a@b.example &@a@b.example /@a, @a@b.example.", ["@a@b.example"] * 2),
        ("mastodon", "é@a https://b.example/@a @a @a-b", ["@a", "@a-b"]),
        (
            "telegram",
            "@NATO\u0301 و@NATO @NATOو @abc (@NATO) t.me/@NATO @NATO's",
            ["@NATO", "@NATO"],
        ),
        ("bluesky", "و@nato.example.org @NATO @a@b.example", ["@nato.example.org"]),
        ("elsewhere", "@NATO @a@b.example", ["@NATO", "@a@b.example"]),
    ],
)
def test_a_mention_is_what_the_network_takes_for_one(
    network: str, words: str, found: list[str]
) -> None:
    spans = text.mentions_on(network, words)
    assert _texts(spans) == found
    assert all(words[span.start : span.end] == span.text for span in spans)


def test_mentions_are_found_with_their_servers() -> None:
    words = (
        "@Partner, (@me@example.org) @us.bsky.social. @end.Thanks me@example.org https://x.com/@no"
    )
    assert _texts(text.mentions(words)) == [
        "@Partner",
        "@me@example.org",
        "@us.bsky.social",
        "@end",
    ]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (".@NATO says", ["@NATO"]),
        ("شكرًا و@NATO، وإلى (@NATO)", ["@NATO", "@NATO"]),
        ("@NATO's @NATO… @nato@social.example's", ["@NATO", "@NATO", "@nato@social.example"]),
        ("RT@NATO RT: @NATO", ["@NATO", "@NATO"]),
        ("me@example.org f!@kn #@a @@a @http://x.com @aliceìn @_@", []),
        ("https://x.com/@NATO example.org/@NATO", []),
    ],
)
def test_mentions_are_those_that_x_finds(words: str, found: list[str]) -> None:
    """As X's own JavaScript library (twitter-text 3.1.0) does; servers and domains are ours."""
    assert _texts(text.mentions(words)) == found


@pytest.mark.parametrize(
    ("words", "counted_in", "limit", "fitting"),
    [
        ("go https://example.org/a now", "weighted", 25, "go "),
        ("نقيس النص", "graphemes", 4, "نقيس"),
        (f"a{FAMILY}b", "utf16", 12, f"a{FAMILY}"),
        ("é漢", "bytes", 4, "é"),
    ],
)
def test_a_prefix_is_counted_like_the_whole(
    words: str, counted_in: str, limit: int, fitting: str
) -> None:
    assert words[: text.prefix(words, counted_in, limit)] == fitting


@pytest.mark.parametrize(
    ("words", "direction"),
    [
        ("Hello", "ltr"),
        ("… 12 أهلا", "rtl"),
        ("שלום", "rtl"),
        ("12!", "ltr"),
        ("@Partner أهلا", "ltr"),
    ],
)
def test_the_first_letter_gives_the_direction(words: str, direction: str) -> None:
    assert text.direction(words) == direction


@pytest.mark.parametrize(
    ("words", "script"),
    [
        ("أضواء #LifeafterDaesh @Partner https://example.org/very/long", "arabic"),
        ("Partner spotlight أضواء", "latin"),
        ("Привет всем", "other"),
        ("#LifeafterDaesh https://example.org", "latin"),
        ("12 🙏🏽", None),
    ],
)
def test_the_script_is_that_of_most_words(words: str, script: str | None) -> None:
    assert text.dominant_script(words) == script


@pytest.mark.parametrize(
    ("words", "position", "code_point"),
    [
        ("pay \u202eecila", 4, "U+202E"),
        ("a\u202ab\u202c", 1, "U+202A"),
        ("\u2067أهلا", 0, "U+2067"),
        ("a\u2069", 1, "U+2069"),
        ("\u2067أ\nب\u2069", 0, "U+2067"),
        ("a\U000e0041", 1, "U+E0041"),
        ("🏴\U000e0068\U000e0069\U000e007f", 1, "U+E0068"),
        ("a\x00b", 1, "U+0000"),
        ("a\x1b[31m", 1, "U+001B"),
        ("a\r\nb", 1, "U+000D"),
        ("a\x85b", 1, "U+0085"),
        ("a\ud83d", 1, "U+D83D"),
        ("\ufeffa", 0, "U+FEFF"),
        ("😀\ufe01\ufe02", 1, "U+FE01"),
        ("a\U000e0101", 1, "U+E0101"),
        ("pay e" + "\u0301" * 31, 5, "U+0301"),
    ],
)
def test_a_deceit_is_named_with_its_place(words: str, position: int, code_point: str) -> None:
    found = text.deceits(words)[0]
    assert (found.position, found.code_point) == (position, code_point)
    assert found.reason


@pytest.mark.parametrize(
    "words",
    [
        *CORPUS[:-1],
        "plain\ttext\nin two lines",
        "می\u200cخواهم ש\u200fa\u200e, \u061cأ",
        "He said \u2067أهلا\u2069 twice",
        "葛\U000e0100城市",
        "🏴󠁧󠁢󠁷󠁬󠁳󠁿 ❤️ 👩‍💻",
        "e" + "\u0301" * 30,
    ],
)
def test_an_honest_text_in_any_script_passes(words: str) -> None:
    if "󠁵" not in words:  # the flag of Texas is no flag that networks show
        assert text.deceits(words) == []


def test_a_heap_of_marks_delays_nobody() -> None:
    heap = "a" + "\u0301\u0316" * 200_000
    began = time.process_time()
    assert text.nfc(heap) == heap
    assert len(text.deceits(heap)) == 1
    assert time.process_time() - began < 2


@given(st.text(st.characters(codec=None)))
def test_every_lone_surrogate_and_control_character_is_found(words: str) -> None:
    found = {deceit.position for deceit in text.deceits(words)}
    for position, character in enumerate(words):
        if "\ud800" <= character <= "\udfff" or (character < " " and character not in "\t\n"):
            assert position in found
