"""Bluesky's addresses: which handler answers what, and how a server turns callers away."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.routing import Route

from . import bluesky_sessions as sessions
from . import bluesky_xrpc as xrpc
from . import gate
from .accounts import Account
from .bluesky_problems import bad, broken, refused
from .gate import Call, Desk, Handler, Knock, Manner
from .problems import Problem
from .rates import Standing


class BlueskyManner(Manner):
    """Sessions, windows told in lower case, a name and words for every refusal."""

    network = "bluesky"
    max_body = 110 * 1024 * 1024
    elsewhere = "http://elsewhere.invalid/xrpc/com.atproto.repo.putRecord"

    def caller(self, knock: Knock) -> Account:
        return sessions.caller(knock)

    def meant(self, call: Call) -> Account:
        return sessions.meant(call) if call.account.id == 0 else call.account

    def rate_headers(self, standing: Standing) -> Mapping[str, str]:
        return {
            "ratelimit-limit": str(standing.limit),
            "ratelimit-remaining": str(standing.remaining),
            "ratelimit-reset": str(standing.reset),
            "ratelimit-policy": f"{standing.limit};w={standing.window}",
        }

    def is_reply(self, call: Call) -> bool:
        wish = call.json()
        writes = wish.get("writes", [])
        records = [wish.get("record"), *(w.get("value") for w in writes if isinstance(w, dict))]
        return any("reply" in record for record in records if isinstance(record, dict))

    def unreadable(self, why: str) -> Problem:
        return bad(why)

    def too_large(self, limit: int) -> Problem:
        return refused(413, "PayloadTooLarge", "request entity too large")

    def too_many(self) -> Problem:
        return refused(429, "RateLimitExceeded", "Rate Limit Exceeded")

    def unauthorized(self) -> Problem:
        return refused(401, "AccountTakedown", "Account has been taken down")

    def reply_forbidden(self) -> Problem:
        return bad("The author of the thread does not let this account reply")

    def broken(self) -> Problem:
        return broken()


def routes(desk: Desk) -> list[Route]:
    """Everything under /xrpc."""
    methods: list[tuple[str, str, str, Handler]] = [
        ("com.atproto.server.createSession", "POST", "open:session", sessions.create),
        ("com.atproto.server.refreshSession", "POST", "open:refresh", sessions.refresh),
        ("com.atproto.server.deleteSession", "POST", "open:refresh", sessions.end),
        ("com.atproto.server.getSession", "GET", "me", sessions.show),
        ("com.atproto.server.describeServer", "GET", "open:read", xrpc.describe_server),
        ("com.atproto.repo.putRecord", "POST", "post", xrpc.put),
        ("com.atproto.repo.createRecord", "POST", "post", xrpc.create),
        ("com.atproto.repo.applyWrites", "POST", "post", xrpc.apply),
        ("com.atproto.repo.deleteRecord", "POST", "delete", xrpc.remove),
        ("com.atproto.repo.getRecord", "GET", "open:read", xrpc.read),
        ("com.atproto.repo.listRecords", "GET", "open:timeline", xrpc.listed),
        ("com.atproto.repo.uploadBlob", "POST", "media", xrpc.upload),
        ("com.atproto.identity.resolveHandle", "GET", "open:read", xrpc.resolve),
        ("_health", "GET", "open:read", xrpc.health),
    ]
    table = [(f"/xrpc/{name}", verb, route, work) for name, verb, route, work in methods]
    return gate.routes(desk, BlueskyManner(), table)
