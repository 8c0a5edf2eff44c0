"""The inbox: what only a person can settle."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, Request, Response

from social_scheduler.errors import Conflict, InvalidInput, SchedulerError
from social_scheduler.services import inbox as service
from social_scheduler.services import settle
from social_scheduler.services.actor import Right
from social_scheduler.web.session import Asked
from social_scheduler.web.times import given_moment
from social_scheduler.web.view import actor_of, asked_of, desk_of

router = APIRouter()
ON_A_PAGE = 12
POST = "/inbox/{campaign}/{post}"
ITEM = POST + "/{account}"


@router.get("/inbox")
def inbox(request: Request) -> Response:
    """Everything that waits for a decision, each with what can be decided."""
    return _page(request)


@router.post(f"{ITEM}/it-is-live")
def it_is_live(request: Request, campaign: str, post: str, account: str) -> Response:
    """Somebody looked: here is its address."""
    desk, url = desk_of(request), asked_of(request).one("url").strip()
    return _settled(
        request,
        f"{campaign}/{post}",
        account,
        "it_is_live",
        lambda reference: settle.it_is_live(
            desk.context, actor_of(request), reference, account, url
        ),
    )


@router.post(f"{ITEM}/send-again")
def send_again(request: Request, campaign: str, post: str, account: str) -> Response:
    """The same words in a new window, now or (`when` is `then`) at a time."""
    desk, asked = desk_of(request), asked_of(request)

    def act(reference: str) -> None:
        settle.send_again(
            desk.context,
            actor_of(request),
            reference,
            account,
            at=_when(asked),
            shown=_number(asked.one("attempt")),
        )

    later = asked.one("when") == "then"
    code = "send_again_at" if later else "send_again"
    return _settled(request, f"{campaign}/{post}", account, code, act)


@router.post(f"{POST}/send-rest")
def send_rest(request: Request, campaign: str, post: str) -> Response:
    """What is not live of a post that was to go out together: each `shown` is account:attempt."""
    desk, asked = desk_of(request), asked_of(request)
    shown = dict(value.rpartition(":")[::2] for value in asked.all("shown"))

    def act(reference: str) -> None:
        settle.send_rest_again(
            desk.context,
            actor_of(request),
            reference,
            {account: _number(attempt) for account, attempt in shown.items()},
            at=_when(asked),
        )

    return _settled(request, f"{campaign}/{post}", ", ".join(shown), "send_rest", act)


@router.post(f"{ITEM}/drop")
def drop(request: Request, campaign: str, post: str, account: str) -> Response:
    """Nothing more is sent of it."""
    desk, reason = desk_of(request), asked_of(request).one("reason").strip()

    def act(reference: str) -> None:
        if not reason:
            raise InvalidInput("Dropping needs a reason.", "Colleagues will read it.")
        settle.drop(desk.context, actor_of(request), reference, account, reason)

    return _settled(request, f"{campaign}/{post}", account, "drop", act)


@router.post(f"{ITEM}/seen")
def acknowledge(request: Request, campaign: str, post: str, account: str) -> Response:
    """Seen, and left as it is."""
    desk, asked = desk_of(request), asked_of(request)

    def act(reference: str) -> None:
        settle.acknowledge(
            desk.context,
            actor_of(request),
            reference,
            account,
            asked.one("reason"),
            shown=_number(asked.one("change")),
        )

    return _settled(request, f"{campaign}/{post}", account, "acknowledge", act)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else -1


def _when(asked: Asked) -> datetime | None:
    """The moment a form asks for; None for now."""
    if asked.one("when") != "then":
        return None
    return given_moment(asked.one("at"), asked.one("zone"))


def _settled(
    request: Request, reference: str, account: str, code: str, act: Callable[[str], None]
) -> Response:
    try:
        act(reference)
    except (InvalidInput, Conflict) as problem:
        return _page(request, problem, at=(reference, account, code))
    desk = desk_of(request)
    return desk.go(request, "/inbox", code=code, post=reference, account=account)


def _page(
    request: Request,
    problem: SchedulerError | None = None,
    at: tuple[str, str, str] = ("", "", ""),
) -> Response:
    desk, actor, asked = desk_of(request), actor_of(request), asked_of(request)
    seen = (asked.one("list") or request.query_params.get("list", "")) == "seen"
    given = asked.one("page") or request.query_params.get("page", "1")
    page = min(max(1, _number(given)), 100_000)
    found = service.entries(
        desk.context, actor, seen=seen, limit=ON_A_PAGE + 1, offset=(page - 1) * ON_A_PAGE
    )
    shown = sum(len(block.entries) for block in found)
    if shown > ON_A_PAGE:
        found = [*found[:-1], *found[-1].without_the_last()]
    return desk.page(
        request,
        "inbox.html",
        status=problem.status if problem else 200,
        blocks=found,
        seen=seen,
        page=page,
        more=shown > ON_A_PAGE,
        problem=problem,
        at=at,
        typed={name: asked.one(name) for name in ("url", "reason", "at")},
        may_settle=Right.SETTLE in actor.rights,
    )
