"""Telegram's addresses: the Bot API, under /bot<token>/, and how Telegram turns callers away."""

from __future__ import annotations

import re

from starlette.routing import Route

from . import gate, telegram_params, telegram_posts
from .accounts import Account, by_key
from .gate import Call, Desk, Handler, Knock, Manner
from .problems import Problem
from .rates import Standing
from .telegram_params import refusal

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{20,100}", re.ASCII)


class TelegramManner(Manner):
    """The token in the address, twenty messages a minute in a channel, `ok` in every answer.

    Telegram also asks for no more than one message a second; it lets short bursts pass, and so
    does this.
    """

    network = "telegram"
    max_body = 110_000_000

    def caller(self, knock: Knock) -> Account:
        token = str(knock.request.path_params["token"])
        if not _TOKEN.fullmatch(token):
            raise refusal(404, "Not Found")
        with knock.desk.ledger.reading() as db:
            found = by_key(db, "telegram", "bot_token", token)
        if found is None:
            raise self.unauthorized()
        return found[0]

    def used_up(self, standing: Standing, seconds: int) -> Problem:
        told = f"Too Many Requests: retry after {seconds}"
        problem = refusal(429, told, {"retry_after": seconds})
        problem.headers["Retry-After"] = str(seconds)
        return problem

    def is_reply(self, call: Call) -> bool:
        return "reply_parameters" in telegram_params.arguments(call)

    def unreadable(self, why: str) -> Problem:
        return refusal(400, f"Bad Request: {why}")

    def too_large(self, limit: int) -> Problem:
        return refusal(413, "Request Entity Too Large")

    def too_many(self) -> Problem:
        return refusal(429, "Too Many Requests")

    def unauthorized(self) -> Problem:
        return refusal(401, "Unauthorized")

    def reply_forbidden(self) -> Problem:
        return refusal(400, "Bad Request: message to be replied not found")

    def broken(self) -> Problem:
        return refusal(500, "Internal Server Error")


def routes(desk: Desk) -> list[Route]:
    """Everything under /bot<token>/: each method by GET or POST, as Telegram has it."""
    methods: list[tuple[str, str, Handler]] = [
        ("getMe", "me", telegram_posts.me),
        ("getChat", "read", telegram_posts.chat),
        ("getChatMember", "read", telegram_posts.member),
        ("sendMessage", "post", telegram_posts.message),
        ("sendPhoto", "post", telegram_posts.photo),
        ("sendVideo", "post", telegram_posts.video),
        ("sendMediaGroup", "post", telegram_posts.album),
        ("editMessageText", "edit", telegram_posts.reword),
        ("editMessageCaption", "edit", telegram_posts.reword_caption),
        ("deleteMessage", "delete", telegram_posts.delete),
        ("deleteMessages", "delete", telegram_posts.delete_all),
        ("{method}", "read", telegram_posts.unknown),
    ]
    return gate.routes(
        desk,
        TelegramManner(),
        [
            (f"/bot{{token}}/{name}", verb, route, handler)
            for name, route, handler in methods
            for verb in ("POST", "GET")
        ],
    )
