"""X's addresses: which handler answers what, who may call, and how X turns callers away."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import Route

from . import gate, x_media, x_oauth2, x_posts, x_reposts
from .accounts import Account
from .gate import Call, Desk, Knock, Manner
from .oauth import authenticate
from .problems import Problem, forbidden, invalid, plain, too_many_requests, unauthorized
from .rates import Standing


class XManner(Manner):
    """OAuth 1.0a or 2, windows of fifteen minutes, problems in X's own JSON."""

    network = "x"
    elsewhere = "http://elsewhere.invalid/2/tweets"

    def caller(self, knock: Knock) -> Account:
        request = knock.request
        if (token := knock.bearer) is not None:
            return x_oauth2.authenticate(knock, token)
        return authenticate(
            knock.desk.ledger, request.method, knock.url, request.headers, knock.form
        )

    def rate_headers(self, standing: Standing) -> Mapping[str, str]:
        return {
            "x-rate-limit-limit": str(standing.limit),
            "x-rate-limit-remaining": str(standing.remaining),
            "x-rate-limit-reset": str(standing.reset),
        }

    def is_reply(self, call: Call) -> bool:
        return bool(call.json().get("reply"))

    def unreadable(self, why: str) -> Problem:
        return invalid(why, "body", "")

    def too_large(self, limit: int) -> Problem:
        return plain(413, "Payload Too Large", f"The request body exceeds {limit} bytes.")

    def too_many(self) -> Problem:
        return too_many_requests()

    def unauthorized(self) -> Problem:
        return unauthorized()

    def reply_forbidden(self) -> Problem:
        return forbidden(
            "Reply to this conversation is not allowed because you have not been mentioned or"
            " otherwise engaged by the author of the post you are replying to."
        )

    def broken(self) -> Problem:
        return plain(500, "Internal Server Error")


def routes(desk: Desk) -> list[Route]:
    """Everything under /2, and the page of consent."""
    return gate.routes(
        desk,
        XManner(),
        [
            ("/2/tweets", "POST", "post", x_posts.create),
            ("/2/tweets", "GET", "read", x_posts.look_up),
            ("/2/tweets/{id}", "GET", "read", x_posts.show),
            ("/2/tweets/{id}", "DELETE", "delete", x_posts.remove),
            ("/2/users/me", "GET", "me", x_posts.me),
            ("/2/users/{id}/tweets", "GET", "timeline", x_posts.timeline),
            ("/2/users/{id}/retweets", "POST", "repost", x_reposts.repost),
            ("/2/users/{id}/retweets/{source}", "DELETE", "delete", x_reposts.undo),
            ("/2/media/upload", "POST", "media", x_media.upload),
            ("/2/media/upload", "GET", "media", x_media.status),
            ("/2/media/upload/initialize", "POST", "media", x_media.initialize),
            ("/2/media/upload/{id}/append", "POST", "media", x_media.append),
            ("/2/media/upload/{id}/finalize", "POST", "media", x_media.finalize),
            ("/2/media/metadata", "POST", "metadata", x_media.describe),
            ("/2/media/subtitles", "POST", "metadata", x_media.subtitle),
            ("/2/oauth2/token", "POST", "open:sign_in", x_oauth2.token),
            ("/i/oauth2/authorize", "GET", "open:sign_in", x_oauth2.authorize),
        ],
    )
