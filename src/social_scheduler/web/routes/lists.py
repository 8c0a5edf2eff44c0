"""The lists: what awaits me, every post, what is published."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from social_scheduler.services import reading
from social_scheduler.web.view import actor_of, desk_of

router = APIRouter()
LOOKED_AT = 200
"""Posts in review, the nearest first, among which the first page looks for mine."""
SHOWN = 20
ON_A_PAGE = 50
PUBLISHED_SHOWN = 50


@router.get("/")
def awaiting(request: Request) -> Response:
    """What awaits me, the nearest deadline on top; below it what awaits others, and why."""
    desk, actor = desk_of(request), actor_of(request)
    waiting = reading.awaiting(desk.context, actor, everybody=True, limit=LOOKED_AT)
    mine = [w for w in waiting if w.mine]
    others = [w for w in waiting if not w.mine]
    return desk.page(
        request,
        "awaiting.html",
        mine=mine[:SHOWN],
        mine_count=len(mine),
        others=others[:SHOWN],
        others_count=len(others),
        looked_at_all=len(waiting) < LOOKED_AT,
    )


@router.get("/posts")
def posts(request: Request) -> Response:
    """Every post with its state: those to come, or (`past`) those that were."""
    desk = desk_of(request)
    past = request.query_params.get("when") == "past"
    given = request.query_params.get("page", "1")
    page = max(1, int(given)) if given.isascii() and given.isdigit() and len(given) < 6 else 1
    found = reading.posts_page(
        desk.context,
        actor_of(request),
        past=past,
        limit=ON_A_PAGE + 1,
        offset=(page - 1) * ON_A_PAGE,
    )
    return desk.page(
        request,
        "posts.html",
        posts=found[:ON_A_PAGE],
        past=past,
        page=page,
        more=len(found) > ON_A_PAGE,
    )


@router.get("/published")
def published(request: Request) -> Response:
    """What is live, the newest first, with addresses and proofs."""
    desk = desk_of(request)
    found = reading.published_words(desk.context, actor_of(request), limit=PUBLISHED_SHOWN)
    return desk.page(request, "published.html", deliveries=found, limit=PUBLISHED_SHOWN)
