"""The operator's side, under /sandbox: accounts, faults, the ledger, health; for this machine only."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import x_oauth2
from .accounts import (
    NETWORKS,
    Account,
    AccountExists,
    AccountRefused,
    add_account,
    all_accounts,
)
from .faults import FaultRefused, add_fault, all_faults, clear_faults, parse_fault
from .gate import TooLarge, read_body
from .ledger import Ledger
from .reading import read_ledger

Wish = Mapping[str, Any]
Work = Callable[[Wish], tuple[int, dict[str, Any]]]


class NotLocal(Exception):
    """A request that does not come from this machine, or comes through a foreign page."""


def require_local(request: Request) -> None:
    """Raises NotLocal for another machine, a foreign Host (DNS rebinding) or a foreign page."""
    client = request.client.host if request.client else ""
    if not _is_loopback(client):
        raise NotLocal("This address answers to programs on this machine only.")
    host = urlsplit(f"//{request.headers.get('host', '')}").hostname or ""
    if host != "localhost" and not _is_loopback(host):
        raise NotLocal(f"The Host header names {host!r}: use 127.0.0.1 or localhost.")


def require_own_page(request: Request) -> None:
    """Raises NotLocal when a browser sends this from a page that is not ours."""
    origin = request.headers.get("origin")
    own = f"{request.scope['scheme']}://{request.headers.get('host', '')}"
    if origin is not None and origin != own:
        raise NotLocal("Requests from other sites' pages are refused.")
    if request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        raise NotLocal("Requests from other sites' pages are refused.")


def routes(ledger: Ledger) -> list[Route]:
    def accounts(_: Wish) -> tuple[int, dict[str, Any]]:
        with ledger.reading() as db:
            return 200, {"accounts": [_listed(a) for a in all_accounts(db)]}

    def new_account(wish: Wish) -> tuple[int, dict[str, Any]]:
        unknown = set(wish) - {"network", "handle", "name", "language", "again", "premium"}
        if unknown:
            raise AccountRefused(f"unknown field {sorted(unknown)[0]!r}")
        handle, name = wish.get("handle"), wish.get("name", wish.get("handle"))
        language, again = wish.get("language", "en"), wish.get("again", False)
        if not (isinstance(handle, str) and isinstance(name, str) and isinstance(language, str)):
            raise AccountRefused("handle, name, language: text is needed")
        premium = wish.get("premium", False)
        if not isinstance(again, bool) or not isinstance(premium, bool):
            raise AccountRefused("again, premium: true or false")
        account, keys = add_account(
            ledger,
            handle.removeprefix("@"),
            name,
            language,
            network=str(wish.get("network", "x")),
            again=again,
            premium=premium,
        )
        return 200 if again else 201, _listed(account) | dict(keys)

    def new_app(wish: Wish) -> tuple[int, dict[str, Any]]:
        unknown = set(wish) - {"redirect_urls", "public"}
        if unknown:
            raise AccountRefused(f"unknown field {sorted(unknown)[0]!r}")
        urls, public = wish.get("redirect_urls"), wish.get("public", False)
        if not isinstance(urls, list) or not urls or not all(map(_is_web_address, urls)):
            raise AccountRefused("redirect_urls: a list of addresses, with http:// or https://")
        if not isinstance(public, bool):
            raise AccountRefused("public: true or false")
        return 201, x_oauth2.new_app(ledger, urls, public=public)

    def new_fault(wish: Wish) -> tuple[int, dict[str, Any]]:
        return 201, add_fault(ledger, parse_fault(wish)).as_json()

    def faults_now(_: Wish) -> tuple[int, dict[str, Any]]:
        return 200, {"faults": [fault.as_json() for fault in all_faults(ledger)]}

    def no_faults(_: Wish) -> tuple[int, dict[str, Any]]:
        return 200, {"removed": clear_faults(ledger)}

    def entries(_: Wish) -> tuple[int, dict[str, Any]]:
        return 200, {"entries": [entry.as_json() for entry in read_ledger(ledger.path)]}

    def health(_: Wish) -> tuple[int, dict[str, Any]]:
        return 200, {"status": "ok", "networks": list(NETWORKS), "version": _version()}

    return [
        Route("/sandbox/accounts", _endpoint(new_account), methods=["POST"]),
        Route("/sandbox/accounts", _endpoint(accounts), methods=["GET"]),
        Route("/sandbox/apps", _endpoint(new_app), methods=["POST"]),
        Route("/sandbox/faults", _endpoint(new_fault), methods=["POST"]),
        Route("/sandbox/faults", _endpoint(faults_now), methods=["GET"]),
        Route("/sandbox/faults", _endpoint(no_faults), methods=["DELETE"]),
        Route("/sandbox/ledger.json", _endpoint(entries), methods=["GET"]),
        Route("/sandbox/health", _endpoint(health), methods=["GET"]),
    ]


def _endpoint(work: Work) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        try:
            require_local(request)
            require_own_page(request)
            wish = await _wish(request) if request.method == "POST" else {}
            status, body = await run_in_threadpool(work, wish)
        except NotLocal as reason:
            return JSONResponse({"error": str(reason)}, 403)
        except AccountExists as reason:
            return JSONResponse({"error": str(reason)}, 409)
        except (AccountRefused, FaultRefused) as reason:
            return JSONResponse({"error": str(reason)}, 422)
        except TooLarge as reason:
            return JSONResponse({"error": str(reason)}, 413)
        return JSONResponse(body, status, {"Cache-Control": "no-store"})

    return answer


async def _wish(request: Request) -> Wish:
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise FaultRefused("The body must be JSON: send Content-Type: application/json.")
    try:
        wish = json.loads(await read_body(request, 65536))
    except (ValueError, RecursionError) as error:
        raise FaultRefused("The body is not valid JSON.") from error
    if not isinstance(wish, dict):
        raise FaultRefused("The body must be a JSON object.")
    return wish


def _listed(account: Account) -> dict[str, Any]:
    """`id` is the account's id as its network writes it."""
    shown = asdict(account)
    shown["id"] = shown.pop("native_id")
    del shown["premium"]
    return shown


def _is_web_address(value: object) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"https?://[^\s/;,'\"]+(/[^\s#]*)?", value))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _version() -> str:
    try:
        return version("social-scheduler")
    except PackageNotFoundError:
        return "0"
