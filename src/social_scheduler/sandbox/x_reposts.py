"""X's reposts: somebody's post repeated by an account, which is undone by naming that post."""

from __future__ import annotations

from typing import Any

from . import posts
from .gate import Call
from .ledger import Ledger, to_micros
from .params import only, parse_id
from .problems import forbidden, invalid

Answer = tuple[int, dict[str, Any]]


def repost(call: Call) -> Answer:
    """POST /2/users/:id/retweets: `{"tweet_id"}`. Posts of elsewhere may be repeated too."""
    _own(call)
    wish = call.json()
    only(wish, {"tweet_id"}, "$")
    value = wish.get("tweet_id")
    if not isinstance(value, str):
        raise invalid("$.tweet_id: string expected", "$.tweet_id", value)
    if is_removed(call.ledger, parse_id(value, "$.tweet_id")):
        raise forbidden("You attempted to repost a Tweet that is deleted or not visible to you.")
    with call.ledger.writing() as db:
        there = db.execute(
            "SELECT 1 FROM posts WHERE account_id = ? AND removed_at IS NULL"
            " AND json_extract(extra, '$.repost') = ?",
            (call.account.id, value),
        ).fetchone()
        if there is not None:
            raise invalid(
                "You cannot retweet a Tweet that you have already retweeted.", "tweet_id", value
            )
        posts.insert(call.ledger, db, call.account, posts.Wish("", extra={"repost": value}))
    return 200, {"data": {"rest_id": value, "retweeted": True}}


def undo(call: Call) -> Answer:
    """DELETE /2/users/:id/retweets/:source_tweet_id; gone already is fine."""
    _own(call)
    value = call.path["source"]
    parse_id(value, "source_tweet_id")
    with call.ledger.writing() as db:
        db.execute(
            "UPDATE posts SET removed_at = ? WHERE account_id = ? AND removed_at IS NULL"
            " AND json_extract(extra, '$.repost') = ?",
            (to_micros(call.ledger.clock()), call.account.id, value),
        )
    return 200, {"data": {"retweeted": False}}


def vanish(ledger: Ledger, post_id: str) -> None:
    """A post was taken down: its reposts, whoever's, go with it."""
    with ledger.writing() as db:
        db.execute(
            "UPDATE posts SET removed_at = ? WHERE removed_at IS NULL"
            " AND json_extract(extra, '$.repost') = ?"
            " AND account_id IN (SELECT id FROM accounts WHERE network = 'x')",
            (to_micros(ledger.clock()), post_id),
        )


def is_removed(ledger: Ledger, post_id: int) -> bool:
    """Whether this post was here once."""
    with ledger.reading() as db:
        sql = "SELECT 1 FROM posts WHERE id = ? AND removed_at IS NOT NULL"
        return db.execute(sql, (post_id,)).fetchone() is not None


def _own(call: Call) -> None:
    if call.path["id"] != call.account.native_id:
        raise forbidden("You are not permitted to perform this action.")
