"""X's API v2 for posts and people: create, remove, look up, timeline, me."""

from __future__ import annotations

from typing import Any

from . import posts, shapes, uploads, x_reposts
from .accounts import by_native_id
from .counting import MAX_WEIGHTED_LENGTH, forbidden_character, weighted_length
from .gate import Call
from .params import instant, is_id, max_results, only, optional_id, parse_id, until
from .posts import Post, Stretch
from .problems import Problem, forbidden, invalid, invalid_all, missing
from .uploads import Upload
from .x_media import usable

MAX_PICTURES = 4
PREMIUM_LENGTH = 25_000
LONGEST_FILM = 140_000
"""Milliseconds, for accounts that do not pay."""
_REPLY_SETTINGS = ("following", "mentionedUsers", "subscribers", "verified")
_TIMELINE = frozenset(
    ["max_results", "since_id", "until_id", "start_time", "end_time", "pagination_token", "exclude"]
)

Answer = tuple[int, dict[str, Any]]


def create(call: Call) -> Answer:
    """POST /2/tweets."""
    wish = call.json()
    only(wish, {"text", "media", "reply", "reply_settings", "quote_tweet_id"}, "$")
    text = wish.get("text", "")
    if not isinstance(text, str):
        raise invalid("$.text: string expected", "$.text", text)
    media = _media(call, wish.get("media"))
    quoted = _quoted(call, wish.get("quote_tweet_id"))
    if media and quoted:
        raise invalid("$.media: mutually exclusive with quote_tweet_id", "$.media", "")
    if not text.strip() and not media:
        raise invalid_all(
            [{"message": "The Tweet contains no text and no media.", "parameters": {}}]
        )
    _check_text(text, PREMIUM_LENGTH if call.account.premium else MAX_WEIGHTED_LENGTH)
    settings = wish.get("reply_settings")
    if settings is not None and settings not in _REPLY_SETTINGS:
        raise invalid(
            f"$.reply_settings: does not have a value in the enumeration {list(_REPLY_SETTINGS)}",
            "$.reply_settings",
            settings,
        )
    told = {"replies": settings, "quote": quoted}
    extra = {name: value for name, value in told.items() if value}
    said = posts.Wish(text, media, _reply(wish.get("reply")), extra=extra)
    return 201, shapes.created(_accepted(call, said))


def _accepted(call: Call, said: posts.Wish) -> Post:
    try:
        return posts.accept(call.ledger, call.account, said, not_within=posts.DUPLICATE_WINDOW)
    except posts.SaidBefore as reason:
        raise forbidden("You are not allowed to create a Tweet with duplicate content.") from reason
    except posts.NothingToReplyTo as reason:
        raise forbidden(
            "You attempted to reply to a Tweet that is deleted or not visible to you."
        ) from reason


def remove(call: Call) -> Answer:
    """DELETE /2/tweets/:id. Removing twice is answered like removing once."""
    value = call.path["id"]
    try:
        found = posts.remove(call.ledger, call.account, parse_id(value, "id"))
    except posts.NotYours as reason:
        raise forbidden("You are not authorized to delete this Tweet.") from reason
    if not found:
        raise Problem(404, {"errors": [missing("tweet", "id", value)]})
    x_reposts.vanish(call.ledger, value)
    return 200, {"data": {"deleted": True}}


def show(call: Call) -> Answer:
    """GET /2/tweets/:id. X answers 200 with errors for a post that is not there."""
    only(call.query, shapes.FIELD_PARAMETERS, "query")
    wanted = shapes.parse_wanted(call.query)
    value = call.path["id"]
    found = posts.visible(call.ledger, [parse_id(value, "id")], "x")
    if not found:
        return 200, {"errors": [missing("tweet", "id", value)]}
    more = shapes.includes(call.ledger, found, wanted, call.base)
    return 200, {"data": shapes.tweet(found[0], wanted)} | more


def look_up(call: Call) -> Answer:
    """GET /2/tweets?ids=."""
    only(call.query, shapes.FIELD_PARAMETERS | {"ids"}, "query")
    wanted = shapes.parse_wanted(call.query)
    values = [value for value in call.query.get("ids", "").split(",") if value]
    if not 1 <= len(values) <= 100:
        raise invalid(
            "The number of values in the `ids` query parameter list must be 1 to 100",
            "ids",
            call.query.get("ids", ""),
        )
    found = posts.visible(call.ledger, [parse_id(value, "ids") for value in values], "x")
    answer: dict[str, Any] = {}
    if found:
        answer["data"] = [shapes.tweet(post, wanted) for post in found]
    answer |= shapes.includes(call.ledger, found, wanted, call.base)
    there = {str(post.id) for post in found}
    errors = [missing("tweet", "ids", value) for value in values if value not in there]
    return 200, answer | ({"errors": errors} if errors else {})


