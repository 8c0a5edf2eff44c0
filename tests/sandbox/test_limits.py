"""X's limits: length, posts per quarter of an hour, duplicates and uploads that grow old."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PIL import Image

from social_scheduler.sandbox import Rates
from social_scheduler.sandbox.accounts import Account, add_account
from social_scheduler.sandbox.counting import weighted_length
from social_scheduler.sandbox.ledger import Ledger
from social_scheduler.sandbox.posts import DUPLICATE_WINDOW, SaidBefore, Wish, accept
from social_scheduler.sandbox.rates import TooMany, take
from social_scheduler.sandbox.uploads import begin, complete, owned
from tests.sandbox.conftest import Client
from tests.sandbox.running import start_sandbox


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2027, 1, 11, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **distance: int) -> None:
        self.now += timedelta(**distance)


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("", 0),
        ("hello", 5),
        ("مرحبا", 5),
        ("日本", 4),
        ("“quoted” — so…", 15),
        ("e\u0301", 1),
        ("👍🏽", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("🇮🇶🇫🇷", 4),
        ("1️⃣", 2),
        ("© ®", 3),
        ("🏴󠁧󠁢󠁥󠁮󠁧󠁿", 2),
        ("https://example.org/a/very/long/path?with=a&query=of#much-more-than-23", 23),
        ("example.org, please", 31),
        ("see https://example.org.", 28),
        ("someone@example.org", 19),
        ("http://localhost/x", 18),
        ("(https://example.org/a_(b))", 25),
        ("#example.org", 12),
    ],
)
def test_texts_weigh_what_x_says_they_weigh(text: str, length: int) -> None:
    assert weighted_length(text) == length


def test_280_is_the_limit_and_281_is_too_long(client: Client) -> None:
    for fits in ("a" * 280, "日" * 140, "https://example.org/" + "a" * 400 + " " + "b" * 256):
        assert client.post(fits).status_code == 201
    for long in ("a" * 281, "日" * 140 + "a", "https://example.org/" + "a" * 400 + " " + "b" * 257):
        answer = client.post(long)
        assert answer.status_code == 400
        assert "too long" in answer.json()["errors"][0]["message"]


def test_characters_x_never_takes_are_refused(client: Client) -> None:
    for bad in ("\ufeffhello", "hello\ufffe"):
        assert client.post(bad).status_code == 400
    assert client.texts() == []


def test_the_hundred_and_first_post_in_fifteen_minutes_waits(tmp_path: Path) -> None:
    with start_sandbox(tmp_path, post_limit=2) as sandbox:
        client = Client(sandbox, sandbox.add_account("chatty", "en"))
        answers = [client.post(f"post {n}") for n in range(3)]
        other = Client(sandbox, sandbox.add_account("quiet", "en"))
        assert other.post("unaffected").status_code == 201
    assert [answer.status_code for answer in answers] == [201, 201, 429]
    assert [a.headers["x-rate-limit-remaining"] for a in answers] == ["1", "0", "0"]
    assert {a.headers["x-rate-limit-limit"] for a in answers} == {"2"}
    assert len({a.headers["x-rate-limit-reset"] for a in answers}) == 1
    assert client.texts() == ["post 0", "post 1"]


def test_a_window_ends_after_fifteen_minutes(book: Ledger, clock: Clock, author: Account) -> None:
    rates = Rates({"x/post": 1})
    assert take(book, rates, author, "post").remaining == 0
    clock.forward(seconds=899)
    with pytest.raises(TooMany, match="429") as refused:
        take(book, rates, author, "post")
    start = clock.now - timedelta(seconds=899)
    assert refused.value.standing.reset == int(start.timestamp()) + 900
    clock.forward(seconds=1)
    assert take(book, rates, author, "post").remaining == 0


def test_the_same_words_may_return_after_a_day(book: Ledger, clock: Clock, author: Account) -> None:
    words = Wish("good morning")
    accept(book, author, words, not_within=DUPLICATE_WINDOW)
    clock.forward(hours=23, minutes=59)
    with pytest.raises(SaidBefore):
        accept(book, author, words, not_within=DUPLICATE_WINDOW)
    clock.forward(minutes=1)
    accept(book, author, words, not_within=DUPLICATE_WINDOW)


def test_an_upload_is_good_for_a_day(book: Ledger, clock: Clock, author: Account) -> None:
    held = io.BytesIO()
    Image.new("RGB", (8, 8)).save(held, "PNG")
    upload = begin(book, author, "tweet_image", len(held.getvalue()))
    complete(book, upload, held.getvalue())
    clock.forward(hours=23, minutes=59)
    assert owned(book, author, upload.id) is not None
    clock.forward(minutes=1)
    assert owned(book, author, upload.id) is None


def test_ids_grow_even_when_the_clock_goes_back(
    book: Ledger, clock: Clock, author: Account
) -> None:
    first = accept(book, author, Wish("one"))
    clock.forward(hours=-2)
    assert accept(book, author, Wish("two")).id > first.id


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def book(tmp_path: Path, clock: Clock) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite", clock=clock)
    yield ledger
    ledger.close()


@pytest.fixture
def author(book: Ledger) -> Account:
    return add_account(book, "author", "Author", "en")[0]
