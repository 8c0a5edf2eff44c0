"""The JSON of posts, people and pictures: X's default fields, and the ones asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from .accounts import Account, by_id
from .counting import MAX_WEIGHTED_LENGTH, weighted_length
from .entities import as_answered, shorten
from .ledger import Ledger
from .posts import Post, PostMedia, visible
from .problems import invalid

_KNOWN = {
    "tweet.fields": (
        "article,attachments,author_id,card_uri,community_id,context_annotations,conversation_id,"
        "created_at,display_text_range,edit_controls,edit_history_tweet_ids,entities,geo,id,"
        "in_reply_to_user_id,lang,media_metadata,note_tweet,possibly_sensitive,public_metrics,"
        "referenced_tweets,reply_settings,scopes,source,suggested_source_links,text,withheld"
    ),
    "media.fields": (
        "alt_text,duration_ms,height,media_key,preview_image_url,public_metrics,type,url,"
        "variants,width"
    ),
    "user.fields": (
        "created_at,description,entities,id,location,most_recent_tweet_id,name,pinned_tweet_id,"
        "profile_image_url,protected,public_metrics,url,username,verified,verified_type,withheld"
    ),
    "expansions": (
        "article.cover_media,article.media_entities,attachments.media_keys,"
        "attachments.media_source_tweet,attachments.poll_ids,author_id,"
        "edit_history_tweet_ids,entities.mentions.username,geo.place_id,in_reply_to_user_id,"
        "entities.note.mentions.username,referenced_tweets.id,referenced_tweets.id.author_id,"
        "referenced_tweets.id.attachments.media_keys"
    ),
    "poll.fields": "duration_minutes,end_datetime,id,options,voting_status",
    "place.fields": "contained_within,country,country_code,full_name,geo,id,name,place_type",
}
_ALLOWED = {name: frozenset(values.split(",")) for name, values in _KNOWN.items()}
FIELD_PARAMETERS = frozenset(_ALLOWED)
_SHOWN_OF_LONG = 270
"""Characters of a long text that timelines show before it is opened."""


@dataclass(frozen=True)
class Wanted:
    """Which fields and expansions a request asked for."""

    tweet: frozenset[str]
    media: frozenset[str]
    user: frozenset[str]
    expansions: frozenset[str]


def parse_wanted(query: Mapping[str, str]) -> Wanted:
    """Read the `*.fields` and `expansions` parameters; raises Problem 400 for unknown names."""
    chosen: dict[str, frozenset[str]] = {}
    for name, allowed in _ALLOWED.items():
        values = [value for value in query.get(name, "").split(",") if value]
        for value in values:
            if value not in allowed:
                listed = ",".join(sorted(allowed))
                raise invalid(
                    f"The `{name}` query parameter value [{value}] is not one of [{listed}]",
                    name,
                    query[name],
                )
        chosen[name] = frozenset(values)
    return Wanted(
        chosen["tweet.fields"],
        chosen["media.fields"],
        chosen["user.fields"],
        chosen["expansions"],
    )


def rfc3339(instant: datetime) -> str:
    """X answers with milliseconds that are always zero."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def created(post: Post) -> dict[str, Any]:
    """The answer to POST /2/tweets."""
    text, _ = _answered(post)
    number = str(post.id)
    return {"data": {"edit_history_tweet_ids": [number], "id": number, "text": text}}


def tweet(post: Post, wanted: Wanted) -> dict[str, Any]:
    text, entities = _answered(post)
    number = str(post.id)
    referenced = _referenced(post)
    everything: dict[str, Any] = {
        "author_id": str(post.author.id),
        "conversation_id": str(post.conversation),
        "created_at": rfc3339(post.received_at),
        "lang": post.language,
        "possibly_sensitive": False,
        "reply_settings": post.extra.get("replies", "everyone"),
        "display_text_range": [0, len(text)],
        "public_metrics": {
            "retweet_count": 0,
            "reply_count": 0,
            "like_count": 0,
            "quote_count": 0,
            "bookmark_count": 0,
            "impression_count": 0,
        },
    }
    if entities:
        everything["entities"] = entities
    if post.media:
        everything["attachments"] = {"media_keys": [m.key for m in post.media]}
    if post.reply_to is not None:
        everything["in_reply_to_user_id"] = str(post.reply_account)
    if referenced:
        everything["referenced_tweets"] = referenced
    if _is_long(post):
        whole, found = as_answered(post.text, post.id, post.author.handle, [])
        everything["note_tweet"] = {"text": whole, "entities": found}
    asked = wanted.tweet | {e.partition(".")[0] for e in wanted.expansions}
    answer = {name: value for name, value in everything.items() if name in asked}
    return answer | {"id": number, "text": text, "edit_history_tweet_ids": [number]}