def me(call: Call) -> Answer:
    """GET /2/users/me."""
    only(call.query, shapes.FIELD_PARAMETERS, "query")
    wanted = shapes.parse_wanted(call.query)
    return 200, {"data": shapes.user(call.account, wanted)}


def timeline(call: Call) -> Answer:
    """GET /2/users/:id/tweets, newest first, paged by tokens."""
    only(call.query, shapes.FIELD_PARAMETERS | _TIMELINE, "query")
    wanted = shapes.parse_wanted(call.query)
    value = call.path["id"]
    number = parse_id(value, "id")
    with call.ledger.reading() as db:
        known = by_native_id(db, "x", value) is not None
    if not known:
        return 200, {"errors": [missing("user", "id", value)]}
    limit = max_results(call.query)
    stretch = Stretch(
        limit=limit + 1,
        since_id=optional_id(call.query, "since_id"),
        until_id=until(call.query),
        start=instant(call.query, "start_time"),
        end=instant(call.query, "end_time"),
        replies="replies" not in call.query.get("exclude", "").split(","),
    )
    found = posts.timeline(call.ledger, number, stretch)
    return 200, _page(call, found[:limit], wanted, more=len(found) > limit)


def _page(call: Call, found: list[Post], wanted: shapes.Wanted, *, more: bool) -> dict[str, Any]:
    if not found:
        return {"meta": {"result_count": 0}}
    meta: dict[str, Any] = {
        "result_count": len(found),
        "newest_id": str(found[0].id),
        "oldest_id": str(found[-1].id),
    }
    if more:
        meta["next_token"] = f"{found[-1].id:x}"
    answer: dict[str, Any] = {"data": [shapes.tweet(post, wanted) for post in found]}
    return answer | shapes.includes(call.ledger, found, wanted, call.base) | {"meta": meta}


def _quoted(call: Call, value: object) -> str | None:
    """A post of another network's than this one cannot be known here: only removed ones are not."""
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid("$.quote_tweet_id: string expected", "$.quote_tweet_id", value)
    if x_reposts.is_removed(call.ledger, parse_id(value, "$.quote_tweet_id")):
        raise forbidden("You attempted to quote a Tweet that is deleted or not visible to you.")
    return value


def _check_text(text: str, longest: int) -> None:
    bad = forbidden_character(text)
    if bad:
        raise invalid(f"The text contains {bad}, which is not allowed.", "text", "")
    if weighted_length(text) > longest:
        raise invalid_all(
            [
                {
                    "message": "Your Tweet text is too long. For more information on how Twitter"
                    " determines text length see https://github.com/twitter/twitter-text.",
                    "parameters": {},
                }
            ]
        )


def _media(call: Call, wish: object) -> list[Upload]:
    if wish is None:
        return []
    if not isinstance(wish, dict):
        raise invalid("$.media: object expected", "$.media", wish)
    only(wish, {"media_ids"}, "$.media")
    ids = wish.get("media_ids")
    if not isinstance(ids, list) or not all(isinstance(value, str) for value in ids):
        raise invalid("$.media.media_ids: array of strings expected", "$.media.media_ids", ids)
    if not 1 <= len(ids) <= MAX_PICTURES:
        raise invalid(
            f"$.media.media_ids: there must be 1 to {MAX_PICTURES} items in the array",
            "$.media.media_ids",
            *ids,
        )
    found = [
        uploads.owned(call.ledger, call.account, int(value)) if is_id(value) else None
        for value in ids
    ]
    ready = [upload for upload in found if upload is not None and usable(call, upload)]
    moving = [upload for upload in ready if upload.kind != "picture"]
    mixed = (len(ready) > 1 and moving) or any(upload.kind == "captions" for upload in moving)
    if len(ready) != len(ids) or len(set(ids)) != len(ids) or mixed:
        raise invalid("Your media IDs are invalid.", "media.media_ids", *ids)
    if not call.account.premium and any(film.milliseconds > LONGEST_FILM for film in ready):
        raise forbidden("This user is not allowed to post a video longer than 2 minutes.")
    return ready


def _reply(wish: object) -> int | None:
    if wish is None:
        return None
    if not isinstance(wish, dict):
        raise invalid("$.reply: object expected", "$.reply", wish)
    only(wish, {"in_reply_to_tweet_id"}, "$.reply")
    value = wish.get("in_reply_to_tweet_id")
    if not isinstance(value, str):
        raise invalid(
            "$.reply.in_reply_to_tweet_id: string expected", "$.reply.in_reply_to_tweet_id", value
        )
    return parse_id(value, "$.reply.in_reply_to_tweet_id")
