"""The inbox: what only a person can settle."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Request, Response

from social_scheduler.errors import Conflict, InvalidInput, SchedulerError
from social_scheduler.services import reading, settle
from social_scheduler.services.actor import Right
from social_scheduler.web.view import actor_of, asked_of, desk_of

router = APIRouter()
ITEM = "/inbox/{campaign}/{post}/{account}"


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
    """The same words in a new window that begins now."""
    desk, shown = desk_of(request), asked_of(request).one("attempt")

    def act(reference: str) -> None:
        seen = int(shown) if shown.isdecimal() else -1
        settle.send_again(desk.context, actor_of(request), reference, account, shown=seen)

    return _settled(request, f"{campaign}/{post}", account, "send_again", act)


@router.post(f"{ITEM}/drop")
def drop(request: Request, campaign: str, post: str, account: str) -> Response:
    """Nothing more is sent of it."""
    desk, reason = desk_of(request), asked_of(request).one("reason").strip()

    def act(reference: str) -> None:
        if not reason:
            raise InvalidInput("Dropping needs a reason.", "Colleagues will read it.")
        settle.drop(desk.context, actor_of(request), reference, account, reason)

    return _settled(request, f"{campaign}/{post}", account, "drop", act)


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
    return desk.page(
        request,
        "inbox.html",
        status=problem.status if problem else 200,
        items=reading.inbox(desk.context, actor),
        problem=problem,
        at=at,
        typed={"url": asked.one("url"), "reason": asked.one("reason")},
        may_settle=Right.SETTLE in actor.rights,
    )
