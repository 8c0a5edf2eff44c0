"""Whether a live post says what was approved: HTML read as text, names shortened, nothing loaded."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from social_scheduler.platforms import Seen
from social_scheduler.platforms.mastodon import PLATFORM as MASTODON
from social_scheduler.platforms.mastodon import markup, seen
from tests.platforms.mastodon.servers import call

LINK = (
    '<a href="https://www.example.org/a/long/way/to/go?x=1&amp;y=2" target="_blank" '
    'rel="nofollow noopener" translate="no"><span class="invisible">https://www.</span>'
    '<span class="ellipsis">example.org/a/long/way/to/go?x</span>'
    '<span class="invisible">=1&amp;y=2</span></a>'
)
MENTION = (
    '<span class="h-card" translate="no"><a href="https://social.example/@nato" '
    'class="u-url mention">@<span>nato</span></a></span>'
)
TAG = (
    '<a href="https://here.example/tags/LifeafterDaesh" class="mention hashtag" rel="tag">'
    "#<span>LifeafterDaesh</span></a>"
)
SHOWN = {
    "one paragraph": ("<p>Plain words.</p>", "Plain words."),
    "lines": ("<p>One<br />two<br>three</p>", "One\ntwo\nthree"),
    "paragraphs": ("<p>One</p><p>Two</p>", "One\n\nTwo"),
    "escaped": (
        "<p>Tea &amp; &lt;bread&gt; &amp;amp; &quot;quotes&quot; &#39;x&#39;</p>",
        "Tea & <bread> &amp; \"quotes\" 'x'",
    ),
    "a shortened address": (
        f"<p>Read {LINK}.</p>",
        "Read https://www.example.org/a/long/way/to/go?x=1&y=2.",
    ),
    "a mention and a tag": (f"<p>With {MENTION} {TAG}</p>", "With @nato #LifeafterDaesh"),
    "Arabic": ("<p>صباح <b>الخير</b> &#x1F1EE;&#x1F1F6;</p>", "صباح الخير 🇮🇶"),
    "a quote": (
        '<p class="quote-inline">RE: <a href="https://x.example/1">x.example/1</a></p><p>We agree.</p>',
        "We agree.",
    ),
    "a quote, with a class of its own inside": (
        '<p class="a quote-inline b"><span>RE:<br/></span> x</p>We agree.',
        "We agree.",
    ),
    "line breaks in the source": ("<p>One\ntwo<br />\nthree</p>\n<p>four</p>", None),
    "a list": ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
    "nothing": ("", ""),
    "broken": ("<p>One</b> <i>two", "One two"),
    "a custom emoji stays its name": ("<p>Hello :blobcat:</p>", "Hello :blobcat:"),
}


@pytest.mark.parametrize(("html", "words"), [v for v in SHOWN.values() if v[1] is not None])
def test_html_is_read_as_the_words_it_shows(html: str, words: str) -> None:
    assert seen.plain("", markup.words(html)) == words


def test_a_line_break_in_the_source_is_a_space() -> None:
    html, _ = SHOWN["line breaks in the source"]
    assert seen.plain("", markup.words(html)) == "One two\nthree\n\nfour"


def post(content: str, **more: Any) -> dict[str, Any]:
    """A post as a server shows it."""
    return {
        "id": "12",
        "account": {"id": "1"},
        "content": content,
        "spoiler_text": "",
        "media_attachments": [],
        "in_reply_to_id": None,
        "language": "en",
        **more,
    }


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("With @nato@social.example #LifeafterDaesh", f"<p>With {MENTION} {TAG}</p>"),
        ("  Trimmed\n\n\nat the ends \n", "<p>Trimmed</p><p>at the ends</p>"),
        ("Cafe\u0301", "<p>Caf\u00e9</p>"),
        ("One\r\ntwo", "<p>One<br />two</p>"),
    ],
)
def test_an_honest_copy_differs_in_nothing(text: str, content: str) -> None:
    assert seen.shown(post(content)).differences(seen.expected(call(text))) == []


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"content": "<p>Good morning!</p>"}, "text"),
        ({"content": "<p>Good <br/>morning.</p>"}, "text"),
        ({"content": "<p>Good morning. More</p>"}, "text"),
        ({"spoiler_text": "Careful"}, "text"),
        ({"account": {"id": "2"}}, "author_id"),
        ({"in_reply_to_id": "3"}, "reply_to"),
        ({"language": "fr"}, "language"),
        ({"media_attachments": [{"id": "1"}]}, "media_count"),
        ({"visibility": "private"}, "visibility"),
        ({"visibility": "unlisted"}, "visibility"),
        ({"quote": {"state": "accepted", "quoted_status": {"id": "7"}}}, "quoted"),
    ],
)
def test_every_difference_is_told(more: dict[str, Any], field: str) -> None:
    found = seen.shown(post("<p>Good morning.</p>") | more)
    assert field in found.differences(seen.expected(call("Good morning.")))


THEIRS = {
    "id": "7",
    "url": "https://social.example/@minister/123",
    "uri": "https://social.example/users/minister/statuses/123",
}


@pytest.mark.parametrize(
    ("address", "quote", "differs"),
    [
        (THEIRS["url"], {"state": "accepted", "quoted_status": THEIRS}, []),
        (THEIRS["uri"], {"state": "accepted", "quoted_status": THEIRS}, []),
        ("https://here.example/@minister@social.example/7", {"quoted_status": THEIRS}, []),
        ("https://other.example/@minister/7", {"quoted_status": THEIRS}, ["quoted"]),
        (THEIRS["url"], {"quoted_status": {**THEIRS, "url": None, "uri": None}}, ["quoted"]),
        (THEIRS["url"], {"quoted_status": {**THEIRS, "url": "https://[x/@a/1"}}, []),
        (THEIRS["url"], {"state": "pending", "quoted_status": None}, []),
        (THEIRS["url"], {"state": "revoked", "quoted_status": None}, ["quoted"]),
        (THEIRS["url"], None, ["quoted"]),
    ],
)
def test_what_is_quoted_is_compared_by_any_of_its_addresses(
    address: str, quote: dict[str, Any] | None, differs: list[str]
) -> None:
    wanted = seen.expected(call("Good morning.", options={"quote": address}))
    found = seen.shown(post("<p>Good morning.</p>", quote=quote), server="https://here.example")
    assert found.differences(wanted) == differs
    assert seen.could_be(found, wanted) == (not differs)


def test_a_post_that_others_see_is_no_copy_of_the_one_approved() -> None:
    wanted = seen.expected(call("Good morning.", options={"visibility": "followers"}))
    for visibility, copy in (("private", True), ("public", False), (None, True)):
        found = seen.shown(post("<p>Good morning.</p>", visibility=visibility))
        assert seen.is_copy(found, wanted) == copy


@pytest.mark.parametrize(
    "odd",
    [{}, {"account": None}, {"media_attachments": None}, {"content": None}, {"language": 7}],
)
def test_what_a_server_does_not_tell_is_not_compared(odd: dict[str, Any]) -> None:
    assert isinstance(seen.shown({"id": "1"} | odd), Seen)


@pytest.mark.parametrize(
    ("url", "remote_id"),
    [
        ("https://mastodon.social/@user/123", "123"),
        ("https://mastodon.social/@user@other.example/123", "123"),
        ("https://mastodon.social/users/user/statuses/123", "123"),
        ("https://mastodon.social/web/statuses/123", "123"),
        (" https://mastodon.social/@user/123?x=1#y ", "123"),
        ("https://pleroma.example/notice/9xAbC", "9xAbC"),
        ("https://gts.example/@user/statuses/01HXYZ", "01HXYZ"),
        ("https://mastodon.social/@user", None),
        ("https://mastodon.social/@user/123/../..", "123"),
        ("https://mastodon.social/tags/123", None),
        ("https://x.com/i/web/status/123", None),
        ("123", None),
        ("", None),
    ],
)
def test_the_id_is_found_in_an_address(url: str, remote_id: str | None) -> None:
    assert MASTODON.id_in(url) == remote_id


def test_importing_the_module_loads_neither_the_sdk_nor_requests() -> None:
    code = (
        "import sys; import social_scheduler.platforms.mastodon;"
        "print([n for n in ('mastodon', 'requests', 'urllib3') if n in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"
