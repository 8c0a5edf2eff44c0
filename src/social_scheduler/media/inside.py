"""The process in which films are decoded: bounded, without keys, opening nothing but the film.

Started by apart.py alone. Standard input is the film; the first argument says what to do.
It is the same user's: what is kept from it are new files, connections and rights, no more.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import resource
import struct
import sys
import time
import zlib
from typing import Any, Final

from social_scheduler.media.problems import MediaError

_TOLD_EVERY = 0.2
_PR_SET_NO_NEW_PRIVS = 38
_EXPORT = "export the film again as MP4 (H.264 and AAC)"
_DAMAGED: Final = (
    OSError,
    ValueError,
    TypeError,
    ArithmeticError,
    LookupError,
    EOFError,
    RuntimeError,
    SyntaxError,
    NotImplementedError,
    struct.error,
    zlib.error,
)


def main(asked: dict[str, Any]) -> dict[str, Any]:
    """Do one work within its bounds; what it came to, or `problem` and `remedy`."""
    bounds = asked["bounds"]
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, bounds["cpu"])
    with contextlib.suppress(ValueError, OSError):  # not every system knows this one
        _limit(resource.RLIMIT_AS, bounds["memory"])
    _limit(resource.RLIMIT_FSIZE, bounds["bytes"])
    _renounce()
    try:
        from social_scheduler.media import works

        works.load()
        # From here on nothing can be opened: no other file, and no connection.
        _limit(resource.RLIMIT_NOFILE, 0)
        return works.WORKS[asked["work"]](asked["wish"], asked["out"], told())
    except MediaError as error:
        return {"problem": error.problem, "remedy": error.remedy}
    except MemoryError:
        return {"problem": "it needs more memory than a film may", "remedy": _EXPORT}
    except _DAMAGED:
        return {"problem": "it is damaged or cut short", "remedy": _EXPORT}


def told() -> Any:
    """Passes on how much is done, not too often."""
    last = 0.0

    def tell(share: float) -> None:
        nonlocal last
        if (now := time.monotonic()) - last > _TOLD_EVERY:
            last = now
            say({"done": round(share, 3)})

    return tell


def say(line: dict[str, Any]) -> None:
    """One line to the process that started this one."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def _renounce() -> None:
    """No program that is started from here gains rights; Linux alone has this."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    value = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (value, value))


if __name__ == "__main__":
    say(main(json.loads(sys.argv[1])))
