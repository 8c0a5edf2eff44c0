"""The Bot API's methods: who the channel is, sending to it, editing and deleting in it."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any

from . import posts
from . import telegram_media as media
from . import telegram_params as params
from . import telegram_shapes as shapes
from .accounts import Account, by_handle, by_native_id, keys_of
from .gate import Answer, Call
from .ledger import to_micros
from .posts import Post, Wish
from .telegram_params import bad, refusal
from .uploads import Upload

TEXT = 4096
CAPTION = 1024
ALBUM = range(2, 11)


def me(call: Call) -> Answer:
    """getMe"""
    joined = {"can_join_groups": True, "can_read_all_group_messages": False}
    return _done(_bot(call) | joined | {"supports_inline_queries": False})


def chat(call: Call) -> Answer:
    """getChat"""
    return _done(shapes.chat(_channel(call)))


def member(call: Call) -> Answer:
    """getChatMember: a bot sees itself where it is an administrator."""
    channel, bot = _channel(call), _bot(call)
    if channel.id != call.account.id:
        raise bad("member list is inaccessible")
    if params.number(call, "user_id", "invalid user_id specified") != bot["id"]:
        raise bad("PARTICIPANT_ID_INVALID")
    rights = ("can_post_messages", "can_edit_messages", "can_delete_messages")
    return _done({"user": bot, "status": "administrator"} | dict.fromkeys(rights, True))


def message(call: Call) -> Answer:
    """sendMessage"""
    text = params.text(call, "text", TEXT, "message is too long")
    if not text:
        raise bad("message text is empty")
    hidden = params.mapping(call, "link_preview_options").get("is_disabled") is True
    post = _accepted(call, text, [], {"preview": "no"} if hidden else {})
    return _done(_shown(call, post)[0])


def photo(call: Call) -> Answer:
    """sendPhoto"""
    return _one(call, "photo")


def video(call: Call) -> Answer:
    """sendVideo"""
    return _one(call, "video")


def album(call: Call) -> Answer:
    """sendMediaGroup: 2 to 10 photos and videos, of which one has the words."""
    items = params.decoded(call, "media")
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise bad("can't parse media JSON object")
    if len(items) not in ALBUM:
        many = "few" if len(items) < ALBUM.start else "many"
        raise bad(f"too {many} messages to send as an album")
    captions = [shapes.cleaned(str(item.get("caption") or "")) for item in items]
    if any(shapes.units(caption) > CAPTION for caption in captions):
        raise bad("message caption is too long")
    if any(captions[1:]):
        raise bad("this rehearsal keeps an album's words at its first picture only")
    files = [media.attached(call, str(item.get("type")), str(item.get("media"))) for item in items]
    return _done(_shown(call, _accepted(call, captions[0], files, {})))


def reword(call: Call) -> Answer:
    """editMessageText"""
    return _reworded(call, params.text(call, "text", TEXT, "message is too long"), has_media=False)


def reword_caption(call: Call) -> Answer:
    """editMessageCaption"""
    caption = params.text(call, "caption", CAPTION, "message caption is too long")
    return _reworded(call, caption, has_media=True)


def delete(call: Call) -> Answer:
    """deleteMessage"""
    number = params.number(call, "message_id", "message identifier is not specified")
    own = _own(call)
    if not _withdrawn(call, own, [number]):
        raise bad("message to delete not found")
    return _done(True)


def delete_all(call: Call) -> Answer:
    """deleteMessages: those that are not there are passed over."""
    numbers = params.decoded(call, "message_ids")
    if not isinstance(numbers, list) or not 1 <= len(numbers) <= 100:
        raise bad("there must be 1 to 100 message identifiers")
    if not all(type(number) is int for number in numbers):
        raise bad("message identifiers must be of type Number")
    _withdrawn(call, _own(call), numbers)
    return _done(True)


def unknown(call: Call) -> Answer:
    """Any other method."""
    raise refusal(404, "Not Found")


def _done(result: Any) -> Answer:
    return 200, {"ok": True, "result": result}


def _bot(call: Call) -> dict[str, Any]:
    with call.ledger.reading() as db:
        return shapes.bot(call.account, keys_of(db, call.account)["bot_token"])


def _channel(call: Call) -> Account:
    """The chat that a call names: public channels are known to every bot."""
    named = str(params.arguments(call).get("chat_id") or "").strip()
    if not named:
        raise bad("chat_id is empty")
    with call.ledger.reading() as db:
        if named.startswith("@"):
            found = by_handle(db, "telegram", named[1:])
        else:
            found = by_native_id(db, "telegram", named)
    if found is None:
        raise bad("chat not found")
    return found


def _own(call: Call) -> Account:
    """The same, where the bot may write."""
    channel = _channel(call)
    if channel.id != call.account.id:
        raise refusal(403, "Forbidden: bot is not a member of the channel chat")
    return channel


def _one(call: Call, kind: str) -> Answer:
    caption = params.text(call, "caption", CAPTION, "message caption is too long")
    file = call.uploaded.get(kind)
    if file is None:
        raise bad(f"there is no {kind} in the request")
    post = _accepted(call, caption, [media.kept(call, kind, file)], {})
    return _done(_shown(call, post)[0])


def _accepted(call: Call, text: str, files: Sequence[Upload], more: Mapping[str, Any]) -> Post:
    """Store one post, which is as many messages as it has pictures."""
    channel = _own(call)
    extra: dict[str, Any] = dict(more)
    if params.truth(call, "disable_notification"):
        extra["silent"] = "yes"
    wanted = params.mapping(call, "reply_parameters")
    reply = params.whole(wanted.get("message_id"))
    with call.ledger.writing() as db:
        replied = _holding(db, channel, reply) if reply is not None else None
        if wanted and replied is None:
            raise bad("message to be replied not found")
        first = _next_number(db, channel)
        numbers = list(range(first, first + max(1, len(files))))
        wish = Wish(
            text,
            media=files,
            reply_to=replied.id if replied else None,
            remote_id=",".join(map(str, numbers)),
            extra=extra | {"messages": numbers},
        )
        return posts.insert(call.ledger, db, channel, wish)


def _shown(call: Call, post: Post) -> list[dict[str, Any]]:
    replied = None
    if post.reply_to is not None:
        replied = next(iter(posts.visible(call.ledger, [post.reply_to], "telegram")), None)
    return shapes.messages(post, replied)


def _reworded(call: Call, text: str, *, has_media: bool) -> Answer:
    number = params.number(call, "message_id", "message identifier is not specified")
    channel = _own(call)
    with call.ledger.writing() as db:
        post = _holding(db, channel, number)
        if post is None:
            raise bad("message to edit not found")
        if bool(post.media) != has_media:
            thing = "text" if not has_media else "caption"
            raise bad(f"there is no {thing} in the message to edit")
        if not text and not has_media:
            raise bad("message text is empty")
        if text == post.text:
            raise bad("message is not modified: specified new message content is the same")
        language = posts.language_of(text, channel.language)
        db.execute(
            "UPDATE posts SET text = ?, language = ?, edited_at = ? WHERE id = ?",
            (text, language, to_micros(call.ledger.clock()), post.id),
        )
        edited = _holding(db, channel, number)
    if edited is None:
        raise bad("message to edit not found")
    return _done(_shown(call, edited)[0])


def _withdrawn(call: Call, channel: Account, numbers: Sequence[int]) -> int:
    """Take messages down; an album is gone with its last one. How many there were."""
    found = 0
    with call.ledger.writing() as db:
        for number in numbers:
            post = _holding(db, channel, number)
            if post is None:
                continue
            found += 1
            gone = [*post.extra.get("deleted", []), number]
            extra = json.dumps({**post.extra, "deleted": gone}, ensure_ascii=False)
            db.execute("UPDATE posts SET extra = ? WHERE id = ?", (extra, post.id))
            if set(gone) == set(shapes.numbers(post)):
                posts.withdraw(call.ledger, db, post.id)
    return found


def _holding(db: sqlite3.Connection, channel: Account, number: int) -> Post | None:
    """The post of which a message is one, while that message is there."""
    row = db.execute(
        "SELECT remote_id FROM posts WHERE account_id = ? AND removed_at IS NULL"
        " AND instr(',' || remote_id || ',', ',' || ? || ',') > 0",
        (channel.id, str(number)),
    ).fetchone()
    post = posts.by_remote_id(db, channel.id, row["remote_id"]) if row is not None else None
    return None if post is None or number in post.extra.get("deleted", []) else post


def _next_number(db: sqlite3.Connection, channel: Account) -> int:
    """Messages are numbered in their channel, and a number is never given again."""
    row = db.execute(
        "SELECT max(value) FROM posts, json_each(posts.extra, '$.messages') WHERE account_id = ?",
        (channel.id,),
    ).fetchone()
    # A new channel's first message says that it was made.
    return int(row[0] or 1) + 1
