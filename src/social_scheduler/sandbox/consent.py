"""The page on which the owner of a rehearsal account lets an app speak for it, as networks ask it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import Response

from . import rendering
from .accounts import all_accounts
from .gate import Call
from .looks import LABELS


def page(call: Call, network: str, app: str, scopes: Sequence[str]) -> Response:
    """Asks which account the app may speak for; each answer is a link to this address with `as=`."""
    with call.ledger.reading() as db:
        accounts = all_accounts(db, network)
    choices = [(a, f"{call.where}?{urlencode({**call.query, 'as': a.handle})}") for a in accounts]
    no = f"{call.where}?{urlencode({**call.query, 'as': ''})}"
    return rendering.page(
        "consent.html", network=LABELS[network], app=app, scopes=scopes, choices=choices, no=no
    )


def refused(network: str, why: str, remedy: str = "") -> Response:
    """400: nothing is sent back to an address that was not made known before."""
    return rendering.page(
        "refused.html",
        400,
        network=LABELS[network],
        why=why,
        remedy=remedy,
        command=f"social-scheduler accounts app {network} --register",
    )


def stranger(call: Call, network: str, known: Sequence[str] | None) -> Response:
    """Refused: an app that nobody knows, or whose `known` addresses are others than the asked one."""
    if known is None:
        return refused(
            network,
            f"No app is known here by the client_id {call.query.get('client_id', '')[:80]!r}.",
            "A rehearsal workspace has one made with:",
        )
    wanted = call.query.get("redirect_uri", "")[:200]
    return refused(
        network,
        f"This app said that people are sent back to {', '.join(known)}, and now it asks for "
        f"{wanted or 'no address'}.",
        "Open the desk at that address; or, when the desk has moved for good, write its port or "
        "web_origin into settings.toml and have the app made anew with:",
    )
