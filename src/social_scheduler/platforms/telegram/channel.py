"""Asks Telegram who a channel is, and whether the bot may post in it."""

from __future__ import annotations

import re
from typing import Any

from social_scheduler.errors import NotSent, Unauthorized
from social_scheduler.platforms import Identity
from social_scheduler.platforms.telegram import wire

_NUMBER = re.compile(r"-100[0-9]{1,16}", re.ASCII)
_NAME = re.compile(r"(?:https?://)?(?:t\.me/|@)?([A-Za-z][A-Za-z0-9_]{3,31})/?", re.ASCII)
_RIGHTS = ("can_post_messages", "can_edit_messages", "can_delete_messages")
_REMEDY = "In the channel, add the bot as an administrator who may post messages."


def identify(line: wire.Line) -> Identity:
    """getMe, getChat, getChatMember: the channel is the account, and the bot may post in it.

    A private channel has no handle; its id stands for it.
    """
    bot = _dict(line.ask("getMe", {}), "whose token this is")
    chat = _dict(line.ask("getChat", {"chat_id": named(line)}), "which channel this is")
    number, handle = chat.get("id"), chat.get("username")
    if type(number) is not int or type(bot.get("id")) is not int:
        raise NotSent("Telegram did not say which channel this is.")
    if chat.get("type") != "channel":
        raise Unauthorized(
            f"That is a {line.redacted(chat.get('type'))}, not a channel.",
            "Name the channel to post in.",
        )
    member = _dict(
        line.ask("getChatMember", {"chat_id": number, "user_id": bot["id"]}),
        "what the bot may do",
    )
    _pin(line, str(number))
    rights = tuple(right for right in _RIGHTS if member.get(right) is True)
    if member.get("status") != "administrator" or _RIGHTS[0] not in rights:
        raise Unauthorized(
            f"The bot @{line.redacted(bot.get('username'))} may not post in the channel (it is: "
            f"{line.redacted(member.get('status'))}).",
            _REMEDY,
        )
    known_as = line.redacted(handle) if isinstance(handle, str) and handle else str(number)
    return Identity(str(number), known_as, scopes=rights)


def _pin(line: wire.Line, number: str) -> None:
    """From now on the channel goes by its number: its name may become another channel's."""
    keep = line.connection.renewed
    if keep is not None and line.connection.keys.get("channel") != number:
        keep({"channel": number})


def named(line: wire.Line) -> str:
    """The channel as Telegram wants it named: @channel, or the number of a private one."""
    given = line.connection.keys.get("channel", "").strip()
    if _NUMBER.fullmatch(given):
        return given
    found = _NAME.fullmatch(given)
    if not found:
        raise Unauthorized(
            f"{given!r} is not the name of a channel.",
            "Give it as @channel, or as -100… when it is private; connect the account again.",
        )
    return f"@{found[1]}"


def _dict(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise NotSent(f"Telegram did not say {what}.")
    return value
