"""Compares the messages in Telegram's answer with what was approved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from social_scheduler.platforms import Call, Seen

_OF_ITS_OWN = ""
"""What a message that is no reply replies to; None would mean that Telegram does not tell."""
_MEDIA = ("photo", "video", "animation")
"""A film without sound comes back as an animation."""


def expected(call: Call) -> Seen:
    """What Telegram's answer shows of a part when it is exactly what was approved."""
    part = call.message.parts[call.number - 1]
    return Seen(
        author_id=call.message.account,
        text=part.text.strip(),
        links=None,
        media_count=len(part.media),
        alt_texts=None,
        language=None,
        reply_to=first_of(call.reply_to) if call.reply_to else _OF_ITS_OWN,
    )


def shown(messages: Sequence[Mapping[str, Any]]) -> Seen:
    """The messages of one part (core.telegram.org/bots/api, "Message") in the same form.

    An album has its words at its first picture.
    """
    first = messages[0]
    words = [str(m.get("text") or m.get("caption") or "") for m in messages]
    chat, replied = first.get("chat"), first.get("reply_to_message")
    return Seen(
        author_id=str(chat["id"]) if isinstance(chat, dict) and "id" in chat else None,
        text="\n".join(found for found in words if found).strip(),
        links=None,
        media_count=sum(any(m.get(kind) for kind in _MEDIA) for m in messages),
        alt_texts=None,
        language=None,
        reply_to=str(replied.get("message_id")) if isinstance(replied, dict) else _OF_ITS_OWN,
    )


def first_of(remote_id: str) -> str:
    """The message of a part that has its words: a part with several media is several messages."""
    return remote_id.partition(",")[0]
