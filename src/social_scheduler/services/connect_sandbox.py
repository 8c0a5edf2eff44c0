"""In a rehearsal an account is made where it is connected: at the sandbox."""

from __future__ import annotations

from social_scheduler.campaign.schema import AccountEntry
from social_scheduler.errors import InvalidInput, WorkspaceError
from social_scheduler.services.accounts import allowed_server, platform_named
from social_scheduler.services.context import Context


def keys_from_sandbox(context: Context, entry: AccountEntry) -> dict[str, str]:
    """Make the account at the sandbox, or find it there, and take its keys."""
    import requests

    url = allowed_server(context, entry.platform, context.sandbox_url)
    body = {
        "network": entry.platform,
        "handle": entry.handle.removeprefix("@"),
        "name": entry.name,
        "language": entry.language,
        "again": True,
        "premium": entry.text_limit is not None,
    }
    try:
        with requests.Session() as session:
            session.trust_env = False  # no proxy: the sandbox is on this machine
            answer = session.post(
                f"{url}/sandbox/accounts", json=body, timeout=10, allow_redirects=False
            )
    except requests.RequestException:
        raise WorkspaceError(
            f"The sandbox does not answer at {url}.",
            "Start it in another terminal: social-scheduler sandbox",
        ) from None
    if not answer.ok:
        raise InvalidInput(
            f"The sandbox refused the account {entry.handle}: {answer.text[:200]}",
            "Correct accounts.yaml.",
        )
    made = answer.json()
    return {key: str(made[key]) for key in platform_named(context, entry.platform).keys}
