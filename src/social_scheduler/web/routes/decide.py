"""One post: read it whole, then approve, request changes or withdraw."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from social_scheduler.errors import Conflict, InvalidInput, SchedulerError
from social_scheduler.services import reading, review
from social_scheduler.services.actor import Right
from social_scheduler.services.review import Shown
from social_scheduler.web.view import actor_of, asked_of, desk_of

router = APIRouter()


@router.get("/posts/{campaign}/{post}")
def show(request: Request, campaign: str, post: str) -> Response:
    """One post with its exact words per account."""
    return _page(request, f"{campaign}/{post}")


@router.post("/posts/{campaign}/{post}/approve")
def approve(request: Request, campaign: str, post: str) -> Response:
    """Approve exactly what was shown: each `shown` is language:content digest:window digest."""
    desk, asked, actor = desk_of(request), asked_of(request), actor_of(request)
    reference = f"{campaign}/{post}"
    if asked.one("reason").strip():
        problem = InvalidInput(
            "You wrote what should change, and pressed Approve.",
            "Press Request changes, or empty the field and approve.",
        )
        return _page(request, reference, problem, at="reason")
    try:
        missing = review.approve(desk.context, actor, reference, _shown(asked.all("shown")))
    except (Conflict, InvalidInput) as conflict:
        return _page(request, reference, conflict)
    left = any(missing.values())
    return _on(request, reference, "approved" if not left else "approved_one")


@router.post("/posts/{campaign}/{post}/request-changes")
def request_changes(request: Request, campaign: str, post: str) -> Response:
    """Say no, with the reason."""
    desk, asked, reference = desk_of(request), asked_of(request), f"{campaign}/{post}"
    try:
        review.request_changes(desk.context, actor_of(request), reference, asked.one("reason"))
    except InvalidInput as problem:
        return _page(request, reference, problem, at="reason")
    except Conflict as problem:
        return _page(request, reference, problem)
    return _on(request, reference, "changes")


@router.get("/posts/{campaign}/{post}/withdraw")
def ask_withdraw(request: Request, campaign: str, post: str) -> Response:
    """What withdrawing would mean."""
    return _withdraw_page(request, f"{campaign}/{post}")


@router.post("/posts/{campaign}/{post}/withdraw")
def withdraw(request: Request, campaign: str, post: str) -> Response:
    """Never to be said."""
    desk, asked, reference = desk_of(request), asked_of(request), f"{campaign}/{post}"
    try:
        review.withdraw(desk.context, actor_of(request), reference, asked.one("reason").strip())
    except Conflict as problem:
        return _withdraw_page(request, reference, problem)
    return desk.go(request, f"/posts/{reference}", code="withdrawn", post=reference)


def _shown(fields: list[str]) -> dict[str, Shown]:
    found = {}
    for value in fields:
        language, _, digests = value.partition(":")
        content, colon, window = digests.partition(":")
        if not (language and content and colon and window):
            raise InvalidInput("The form is not whole.", "Load the page again.")
        found[language] = Shown(content, window)
    return found


def _on(request: Request, reference: str, code: str) -> Response:
    """To the next post that awaits this person, or to the first page."""
    desk, actor = desk_of(request), actor_of(request)
    waiting = reading.awaiting(desk.context, actor, limit=200)
    following = next((w.line.reference for w in waiting if w.line.reference != reference), None)
    path = f"/posts/{following}" if following else "/"
    return desk.go(request, path, code=code, post=reference, next=following or "")


def _page(
    request: Request, reference: str, problem: SchedulerError | None = None, *, at: str = ""
) -> Response:
    desk, actor = desk_of(request), actor_of(request)
    view = reading.show(desk.context, actor, reference)
    return desk.page(
        request,
        "post.html",
        status=problem.status if problem else 200,
        view=view,
        problem=problem,
        at=at,
        reason=asked_of(request).one("reason"),
        may_review=Right.APPROVE in actor.rights,
        may_withdraw=bool({Right.APPROVE, Right.QUEUE} & actor.rights),
        may_settle=Right.SETTLE in actor.rights,
        may_hold=Right.HOLD in actor.rights,
    )


def _withdraw_page(
    request: Request, reference: str, problem: SchedulerError | None = None
) -> Response:
    desk, actor = desk_of(request), actor_of(request)
    if Right.APPROVE not in actor.rights:
        actor.require(Right.QUEUE)
    return desk.page(
        request,
        "withdraw.html",
        status=problem.status if problem else 200,
        view=reading.show(desk.context, actor, reference),
        problem=problem,
        reason=asked_of(request).one("reason"),
    )
