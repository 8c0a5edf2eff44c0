"""Says one part on X, or takes one down."""

from __future__ import annotations

from social_scheduler.errors import NotSent, Refused
from social_scheduler.platforms import Call, Published, _line
from social_scheduler.platforms.x import wire
from social_scheduler.platforms.x.addresses import (
    Repost,
    is_id,
    native,
    page_of,
    post_at,
    repost_in,
    site,
)
from social_scheduler.platforms.x.checks import REPLIES


def publish(line: wire.Line, call: Call) -> Published:
    """POST /2/tweets or /2/users/:id/retweets, once. Unconfirmed unless the answer says it is."""
    options = dict(call.message.options)
    repost, quote = options.pop("repost", None), options.pop("quote", None)
    replies = options.pop("replies", "everyone")
    if options or replies not in REPLIES:
        # Leaving out what was approved is not ours to decide.
        option = sorted(options)[0] if options else f"replies: {replies}"
        raise Refused(f"X has no option {option!r}.", "Remove it from the post.")
    if repost is not None:
        return _repost(line, call, repost)
    part = call.message.parts[call.number - 1]
    reply_to = None if call.reply_to is None else native(call.reply_to)
    first = call.number == 1  # what is chosen of a thread is chosen where it begins
    quoted = named_post(quote) if quote is not None and first else None
    media = _media(line, call)
    body = line.ask(
        lambda client: client.create_tweet(
            text=part.text,
            in_reply_to_tweet_id=reply_to,
            media_ids=media or None,
            quote_tweet_id=quoted,
            reply_settings=REPLIES[replies] if first else None,
            user_auth=line.user_auth,
        ),
        publishing=True,
    )
    data = (body or {}).get("data")
    remote_id = data.get("id") if isinstance(data, dict) else None
    if not is_id(remote_id):
        raise _line.lost(
            True, "X took the post but did not name it.", "HTTP 2xx without the id of a post"
        )
    return published(line.base_url, str(remote_id))


def remove(line: wire.Line, remote_id: str) -> None:
    """DELETE /2/tweets/:id, or what undoes a repost; 404 is what we want."""
    repost = repost_in(remote_id)
    if repost is not None:
        body = line.ask(
            line.call("DELETE", f"/2/users/{repost.account}/retweets/{repost.post}"), gone=True
        )
        undone = _flag(body, "retweeted") is False
    else:
        post = native(remote_id)
        body = line.ask(
            lambda client: client.delete_tweet(post, user_auth=line.user_auth), gone=True
        )
        undone = _flag(body, "deleted") is True
    if body is not None and not undone:
        raise NotSent("X did not say that the post is deleted.", "Look at it, then try again.")


def published(base_url: str, remote_id: str) -> Published:
    """Where people can open a post: on x.com, or at the rehearsal network it is on."""
    return Published(remote_id, page_of(remote_id, site(base_url)))


def named_post(address: str) -> str:
    """The id of somebody's post at an address that an author gave."""
    post = post_at(address)
    if post is None:
        raise Refused(
            f"{address!r} is not the address of a post on X.", "Open the post and copy its address."
        )
    return post


def _repost(line: wire.Line, call: Call, address: str) -> Published:
    """Repeat somebody's post as it is, which has no words of ours."""
    (part,) = call.message.parts[:1]
    if len(call.message.parts) != 1 or part.text or part.media:
        raise Refused("A repost has no words or pictures of its own.", "Quote the post instead.")
    repost = Repost(native(call.message.account), named_post(address))
    body = line.ask(
        line.call("POST", f"/2/users/{repost.account}/retweets", json={"tweet_id": repost.post}),
        publishing=True,
    )
    if _flag(body, "retweeted") is not True:
        raise _line.lost(True, "X did not say that it is reposted.", "HTTP 2xx without retweeted")
    return Published(str(repost), address)  # it has no page but that of what it repeats


def _flag(body: dict[str, object] | None, name: str) -> object:
    data = (body or {}).get("data")
    return data.get(name) if isinstance(data, dict) else None


def _media(line: wire.Line, call: Call) -> list[str]:
    """The uploads of the part's pictures and films, in the part's order."""
    found = []
    for item, upload in call.uploaded(line.now()):
        if upload is None:
            raise NotSent(
                f"X does not hold picture {item.sha256[:12]} (any more), or is not done with it.",
                "It is handed over again before the next try.",
            )
        found.append(native(upload.remote_id))
    return found