def user(account: Account, wanted: Wanted) -> dict[str, Any]:
    everything: dict[str, Any] = {
        "description": "An account on a rehearsal network.",
        "protected": False,
        "verified": account.premium,
        "verified_type": "blue" if account.premium else "none",
        "url": "",
    }
    answer = {name: value for name, value in everything.items() if name in wanted.user}
    return answer | {"id": str(account.id), "name": account.name, "username": account.handle}


def includes(ledger: Ledger, posts: Sequence[Post], wanted: Wanted, base: str) -> dict[str, Any]:
    """What the expansions bring along; `base` is this server's address, for picture links."""
    found: dict[str, Any] = {}
    if "attachments.media_keys" in wanted.expansions:
        pictures = {m.key: _media(m, wanted, base) for post in posts for m in post.media}
        if pictures:
            found["media"] = list(pictures.values())
    people: dict[int, Account] = {}
    if "author_id" in wanted.expansions:
        people |= {post.author.id: post.author for post in posts}
    if "in_reply_to_user_id" in wanted.expansions:
        with ledger.reading() as db:
            replied = [by_id(db, p.reply_account) for p in posts if p.reply_account is not None]
        people |= {account.id: account for account in replied if account is not None}
    if people:
        found["users"] = [user(account, wanted) for account in people.values()]
    if "referenced_tweets.id" in wanted.expansions:
        ids = [int(other["id"]) for post in posts for other in _referenced(post)]
        targets = visible(ledger, ids, "x")
        if targets:
            found["tweets"] = [tweet(post, wanted) for post in targets]
    return {"includes": found} if found else {}


def _media(picture: PostMedia, wanted: Wanted, base: str) -> dict[str, Any]:
    everything: dict[str, Any] = {
        "url": f"{base}/media/{picture.sha256}",
        "width": picture.width,
        "height": picture.height,
    }
    if picture.alt_text:
        everything["alt_text"] = picture.alt_text
    if picture.kind == "film":
        everything["duration_ms"] = picture.milliseconds
    answer = {name: value for name, value in everything.items() if name in wanted.media}
    kind = {"animation": "animated_gif", "film": "video"}.get(picture.kind, "photo")
    return answer | {"media_key": picture.key, "type": kind}


def _referenced(post: Post) -> list[dict[str, str]]:
    """What a post answers, quotes or repeats."""
    others = {
        "retweeted": post.extra.get("repost"),
        "quoted": post.extra.get("quote"),
        "replied_to": str(post.reply_to) if post.reply_to is not None else None,
    }
    return [{"type": how, "id": str(other)} for how, other in others.items() if other]


def _is_long(post: Post) -> bool:
    return weighted_length(post.text) > MAX_WEIGHTED_LENGTH


def _answered(post: Post) -> tuple[str, dict[str, list[dict[str, Any]]]]:
    keys = [m.key for m in post.media]
    if repeated := post.extra.get("repost"):
        return f"RT {_page(repeated)}", {}
    text = f"{post.text[:_SHOWN_OF_LONG]}…" if _is_long(post) else post.text
    answer, found = as_answered(text, post.id, post.author.handle, keys)
    if quoted := post.extra.get("quote"):
        short = shorten(post.id, "quote")
        start = len(answer) + 1 if answer else 0
        answer = f"{answer} {short}".strip()
        link = {"start": start, "end": len(answer), "url": short, "expanded_url": _page(quoted)}
        found.setdefault("urls", []).append(link | {"display_url": "x.com/i/web/status/…"})
    return answer, found


def _page(post_id: object) -> str:
    return f"https://x.com/i/web/status/{post_id}"
