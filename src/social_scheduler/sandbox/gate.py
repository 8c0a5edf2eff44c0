"""The way in: every call is read, authenticated, counted, maybe hit by a fault, answered."""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import Message

from . import faults
from .accounts import Account
from .faults import Fault
from .ledger import Ledger, to_micros
from .problems import Problem
from .rates import Rates, Standing, TooMany, standing, take
from .wire import NoAnswer

MAX_BODY = 16 * 1024 * 1024
_FORM = "application/x-www-form-urlencoded"


class TooLarge(Exception):
    """A body of more than `limit` bytes."""

    def __init__(self, limit: int) -> None:
        super().__init__(f"The request body exceeds {limit} bytes.")
        self.limit = limit


@dataclass(frozen=True)
class Desk:
    """What every call needs: the ledger (with its clock) and the rate limits."""

    ledger: Ledger
    rates: Rates


@dataclass(frozen=True)
class Knock:
    """A request before it is known who calls: its address as the client wrote it, and its body.

    `base` is this server's own address; `form` the body when it is form-encoded, else nothing.
    """

    desk: Desk
    request: Request
    body: bytes

    @property
    def base(self) -> str:
        return f"{self.request.scope['scheme']}://{self.request.headers.get('host', '')}"

    @property
    def url(self) -> str:
        scope = self.request.scope
        path: str = scope.get("raw_path", b"").decode("ascii", "replace").partition("?")[0]
        query = scope["query_string"].decode("ascii", "replace")
        return self.base + path + (f"?{query}" if query else "")

    @property
    def form(self) -> str:
        is_form = self.request.headers.get("content-type", "").startswith(_FORM)
        return self.body.decode("utf-8", "replace") if is_form else ""

    @property
    def bearer(self) -> str | None:
        """The token of `Authorization: Bearer`, if there is one."""
        kind, _, token = self.request.headers.get("authorization", "").partition(" ")
        return token.strip() if kind.lower() == "bearer" else None


