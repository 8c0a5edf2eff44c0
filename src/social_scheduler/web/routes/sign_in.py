"""Sign in and out."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import RedirectResponse

from social_scheduler.errors import NotAllowed
from social_scheduler.services import people
from social_scheduler.web.session import safe_next
from social_scheduler.web.view import actor_of, asked_of, desk_of

router = APIRouter()


@router.get("/sign-in")
def form(request: Request) -> Response:
    """The form; `next` is where to go on to."""
    desk = desk_of(request)
    return desk.sign_in_page(request, wanted=safe_next(request.query_params.get("next", "/")))


@router.post("/sign-in")
def sign_in(request: Request) -> Response:
    """Check name and password; a new session every time."""
    desk, asked = desk_of(request), asked_of(request)
    name, wanted = asked.one("name").strip().lower(), safe_next(asked.one("next") or "/")
    try:
        token = people.sign_in(
            desk.context, name, asked.one("password"), kind="session", label="web desk"
        )
    except NotAllowed as problem:
        return desk.sign_in_page(request, 403, problem=problem, name=name, wanted=wanted)
    answer = RedirectResponse(wanted, 303)
    desk.cookies.put(answer, "session", token)
    desk.cookies.drop(answer, "visit")
    return answer


@router.post("/sign-out")
def sign_out(request: Request) -> Response:
    """End this session."""
    desk = desk_of(request)
    people.sign_out(desk.context, actor_of(request))
    answer = RedirectResponse("/sign-in", 303)
    desk.cookies.drop(answer, "session")
    answer.headers["Clear-Site-Data"] = '"cache"'
    return answer
