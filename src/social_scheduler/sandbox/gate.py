"""The way into /2: every call is read, authenticated, counted, maybe hit by a fault, answered."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import Message

from . import faults
from .accounts import Account
from .faults import Fault
from .ledger import Ledger, to_micros
from .oauth import authenticate
from .problems import Problem, forbidden, invalid, plain, too_many_requests, unauthorized
from .rates import Rates, rate_headers, take
from .wire import NoAnswer

MAX_BODY = 16 * 1024 * 1024
_FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class Desk:
    """What every call needs: the ledger (with its clock) and the rate limits."""

    ledger: Ledger
    rates: Rates


@dataclass(frozen=True)
class Call:
    """A request, read to its end. `base` is this server's address as the client wrote it."""

    desk: Desk
    account: Account
    base: str
    path: Mapping[str, Any]
    query: Mapping[str, str]
    body: bytes
    fields: Mapping[str, str]
    files: Mapping[str, bytes]

    @property
    def ledger(self) -> Ledger:
        return self.desk.ledger

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises Problem 400."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise invalid("The body is not valid JSON.", "body", "") from error
        if not isinstance(value, dict):
            raise invalid("$: object expected", "body", "")
        return value


Handler = Callable[[Call], tuple[int, dict[str, Any]]]
Endpoint = Callable[[Request], Awaitable[Response]]


def endpoint(desk: Desk, route: str, handler: Handler) -> Endpoint:
    """Wrap a handler (which may raise Problem) into what one route of X does."""

    async def answer(request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            body = await read_body(request)
            account = await run_in_threadpool(_caller, desk, request, body)
            call = await _read(desk, request, account, body)
            headers = await run_in_threadpool(take, desk.ledger, desk.rates, account.id, route)
            fault = await run_in_threadpool(_draw, call, route)
            if fault is not None and fault.fault in faults.BEFORE:
                return _fail_before(fault, desk, route)
            try:
                status, content = await run_in_threadpool(handler, call)
            except Problem:
                if fault is not None:
                    await run_in_threadpool(faults.give_back, desk.ledger, fault)
                raise
        except Problem as problem:
            return JSONResponse(problem.body, problem.status, headers | problem.headers)
        response = JSONResponse(content, status, headers)
        return await _fail_after(fault, response) if fault is not None else response

    return answer


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The whole body; raises Problem 413 as soon as it is longer than `limit` bytes."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise plain(413, "Payload Too Large", f"The request body exceeds {limit} bytes.")
        chunks.append(chunk)
    return b"".join(chunks)


def _caller(desk: Desk, request: Request, body: bytes) -> Account:
    path = request.scope.get("raw_path", b"").decode("ascii", "replace").partition("?")[0]
    query = request.scope["query_string"].decode("ascii", "replace")
    url = _base(request) + path + (f"?{query}" if query else "")
    is_form = request.headers.get("content-type", "").startswith(_FORM)
    signed = body.decode("utf-8", "replace") if is_form else ""
    return authenticate(desk.ledger, request.method, url, request.headers, signed)


def _base(request: Request) -> str:
    return f"{request.scope['scheme']}://{request.headers.get('host', '')}"


async def _read(desk: Desk, request: Request, account: Account, body: bytes) -> Call:
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    if request.headers.get("content-type", "").startswith(("multipart/form-data", _FORM)):

        async def replay() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        again = Request(request.scope, replay)
        try:
            async with again.form(max_files=2, max_fields=20) as form:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile):
                        files[name] = await value.read()
                    else:
                        fields[name] = value
        except HTTPException as error:
            raise invalid("The form cannot be read.", "body", "") from error
    query = dict(request.query_params)
    return Call(desk, account, _base(request), request.path_params, query, body, fields, files)


def _draw(call: Call, route: str) -> Fault | None:
    is_reply = False
    if route == "post":
        try:
            is_reply = bool(call.json().get("reply"))
        except Problem:
            is_reply = False
    return faults.draw(call.ledger, call.account.handle, route, is_reply=is_reply)


def _fail_before(fault: Fault, desk: Desk, route: str) -> Response:
    if fault.fault == "reset_before":
        return NoAnswer(reset=True)
    if fault.fault == "redirect":
        return RedirectResponse(fault.location or "http://elsewhere.invalid/2/tweets", 302)
    if fault.fault == "rate_limited":
        problem = too_many_requests()
        seconds = 900 if fault.seconds is None else fault.seconds
        reset = -(-to_micros(desk.ledger.clock()) // 1_000_000) + int(seconds)
        problem.headers.update(rate_headers(desk.rates.limits[route], 0, reset))
    elif fault.fault == "reply_forbidden":
        problem = forbidden(
            "Reply to this conversation is not allowed because you have not been mentioned or"
            " otherwise engaged by the author of the post you are replying to."
        )
    elif fault.fault == "unauthorized":
        problem = unauthorized()
    else:
        problem = plain(500, "Internal Server Error")
    return JSONResponse(problem.body, problem.status, problem.headers)


async def _fail_after(fault: Fault, response: Response) -> Response:
    if fault.fault == "answer_lost":
        return NoAnswer(reset=False)
    if fault.fault == "error_after":
        problem = plain(500, "Internal Server Error")
        return JSONResponse(problem.body, problem.status)
    if fault.fault == "malformed":
        broken = bytes(response.body)[: len(response.body) // 2]
        return Response(broken, response.status_code, media_type="application/json")
    await asyncio.sleep(5 if fault.seconds is None else fault.seconds)
    return response
