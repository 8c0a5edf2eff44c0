"""What is a link, a hashtag or a mention is marked by the bytes it has in UTF-8."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from social_scheduler.platforms.bluesky.facets import facets, handles, links, uri

NOOR = "did:plc:z72i7hdynmk6r22z27h6tvur"


def marked(text: str, **dids: str) -> list[tuple[str, str]]:
    """The bytes that each mark covers, and what it says of them."""
    whole = text.encode()
    found = []
    for facet in facets(text, {handle.replace("_", "."): did for handle, did in dids.items()}):
        (feature,) = facet["features"]
        (value,) = (v for k, v in feature.items() if k != "$type")
        span = whole[facet["index"]["byteStart"] : facet["index"]["byteEnd"]]
        found.append((span.decode(), value))
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Nothing here.", []),
        (
            "Café 🇫🇷 remarks read here #diplomacy, #الحياة_بعد_داعش",
            [("#diplomacy", "diplomacy"), ("#الحياة_بعد_داعش", "الحياة_بعد_داعش")],
        ),
        (
            "اقرأ https://example.org/قصة/١؟ ثم https://example.org/ب، نعم",
            [
                ("https://example.org/قصة/١", "https://example.org/قصة/١"),
                ("https://example.org/ب", "https://example.org/ب"),
            ],
        ),
        (
            "(https://en.example.org/a_(b)) and [example.org/c]. HTTPS://EXAMPLE.ORG!",
            [
                ("https://en.example.org/a_(b)", "https://en.example.org/a_(b)"),
                ("example.org/c", "https://example.org/c"),
                ("HTTPS://EXAMPLE.ORG", "HTTPS://EXAMPLE.ORG"),
            ],
        ),
        ("https://example.org/#part @noor.example.org/x", [("https://example.org/#part",) * 2]),
        ("https:// and http://. and x@example.org", []),
        ("#" + "x" * 65, []),
        ("\u2067https://example.org\u2069 #a", [("https://example.org",) * 2, ("#a", "a")]),
    ],
)
def test_links_and_hashtags_are_marked_in_any_script(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert marked(text) == expected


def test_who_is_mentioned_is_linked_when_it_is_known_who_that_is() -> None:
    text = "🇮🇶 @Noor.example.org, @nobody.example.org and @noor@mastodon.example @short"
    assert handles(text) == ["noor.example.org", "nobody.example.org"]
    assert marked(text, noor_example_org=NOOR) == [("@Noor.example.org", NOOR)]


@given(
    st.text(st.sampled_from("aب #@./:()ة🇮🇶\u200fhtps") | st.characters(exclude_categories=["Cs"]))
)
def test_marks_never_overlap_and_cover_whole_characters(text: str) -> None:
    whole = text.encode()
    end = 0
    for facet in facets(text, dict.fromkeys(handles(text), NOOR)):
        start = facet["index"]["byteStart"]
        assert end <= start < facet["index"]["byteEnd"] <= len(whole)
        end = facet["index"]["byteEnd"]
        whole[start:end].decode()


def test_a_link_leads_where_it_says() -> None:
    text = "example.org http://example.org"
    assert [uri(link) for link in links(text)] == ["https://example.org", "http://example.org"]
