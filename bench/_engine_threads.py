"""How much processor time each thread of this process takes, read from the system now and then."""

from __future__ import annotations

import re
import threading

import psutil

INTERVAL = 0.25
KINDS = {
    "beginner": "last look and intents",
    "call": "calls",
    "keeper": "outcomes",
    "ready": "identities and pictures",
    "MainThread": "start and end",
    "APScheduler": "the clock",
    "ThreadPoolExecutor": "claims and reading back (the clock's jobs)",
}


class Threads:
    """Reads every thread's time while they live; a thread that has ended cannot be asked."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="watch")
        self._times: dict[int, float] = {}
        self._before: dict[int, float] = {}
        self._names: dict[int, str] = {}

    def start(self) -> None:
        """Begin to read; what was used until now does not count."""
        self._before = _times()
        self._thread.start()

    def stop(self) -> dict[str, float]:
        """Seconds of processor time by what a thread is for."""
        self._ending.set()
        self._thread.join()
        found: dict[str, float] = {}
        for ident, seconds in self._times.items():
            kind = _kind(self._names.get(ident, "other"))
            found[kind] = found.get(kind, 0.0) + seconds - self._before.get(ident, 0.0)
        return {
            name: round(seconds, 3)
            for name, seconds in sorted(found.items(), key=lambda one: -one[1])
        }

    def _watch(self) -> None:
        while not self._ending.wait(INTERVAL):
            for thread in threading.enumerate():
                if thread.native_id is not None:
                    self._names[thread.native_id] = thread.name
            self._times |= _times()


def _times() -> dict[int, float]:
    return {each.id: each.user_time + each.system_time for each in psutil.Process().threads()}


def _kind(name: str) -> str:
    short = re.sub(r"[-_]?[\d_]*$", "", name)
    return KINDS.get(short, KINDS.get(short.split("-")[0], short))
