"""In a rehearsal accounts, and the apps that sign people in, are made at the sandbox."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.errors import InvalidInput, WorkspaceError
from social_scheduler.services.accounts import allowed_server, platform_named
from social_scheduler.services.context import Context

if TYPE_CHECKING:
    from requests import Response, Session


def keys_from_sandbox(context: Context, entry: AccountEntry) -> dict[str, str]:
    """Make the account at the sandbox, or find it there, and take its keys."""
    body = {
        "network": entry.platform,
        "handle": entry.handle.removeprefix("@"),
        "name": entry.name,
        "language": entry.language,
        "again": True,
        "premium": entry.text_limit is not None,
    }
    answer = _asked(context, entry.platform, "accounts", body)
    if not answer.ok:
        raise InvalidInput(
            f"The sandbox refused the account {entry.handle}: {_why(answer)}",
            "Correct accounts.yaml.",
        )
    made = answer.json()
    return {key: str(made[key]) for key in platform_named(context, entry.platform).keys}


def app_from_sandbox(context: Context, platform: str, redirect_url: str) -> dict[str, str]:
    """Make our app at the sandbox, as the network's own pages would, and take its keys."""
    answer = _asked(context, platform, "apps", {"redirect_urls": [redirect_url]})
    if not answer.ok:
        raise InvalidInput(f"The sandbox refused the app: {_why(answer)}")
    return {str(name): str(value) for name, value in answer.json().items()}


def _asked(context: Context, platform: str, what: str, body: Mapping[str, Any]) -> Response:
    import requests

    url = allowed_server(context, platform, context.sandbox_url)
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy: the sandbox is on this machine
            _require_network(session, url, platform)
            return session.post(
                f"{url}/sandbox/{what}", json=body, timeout=10, allow_redirects=False
            )
    except requests.RequestException:
        raise WorkspaceError(
            f"The sandbox does not answer at {url}.",
            "Start it in another terminal: social-scheduler sandbox",
        ) from None


def _require_network(session: Session, url: str, platform: str) -> None:
    """That a sandbox is there, and plays this network."""
    health = session.get(f"{url}/sandbox/health", timeout=10, allow_redirects=False)
    networks = _told(health).get("networks")
    if not isinstance(networks, list):
        raise WorkspaceError(
            f"What answers at {url} is no sandbox.",
            "Correct sandbox_url in settings.toml; for a network's own server there, "
            "give the keys: --keys-file.",
        )
    if platform not in networks:
        raise WorkspaceError(
            f"The sandbox plays {', '.join(map(str, networks))}; it does not play {platform}.",
            "Rehearse it with a server of its own: put that one's address into settings.toml as "
            "sandbox_url, and give the keys for it: --keys-file.",
        )


def _why(answer: Response) -> str:
    return str(_told(answer).get("error", f"HTTP {answer.status_code}"))[:200]


def _told(answer: Response) -> dict[str, Any]:
    """What is in an answer, if it is a JSON object."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
