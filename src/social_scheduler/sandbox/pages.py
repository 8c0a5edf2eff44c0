"""What readers of the rehearsal network would see: the accounts, and one timeline for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from . import posts, uploads
from .accounts import Account, all_accounts, by_handle
from .entities import displayed, expanded, find_tokens
from .ledger import Ledger
from .operator_api import NotLocal, require_local
from .posts import Post, Stretch

_SHOWN = 200
_RIGHT_TO_LEFT = ("ar", "fa", "ur", "ckb", "ku", "ps", "sd", "ug", "he")
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self';"
        " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True)
class Piece:
    """A run of text of one kind; `target` is where a link or a mention leads."""

    kind: str
    text: str
    target: str = ""


@dataclass(frozen=True)
class Card:
    """A post as a page shows it: paragraphs of pieces, and what it answers, if not its thread."""

    post: Post
    paragraphs: list[list[Piece]]
    direction: str
    answers: str
    time: str
    iso: str


def routes(ledger: Ledger, *, local_only: bool) -> list[Route]:
    """`/`, `/@handle`, `/i/web/status/id`, pictures and the stylesheet; `local_only` refuses foreign Host headers."""
    loader = PackageLoader("social_scheduler.sandbox")
    pages = Environment(
        loader=loader,
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )

    def render(template: str, **values: Any) -> Response:
        html = pages.get_template(template).render(**values)
        return Response(html, media_type="text/html", headers=_HEADERS)

    def home(_: Request) -> Response:
        with ledger.reading() as db:
            accounts = all_accounts(db)
        latest = [(a, posts.timeline(ledger, a.id, Stretch(limit=3))) for a in accounts]
        shown = [(a, _direction(a.language), _threads(ledger, found)) for a, found in latest]
        return render("accounts.html", accounts=shown, now=_shown(ledger.clock()))

    def one(request: Request) -> Response:
        with ledger.reading() as db:
            account = by_handle(db, request.path_params["handle"])
        if account is None:
            return PlainTextResponse("There is no such account here.", 404, _HEADERS)
        return timeline(account, posts.timeline(ledger, account.id, Stretch(limit=_SHOWN)))

    def address(request: Request) -> Response:
        """The address that the API's users derive from a post's id."""
        number = request.path_params["id"]
        found = posts.visible(ledger, [int(number)]) if number.isdecimal() else []
        if not found:
            return PlainTextResponse("There is no such post here.", 404, _HEADERS)
        with ledger.reading() as db:
            account = by_handle(db, found[0].author.handle)
        return timeline(account, found)

    def timeline(account: Account | None, found: Sequence[Post]) -> Response:
        return render(
            "timeline.html",
            account=account,
            direction=_direction(account.language if account else ""),
            full=len(found) == _SHOWN,
            shown=_SHOWN,
            threads=_threads(ledger, found),
            now=_shown(ledger.clock()),
        )

    def picture(request: Request) -> Response:
        found = uploads.content_of(ledger, request.path_params["sha256"])
        if found is None:
            return PlainTextResponse("There is no such picture here.", 404, _HEADERS)
        return Response(found[1], media_type=found[0], headers=_HEADERS)

    def own(name: str, media_type: str) -> Callable[[Request], Response]:
        content = loader.get_source(pages, name)[0]
        return lambda _: Response(content, media_type=media_type, headers=_HEADERS)

    guarded = [
        ("/", home),
        ("/@{handle}", one),
        ("/i/web/status/{id}", address),
        ("/media/{sha256}", picture),
        ("/static/sandbox.css", own("sandbox.css", "text/css")),
        ("/static/mark.svg", own("mark.svg", "image/svg+xml")),
    ]
    return [Route(path, _guard(show, local_only=local_only)) for path, show in guarded]


def _guard(show: Callable[[Request], Response], *, local_only: bool) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        if local_only:
            try:
                require_local(request)
            except NotLocal as reason:
                return PlainTextResponse(str(reason), 403, _HEADERS)
        return await run_in_threadpool(show, request)

    return answer


def pieces(text: str) -> list[list[Piece]]:
    """A text as paragraphs (its lines) of plain runs, links, hashtags and mentions."""
    return [_pieces(line) for line in text.split("\n")]


def _pieces(line: str) -> list[Piece]:
    found, at = [], 0
    for token in find_tokens(line):
        if token.start > at:
            found.append(Piece("plain", line[at : token.start]))
        raw = line[token.start : token.end]
        if token.kind == "url":
            found.append(Piece("link", displayed(token.value), expanded(token.value)))
        else:
            found.append(Piece(token.kind, raw))
        at = token.end
    if at < len(line):
        found.append(Piece("plain", line[at:]))
    return found


def _threads(ledger: Ledger, found: Sequence[Post]) -> list[list[Card]]:
    """Newest thread first; inside a thread in the order of reading."""
    own = {post.id: post for post in found}
    threads: dict[int, list[Post]] = {}
    head: dict[int, int] = {}
    for post in sorted(found, key=lambda post: post.id):
        joined = post.reply_to is not None and post.reply_to in own
        head[post.id] = head[post.reply_to] if joined and post.reply_to is not None else post.id
        threads.setdefault(head[post.id], []).append(post)
    outside = [p.reply_to for p in found if p.reply_to is not None and p.reply_to not in own]
    others = {post.id: post.author.handle for post in posts.visible(ledger, outside)}
    newest_first = sorted(threads.values(), key=lambda thread: thread[-1].id, reverse=True)
    return [
        [_card(p, others if p.reply_to not in own else None) for p in thread]
        for thread in newest_first
    ]


def _card(post: Post, others: dict[int, str] | None) -> Card:
    """`others` maps posts outside this page to their authors; None: the post continues a thread."""
    answers = ""
    if post.reply_to is not None and others is not None:
        handle = others.get(post.reply_to)
        answers = f"@{handle}" if handle else "a post that is not here any more"
    moment = post.received_at
    direction = _direction(post.language)
    return Card(post, pieces(post.text), direction, answers, _shown(moment), moment.isoformat())


def _direction(language: str) -> str:
    return "rtl" if language.split("-")[0] in _RIGHT_TO_LEFT else "ltr"


def _shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
