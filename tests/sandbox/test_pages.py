"""What the network's readers see: exact words, escaped, in their direction, and safely framed."""

from __future__ import annotations

import re
from collections.abc import Callable

import requests

from tests.sandbox import story
from tests.sandbox.conftest import Client
from tests.sandbox.running import TIMEOUT, Sandbox


def page(client: Client) -> str:
    return client.get(f"/@{client.account.handle}").text


def test_text_is_escaped_and_finds_its_own_direction(client: Client) -> None:
    client.posted("<script>alert(1)</script> & more")
    html = page(client)
    assert '<p dir="auto">&lt;script&gt;alert(1)&lt;/script&gt; &amp; more</p>' in html
    assert "<script" not in html


def test_arabic_posts_run_from_right_to_left(sandbox: Sandbox) -> None:
    client = Client(sandbox, sandbox.add_account("desk_ar", "ar", name="المكتب"))
    client.posted("مرحبا بكم في @partner\nhttps://example.org/ar #وسم")
    html = page(client)
    assert re.search(r'<article class="card x"[^>]*lang="ar" dir="rtl"', html)
    assert '<p dir="auto">مرحبا بكم في <bdi class="tag">@partner</bdi></p>' in html
    # A line of links and tags alone has no direction of its own: it takes the post's.
    assert '<p><a href="https://example.org/ar"' in html


def test_links_show_where_they_lead(client: Client) -> None:
    client.posted("read example.org/story and https://www.example.org/a-rather-long-address-here")
    html = page(client)
    assert '<a href="http://example.org/story" rel="noreferrer noopener">' in html
    assert "<bdi>example.org/a-rather-long-…</bdi>" in html


def test_a_thread_is_joined_in_the_order_of_reading(client: Client) -> None:
    first = client.posted("first part")
    client.posted("in between")
    second = client.posted("second part", reply_to=first)
    client.posted("third part", reply_to=second)
    html = page(client)
    places = [html.index(t) for t in ("first part", "second part", "third part", "in between")]
    assert places == sorted(places)
    assert 'aria-label="Thread of 3 posts"' in html


def test_a_reply_to_something_else_says_so(sandbox: Sandbox, client: Client) -> None:
    other = Client(sandbox, sandbox.add_account("questioner", "en"))
    question, gone = other.posted("a question"), other.posted("soon gone")
    client.posted("an answer", reply_to=question)
    client.posted("too late", reply_to=gone)
    other.call("DELETE", f"/2/tweets/{gone}")
    html = page(client)
    assert "In reply to <bdi>@questioner</bdi>" in html
    assert "In reply to <bdi>a post that is not here any more</bdi>" in html


def test_pictures_are_shown_with_their_alt_text(
    client: Client, picture: Callable[..., bytes]
) -> None:
    content = picture(colour="orange")
    media = [client.uploaded(content), client.uploaded(picture(colour="navy"))]
    client.describe(media[0], 'An "orange" square.')
    number = client.posted("look", media=media)
    html = page(client)
    shown = re.search(r'<img src="(/media/\w{64})" alt="An &#34;orange&#34; square\."', html)
    assert shown
    assert "This picture has no alt text." in html
    served = client.get(shown[1])
    assert served.content == content
    assert served.headers["Content-Type"] == "image/png"
    client.call("DELETE", f"/2/tweets/{number}")
    assert client.get(shown[1]).status_code == 404
    assert "look" not in page(client)


def test_every_page_says_that_it_is_a_rehearsal(client: Client) -> None:
    client.posted("hello")
    for path in ("/", f"/@{client.account.handle}"):
        html = client.get(path).text
        assert "<title>Rehearsal: " in html
        assert "Nothing here is public" in html
        assert "hello" in html


def test_pages_load_nothing_from_elsewhere_and_run_nothing(client: Client) -> None:
    client.posted("hello")
    answer = client.get(f"/@{client.account.handle}")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; media-src")
    assert "unsafe" not in policy
    assert not re.search(r'\s(?:style|on\w+)="', answer.text)
    sources = re.findall(r'(?:src|<link[^>]*href)="([^"]*)"', answer.text)
    assert all(source.startswith("/") for source in sources)
    for source in sources:
        assert client.get(source).status_code == 200


def test_an_unknown_account_or_page_is_not_found(sandbox: Sandbox) -> None:
    for path in ("/@nobody", "/nothing", "/media/" + "0" * 64, "/2/nothing"):
        assert requests.get(sandbox.url + path, timeout=TIMEOUT).status_code == 404


def test_every_network_has_its_pages_and_its_addresses_of_posts(sandbox: Sandbox) -> None:
    story.tell(sandbox, "en")
    listed = sandbox.ledger()
    first = {n: next(e for e in listed if e.network == n) for n in story.SPOKEN}
    uri = first["bluesky"].id
    did, key = uri.removeprefix("at://").split("/app.bsky.feed.post/")
    handles = {network: entry.account for network, entry in first.items()}
    for path in (
        "/",
        *(f"/{network}" for network in first),
        *(f"/{network}/@{handle}" for network, handle in handles.items()),
        f"/@{handles['mastodon']}/{first['mastodon'].id}",
        f"/profile/{did}/post/{key}",
        f"/profile/{handles['bluesky']}/post/{key}",
        f"/profile/{handles['bluesky']}",
        f"/t.me/{handles['telegram']}/2",
        f"/t.me/{handles['telegram']}",
    ):
        answer = requests.get(sandbox.url + path, timeout=TIMEOUT)
        assert (answer.status_code, "Partner spotlight" in answer.text) == (200, True), path
    for path in (f"/profile/{did}/post/3aaaaaaaaaaaa", f"/t.me/{handles['telegram']}/99", "/@a/1"):
        assert requests.get(sandbox.url + path, timeout=TIMEOUT).status_code == 404


def test_a_film_is_sent_in_stretches_to_those_who_ask_so(sandbox: Sandbox) -> None:
    story.tell(sandbox, "ar")
    whole, captions = story.film("ar")
    media = next(m for e in sandbox.ledger("bluesky") for m in e.media if "ar" in m.captions)
    url = f"{sandbox.url}/media/{media.sha256}"
    for wanted, told, part in (
        ("bytes=0-", f"bytes 0-{len(whole) - 1}/{len(whole)}", whole),
        ("bytes=10-19", f"bytes 10-19/{len(whole)}", whole[10:20]),
        ("bytes=-5", f"bytes {len(whole) - 5}-{len(whole) - 1}/{len(whole)}", whole[-5:]),
    ):
        answer = requests.get(url, headers={"Range": wanted}, timeout=TIMEOUT)
        assert (answer.status_code, answer.headers["Content-Range"]) == (206, told)
        assert answer.content == part
    assert requests.get(url, timeout=TIMEOUT).content == whole
    address = f"{sandbox.url}/media/{media.captions['ar']}"
    said = requests.get(address, timeout=TIMEOUT)
    assert (said.content, said.headers["Content-Type"]) == (captions, "text/vtt; charset=utf-8")
