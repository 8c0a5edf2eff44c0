"""Holds: stop everything, or what has a scope; see what stands; release it."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from social_scheduler.errors import Conflict, InvalidInput, NotFound, SchedulerError
from social_scheduler.services import hold, inbox
from social_scheduler.services.actor import Right
from social_scheduler.web import words
from social_scheduler.web.view import actor_of, asked_of, desk_of

router = APIRouter()
SHOWN = 100


@router.get("/holds")
def holds(request: Request) -> Response:
    """The holds that stand, and those that were."""
    return _list(request)


@router.get("/holds/new")
def new(request: Request) -> Response:
    """The form; it begins with everything, or with what `what` names: scope:value."""
    return _form(request)


@router.post("/holds/new")
def add(request: Request) -> Response:
    """Place a hold; from its commit on nothing begins that it matches."""
    desk, asked = desk_of(request), asked_of(request)
    scope, _, value = (asked.one("what") or "everything").partition(":")
    try:
        hold.add_hold(
            desk.context, actor_of(request), scope=scope, value=value, reason=asked.one("reason")
        )
    except (InvalidInput, NotFound) as problem:
        return _form(request, problem)
    return desk.go(request, "/holds", code="held")


@router.post("/holds/{number}/release")
def release(request: Request, number: str) -> Response:
    """End a hold."""
    desk = desk_of(request)
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise NotFound(f"There is no hold {number[:20]!r}.", "Go on from the list of holds.")
    try:
        hold.release_hold(desk.context, actor_of(request), int(number))
    except Conflict as problem:
        return _list(request, problem)
    return desk.go(request, "/holds", code="released")


def _list(request: Request, problem: SchedulerError | None = None) -> Response:
    desk, actor = desk_of(request), actor_of(request)
    every = hold.list_holds(desk.context, actor, every=True)
    return desk.page(
        request,
        "holds.html",
        status=problem.status if problem else 200,
        past=[h for h in every if h.released_at or (h.until and h.until <= desk.context.now())][
            :SHOWN
        ],
        problem=problem,
        may_hold=Right.HOLD in actor.rights,
        may_release=lambda h: (
            Right.HOLD in actor.rights
            and (bool(actor.roles & {"duty", "admin"}) or actor.name == h.placed_by)
        ),
    )


def _form(request: Request, problem: SchedulerError | None = None) -> Response:
    desk, actor, asked = desk_of(request), actor_of(request), asked_of(request)
    names = inbox.holdable(desk.context, actor)
    what = asked.one("what") or request.query_params.get("what", "everything")
    scope, _, value = what.partition(":")
    if scope in words.SCOPES and value and value not in names.get(scope, []):
        names[scope] = [value, *names.get(scope, [])]
    return desk.page(
        request,
        "hold_new.html",
        status=problem.status if problem else 200,
        problem=problem,
        names=names,
        what=what,
        reason=asked.one("reason"),
        may_hold=Right.HOLD in actor.rights,
    )
