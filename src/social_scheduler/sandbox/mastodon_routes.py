"""Mastodon's addresses: which handler answers what, and how a server turns callers away."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from starlette.routing import Route

from . import gate, mastodon_instance, mastodon_media, mastodon_oauth, mastodon_statuses
from .accounts import Account
from .gate import Call, Desk, Knock, Manner
from .mastodon_problems import refused
from .problems import Problem
from .rates import Standing


class MastodonManner(Manner):
    """Bearer tokens, windows of five minutes, one line of words for every refusal."""

    network = "mastodon"
    max_body = 110 * 1024 * 1024
    elsewhere = "http://elsewhere.invalid/api/v1/statuses"

    def caller(self, knock: Knock) -> Account:
        return mastodon_oauth.caller(knock)

    def rate_headers(self, standing: Standing) -> Mapping[str, str]:
        reset = datetime.fromtimestamp(standing.reset, UTC)
        return {
            "X-RateLimit-Limit": str(standing.limit),
            "X-RateLimit-Remaining": str(standing.remaining),
            "X-RateLimit-Reset": reset.strftime("%Y-%m-%dT%H:%M:%S.000000Z"),
        }

    def is_reply(self, call: Call) -> bool:
        return bool(mastodon_statuses.given(call).get("in_reply_to_id"))

    def unreadable(self, why: str) -> Problem:
        return refused(400, "Error parsing request parameters")

    def too_large(self, limit: int) -> Problem:
        return refused(413, "Payload Too Large")

    def too_many(self) -> Problem:
        return refused(429, "Too many requests")

    def unauthorized(self) -> Problem:
        return refused(401, "The access token was revoked")

    def reply_forbidden(self) -> Problem:
        return refused(403, "This action is not allowed")

    def broken(self) -> Problem:
        return refused(503, "There was a temporary problem serving your request, please try again")


def routes(desk: Desk) -> list[Route]:
    """Everything under /api/v1, /api/v2 and /oauth."""
    posts, media, oauth = mastodon_statuses, mastodon_media, mastodon_oauth
    return gate.routes(
        desk,
        MastodonManner(),
        [
            ("/api/v1/instance", "GET", "open:instance", mastodon_instance.older),
            ("/api/v2/instance", "GET", "open:instance", mastodon_instance.newer),
            ("/api/v1/accounts/verify_credentials", "GET", "me", posts.verify),
            ("/api/v1/accounts/lookup", "GET", "open:instance", posts.who),
            ("/api/v1/accounts/{id}/statuses", "GET", "timeline", posts.timeline),
            ("/api/v1/statuses", "POST", "post", posts.create),
            ("/api/v1/statuses/{id}", "GET", "read", posts.show),
            ("/api/v1/statuses/{id}", "PUT", "edit", posts.edit),
            ("/api/v1/statuses/{id}", "DELETE", "delete", posts.remove),
            ("/api/v1/statuses/{id}/source", "GET", "read", posts.source),
            ("/api/v1/statuses/{id}/reblog", "POST", "repost", posts.repeat),
            ("/api/v2/search", "GET", "read", posts.search),
            ("/api/v2/media", "POST", "media", media.upload),
            ("/api/v1/media", "POST", "media", media.upload_and_wait),
            ("/api/v1/media/{id}", "GET", "metadata", media.look),
            ("/api/v1/media/{id}", "PUT", "metadata", media.describe),
            ("/api/v1/apps", "POST", "open:sign_in", oauth.register),
            ("/api/v1/apps/verify_credentials", "GET", "me", oauth.own_app),
            ("/oauth/authorize", "GET", "open:sign_in", oauth.authorize),
            ("/oauth/token", "POST", "open:sign_in", oauth.token),
            ("/oauth/revoke", "POST", "open:sign_in", oauth.revoke),
            (
                "/.well-known/oauth-authorization-server",
                "GET",
                "open:instance",
                oauth.described,
            ),
        ],
    )
