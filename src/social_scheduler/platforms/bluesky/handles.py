"""Asks who has a handle, and remembers it for a while: a mention leads to an account's did."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING

from social_scheduler.platforms.bluesky.facets import handles

if TYPE_CHECKING:  # it loads requests
    from social_scheduler.platforms.bluesky.wire import Line

_KNOWN_FOR = timedelta(hours=1)


class Handles:
    """Whose handles are whose, as servers said."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], tuple[str, datetime]] = {}
        self._lock = threading.Lock()

    def mentioned(
        self, line: Line, texts: Iterable[str], approved: Mapping[str, str] = MappingProxyType({})
    ) -> dict[str, str]:
        """The dids of everybody these texts mention; who is not known is left out.

        Those that were `approved` with the words are not asked for: they stay who they were.
        """
        wanted = dict.fromkeys(handle for text in texts for handle in handles(text))
        found = {handle: approved.get(handle) or self.did(line, handle) for handle in wanted}
        return {handle: did for handle, did in found.items() if did}

    def did(self, line: Line, handle: str) -> str | None:
        """com.atproto.identity.resolveHandle; None where the server finds nobody.

        What it cannot find because of its own trouble is not waited for: the words go out, without
        a link to the account.
        """
        from social_scheduler.platforms.bluesky.wire import Request

        here = (line.base_url, handle)
        with self._lock:
            did, since = self._known.get(here, ("", line.now() - _KNOWN_FOR))
        if line.now() - since < _KNOWN_FOR:
            return did
        query = {"handle": handle}
        answer = line.ask(Request("com.atproto.identity.resolveHandle", query=query), signed=False)
        if answer.status >= 500 or (answer.status == 400 and answer.problem):
            return None
        told = line.judged(answer).get("did")
        if not isinstance(told, str) or not told.startswith("did:"):
            return None
        with self._lock:
            self._known[here] = (told, line.now())
        return told
