"""What readers of the rehearsal networks would see: a timeline for each, in its network's manner."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from . import looks, posts, rendering, uploads
from .accounts import Account, all_accounts, by_handle, by_native_id
from .ledger import Ledger
from .operator_api import NotLocal, require_local
from .posts import Post, Stretch
from .rendering import HEADERS

_SHOWN = 200
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
Show = Callable[[Request], Response]


def routes(ledger: Ledger, *, local_only: bool) -> list[Route]:
    """`/`, a page for each network, account and post, media and the stylesheet.

    `local_only` refuses foreign Host headers.
    """
    reader = _Reader(ledger)

    def own(name: str, media_type: str) -> Show:
        content = rendering.own(name)
        return lambda _: Response(content, media_type=media_type, headers=HEADERS)

    guarded: list[tuple[str, Show]] = [
        ("/", reader.everything),
        *((f"/{network}", reader.network(network)) for network in looks.LABELS),
        ("/{network}/@{handle}", reader.account),
        ("/@{handle}", reader.account),
        ("/i/web/status/{id}", reader.numbered("x")),
        ("/@{handle}/{id}", reader.numbered("mastodon")),
        ("/profile/{who}", reader.profile),
        ("/profile/{who}/post/{key}", reader.record),
        ("/t.me/{handle}", reader.channel),
        ("/t.me/{handle}/{number}", reader.message),
        ("/media/{sha256}", reader.media),
        ("/static/sandbox.css", own("sandbox.css", "text/css")),
        ("/static/networks.css", own("networks.css", "text/css")),
        ("/static/mark.svg", own("mark.svg", "image/svg+xml")),
    ]
    return [Route(path, _guard(show, local_only=local_only)) for path, show in guarded]


class _Reader:
    """Finds what an address means, and shows it."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def everything(self, _: Request) -> Response:
        """The newest of all networks."""
        return self._page(None, None, posts.newest(self.ledger, None, _SHOWN // 4))

    def network(self, network: str) -> Show:
        """One network's timeline."""
        return lambda _: self._page(network, None, posts.newest(self.ledger, network, _SHOWN))

    def account(self, request: Request) -> Response:
        """One account's timeline; without a network X's account, or whosever the handle is."""
        network = request.path_params.get("network")
        names = [network] if network else list(looks.LABELS)
        with self.ledger.reading() as db:
            found = [by_handle(db, name, request.path_params["handle"]) for name in names]
        return self._of(next((account for account in found if account), None))

    def profile(self, request: Request) -> Response:
        """One account of Bluesky, by its handle or did."""
        return self._of(self._who(request))

    def channel(self, request: Request) -> Response:
        """One channel of Telegram."""
        with self.ledger.reading() as db:
            return self._of(by_handle(db, "telegram", request.path_params["handle"]))

    def numbered(self, network: str) -> Show:
        """One post by the ledger's own number, which is its id on X and Mastodon."""

        def show(request: Request) -> Response:
            number = request.path_params["id"]
            known = number.isdecimal() and len(number) < 20
            found = posts.visible(self.ledger, [int(number)], network) if known else []
            return self._one(found[0] if found else None)

        return show

    def record(self, request: Request) -> Response:
        """One post of Bluesky."""
        who = self._who(request)
        key = request.path_params["key"]
        with self.ledger.reading() as db:
            uri = f"at://{who.native_id}/app.bsky.feed.post/{key}" if who else ""
            return self._one(posts.anywhere(db, "bluesky", uri))

    def message(self, request: Request) -> Response:
        """One message of Telegram, or the album that it is in."""
        with self.ledger.reading() as db:
            channel = by_handle(db, "telegram", request.path_params["handle"])
        found = posts.timeline(self.ledger, channel.id, Stretch(limit=10_000)) if channel else []
        number = request.path_params["number"]
        wanted = (p for p in found if number in map(str, p.extra.get("messages", [])))
        return self._one(next(wanted, None))

    def media(self, request: Request) -> Response:
        """A picture, a film or its captions; a film also in stretches, as players ask for it."""
        found = uploads.content_of(self.ledger, request.path_params["sha256"])
        if found is None:
            return _nothing("picture")
        media_type, content = found
        headers = HEADERS | {"Accept-Ranges": "bytes"}
        wanted = _RANGE.fullmatch(request.headers.get("range", ""))
        if wanted is None or not content:
            return Response(content, media_type=media_type, headers=headers)
        first, last = _stretch(wanted[1], wanted[2], len(content))
        headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
        return Response(content[first : last + 1], 206, headers, media_type)

    def _who(self, request: Request) -> Account | None:
        who = request.path_params["who"]
        with self.ledger.reading() as db:
            return by_native_id(db, "bluesky", who) or by_handle(db, "bluesky", who)

    def _of(self, account: Account | None) -> Response:
        if account is None:
            return _nothing("account")
        found = posts.timeline(self.ledger, account.id, Stretch(limit=_SHOWN))
        return self._page(account.network, account, found)

    def _one(self, post: Post | None) -> Response:
        if post is None:
            return _nothing("post")
        return self._page(post.author.network, post.author, [post], alone=True)

    def _page(
        self,
        network: str | None,
        account: Account | None,
        found: Sequence[Post],
        *,
        alone: bool = False,
    ) -> Response:
        with self.ledger.reading() as db:
            accounts = all_accounts(db, network)
            counts = posts.counts(db)
        return rendering.page(
            "timeline.html",
            network=network,
            account=account,
            alone=alone,
            accounts=accounts if network else [],
            counts=counts,
            labels=looks.LABELS,
            direction=looks.direction(account.language if account else ""),
            full=len(found) == (_SHOWN if network else _SHOWN // 4),
            shown=len(found),
            threads=looks.threads(self.ledger, found),
            now=looks.shown(self.ledger.clock()),
        )


def _stretch(first: str, last: str, size: int) -> tuple[int, int]:
    """The first and last byte of a Range header, within the file."""
    if not first:
        return max(0, size - int(last or "0")), size - 1
    start = min(int(first), size - 1)
    return start, max(start, min(int(last or size), size - 1))


def _nothing(what: str) -> Response:
    return PlainTextResponse(f"There is no such {what} here.", 404, HEADERS)


def _guard(show: Show, *, local_only: bool) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        if local_only:
            try:
                require_local(request)
            except NotLocal as reason:
                return PlainTextResponse(str(reason), 403, HEADERS)
        return await run_in_threadpool(show, request)

    return answer
