"""Puts the web desk together: routes, the gate in front of them, and pages for what goes wrong."""

from __future__ import annotations

import logging
from dataclasses import replace

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from social_scheduler.app import Opened
from social_scheduler.errors import NotFound, SchedulerError
from social_scheduler.web.gate import Gate
from social_scheduler.web.routes import accounts, decide, files, holds, inbox, lists, sign_in
from social_scheduler.web.view import Desk

log = logging.getLogger(__name__)


def create_app(opened: Opened) -> FastAPI:
    """The web desk of one opened workspace. It opens neither what is sealed nor the journal."""
    app = FastAPI(title="Social scheduler", docs_url=None, redoc_url=None, openapi_url=None)
    vault = opened.context.vault.shut()  # things are sealed here, and never opened
    desk = Desk(replace(opened, context=replace(opened.context, vault=vault)))
    app.state.desk = desk
    for module in (sign_in, lists, decide, inbox, holds, accounts, files):
        app.include_router(module.router)
    app.router.redirect_slashes = False
    app.add_exception_handler(SchedulerError, _problem)
    app.add_exception_handler(HTTPException, _no_page)
    app.add_middleware(Gate, desk=desk)
    return app


def _problem(request: Request, error: Exception) -> Response:
    if not isinstance(error, SchedulerError):  # for the type checker: see add_exception_handler
        raise error
    desk: Desk = request.app.state.desk
    return desk.problem(request, error)


def _no_page(request: Request, error: Exception) -> Response:
    desk: Desk = request.app.state.desk
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == 404:
        told: SchedulerError = NotFound("There is no such page.", "Go on from the first page.")
    else:
        told = SchedulerError("This address does not take that.", "Go on from the first page.")
        told.status = status
    return desk.problem(request, told)
