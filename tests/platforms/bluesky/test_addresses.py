"""Addresses of posts, as people paste them and as the network has them."""

from __future__ import annotations

import pytest

from social_scheduler.platforms.bluesky import PLATFORM, addresses
from tests.platforms.bluesky.calls import DID


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://bsky.app/profile/{DID}/post/3k2a", f"at://{DID}/app.bsky.feed.post/3k2a"),
        (
            "https://bsky.app/profile/noor.example.org/post/3k2a?ref=share#top",
            "at://noor.example.org/app.bsky.feed.post/3k2a",
        ),
        (
            f"https://bsky.app/profile/{DID.replace(':', '%3A')}/post/3k2a/",
            f"at://{DID}/app.bsky.feed.post/3k2a",
        ),
        (
            f"http://127.0.0.1:4600/profile/{DID}/post/3k2a",
            f"at://{DID}/app.bsky.feed.post/3k2a",
        ),
        (f"at://{DID}/app.bsky.feed.post/3k2a", f"at://{DID}/app.bsky.feed.post/3k2a"),
        ("https://bsky.app/profile/noor.example.org", None),
        ("https://bsky.app/profile/noor/post/3k2a", None),
        ("https://bsky.app/profile/noor.example.org/post/3k2a/liked-by", None),
        ("https://bsky.app/profile/../post/3k2a", None),
        ("ftp://bsky.app/profile/noor.example.org/post/3k2a", None),
        ("https:///profile/noor.example.org/post/3k2a", None),
        ("https://[/profile/noor.example.org/post/3k2a", None),
        (f"at://{DID}/app.bsky.feed.post/3k2a/more", None),
        ("", None),
    ],
)
def test_the_post_on_a_page(url: str, expected: str | None) -> None:
    assert PLATFORM.id_in(url) == expected


def test_people_open_posts_on_bsky_app_and_rehearsals_at_the_sandbox() -> None:
    at = addresses.address(f"at://{DID}/app.bsky.feed.post/3k2a")
    assert at is not None
    for server in ("https://bsky.social", "https://pds.example.org"):
        assert addresses.page(server, at) == f"https://bsky.app/profile/{DID}/post/3k2a"
    here = "http://127.0.0.1:4600"
    assert addresses.page(here, at) == f"{here}/profile/{DID}/post/3k2a"
