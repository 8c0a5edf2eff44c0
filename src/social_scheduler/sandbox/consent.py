"""The page on which the owner of a rehearsal account lets an app speak for it, as networks ask it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from starlette.responses import PlainTextResponse, Response

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


def refused(why: str) -> Response:
    """400: nothing is sent back to an address that was not made known before."""
    return PlainTextResponse(why, 400, rendering.HEADERS)