@dataclass(frozen=True)
class File:
    """One file of a form."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True)
class Call:
    """A request, read to its end. `base` is this server's address as the client wrote it.

    `where` is the path asked for. `account` is nobody's (id 0) on the addresses that ask for no keys. `lists` are the fields of
    a form that came more than once or end in `[]`, in order.
    """

    desk: Desk
    manner: Manner
    account: Account
    base: str
    method: str
    where: str
    headers: Mapping[str, str]
    path: Mapping[str, Any]
    query: Mapping[str, str]
    body: bytes
    fields: Mapping[str, str]
    lists: Mapping[str, list[str]]
    uploaded: Mapping[str, File]

    @property
    def ledger(self) -> Ledger:
        return self.desk.ledger

    @property
    def files(self) -> Mapping[str, bytes]:
        """The bytes of each file of a form."""
        return {name: file.content for name, file in self.uploaded.items()}

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises Problem 400."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise self.manner.unreadable("The body is not valid JSON.") from error
        if not isinstance(value, dict):
            raise self.manner.unreadable("$: object expected")
        return value


class Manner(ABC):
    """How one network lets callers in, counts them and turns them away."""

    network: str
    max_body = MAX_BODY
    elsewhere = "http://elsewhere.invalid/"
    """Where the fault `redirect` points, unless it is told."""

    @abstractmethod
    def caller(self, knock: Knock) -> Account:
        """Whose keys these are; raises Problem."""

    @abstractmethod
    def unreadable(self, why: str) -> Problem:
        """400: a body that cannot be read."""

    @abstractmethod
    def too_large(self, limit: int) -> Problem:
        """413."""

    @abstractmethod
    def too_many(self) -> Problem:
        """429."""

    @abstractmethod
    def unauthorized(self) -> Problem:
        """The keys are not, or no longer, good."""

    @abstractmethod
    def reply_forbidden(self) -> Problem:
        """The account may not answer there."""

    @abstractmethod
    def broken(self) -> Problem:
        """500."""

    def rate_headers(self, standing: Standing) -> Mapping[str, str]:
        """What the network says of its limits with every answer."""
        return {}

    def used_up(self, standing: Standing, seconds: int) -> Problem:
        """429 with what the network says of it; `seconds` are left until the next window."""
        problem = self.too_many()
        problem.headers.update(self.rate_headers(standing))
        return problem

    def meant(self, call: Call) -> Account:
        """For whom a call is counted and may go wrong, where its address asks for no keys."""
        return call.account

    def is_reply(self, call: Call) -> bool:
        """Whether this call to `post` answers another post."""
        return False


Answer = tuple[int, Any] | Response
"""Status and JSON, or a whole answer of another kind."""
Handler = Callable[[Call], Answer]
Endpoint = Callable[[Request], Awaitable[Response]]


def routes(desk: Desk, manner: Manner, table: list[tuple[str, str, str, Handler]]) -> list[Route]:
    """One network's addresses: path, method, the route's name in RATES, handler.

    A name that begins with `open:` is answered to callers without keys.
    """
    return [
        Route(path, endpoint(desk, manner, name, handler), methods=[method])
        for path, method, name, handler in table
    ]


def endpoint(desk: Desk, manner: Manner, name: str, handler: Handler) -> Endpoint:
    """Wrap a handler (which may raise Problem) into what one route of a network does."""
    route = name.removeprefix("open:")
    nobody = Account(0, manner.network, "", "", "", "")

    async def answer(request: Request) -> Response:
        headers: dict[str, str] = {}
        try:
            knock = Knock(desk, request, await read_body(request, manner.max_body))
            known = name == route
            account = await run_in_threadpool(manner.caller, knock) if known else nobody
            call = await _read(knock, manner, account)
            meant = await run_in_threadpool(manner.meant, call)
            headers = await run_in_threadpool(_count, call, meant, route)
            fault = await run_in_threadpool(_draw, call, meant, route)
            if fault is not None and fault.fault in faults.BEFORE:
                return _fail_before(fault, call, route)
            try:
                given = await run_in_threadpool(handler, call)
            except Problem:
                if fault is not None:
                    await run_in_threadpool(faults.give_back, desk.ledger, fault)
                raise
        except TooLarge as reason:
            return _refusal(manner.too_large(reason.limit), headers)
        except Problem as problem:
            return _refusal(problem, headers)
        response = given if isinstance(given, Response) else JSONResponse(given[1], given[0])
        response.headers.update(headers)
        return await _fail_after(fault, call, response) if fault is not None else response

    return answer


async def read_body(request: Request, limit: int = MAX_BODY) -> bytes:
    """The whole body; raises TooLarge as soon as it is longer than `limit` bytes."""
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise TooLarge(limit)
        chunks.append(chunk)
    return b"".join(chunks)


async def _read(knock: Knock, manner: Manner, account: Account) -> Call:
    fields: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    files: dict[str, File] = {}
    request = knock.request
    if request.headers.get("content-type", "").startswith(("multipart/form-data", _FORM)):

        async def replay() -> Message:
            return {"type": "http.request", "body": knock.body, "more_body": False}

        again = Request(request.scope, replay)
        try:
            async with again.form(max_files=25, max_fields=100, max_part_size=65536) as form:
                for name, value in form.multi_items():
                    if isinstance(value, UploadFile):
                        kind = value.content_type or ""
                        files[name] = File(value.filename or "", kind, await value.read())
                    else:
                        fields[name] = value
                        lists.setdefault(name.removesuffix("[]"), []).append(value)
        except HTTPException as error:
            raise manner.unreadable("The form cannot be read.") from error
    return Call(
        knock.desk,
        manner,
        account,
        knock.base,
        request.method,
        request.url.path,
        request.headers,
        request.path_params,
        dict(request.query_params),
        knock.body,
        fields,
        lists,
        files,
    )


def _count(call: Call, account: Account, route: str) -> dict[str, str]:
    try:
        now = take(call.ledger, call.desk.rates, account, route)
    except TooMany as reason:
        left = reason.standing.reset - to_micros(call.ledger.clock()) // 1_000_000
        raise call.manner.used_up(reason.standing, max(1, left)) from reason
    return dict(call.manner.rate_headers(now))


def _draw(call: Call, account: Account, route: str) -> Fault | None:
    is_reply = False
    if route == "post":
        try:
            is_reply = call.manner.is_reply(call)
        except Problem:
            is_reply = False
    return faults.draw(call.ledger, account, route, is_reply=is_reply)


def _fail_before(fault: Fault, call: Call, route: str) -> Response:
    manner = call.manner
    if fault.fault == "reset_before":
        return NoAnswer(reset=True)
    if fault.fault == "redirect":
        return RedirectResponse(fault.location or manner.elsewhere, 302)
    if fault.fault == "rate_limited":
        seconds = int(900 if fault.seconds is None else fault.seconds)
        reset = -(-to_micros(call.ledger.clock()) // 1_000_000) + seconds
        left = standing(call.desk.rates, call.account, route, reset)
        problem = manner.used_up(left, seconds)
    elif fault.fault == "reply_forbidden":
        problem = manner.reply_forbidden()
    elif fault.fault == "unauthorized":
        problem = manner.unauthorized()
    else:
        problem = manner.broken()
    return _refusal(problem, {})


async def _fail_after(fault: Fault, call: Call, response: Response) -> Response:
    if fault.fault == "answer_lost":
        return NoAnswer(reset=False)
    if fault.fault == "error_after":
        return _refusal(call.manner.broken(), {})
    if fault.fault == "malformed":
        broken = bytes(response.body)[: len(response.body) // 2]
        return Response(broken, response.status_code, media_type="application/json")
    await asyncio.sleep(5 if fault.seconds is None else fault.seconds)
    return response


def _refusal(problem: Problem, headers: Mapping[str, str]) -> Response:
    return JSONResponse(problem.body, problem.status, {**headers, **problem.headers})
