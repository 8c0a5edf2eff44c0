"""`python -m social_scheduler.sandbox`: start the rehearsal networks and say where they are."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from pathlib import Path

from . import Rates, serve
from .rates import PUBLISHED


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m social_scheduler.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=4600, help="0 takes a free one")
    parser.add_argument("--ledger", type=Path, required=True, help="SQLite file, made if missing")
    parser.add_argument(
        "--post-limit", type=int, default=PUBLISHED["x/post"], help="posts on X per 15 minutes"
    )
    given = parser.parse_args()
    rates = Rates({**PUBLISHED, "x/post": given.post_limit})
    try:
        serve(given.host, given.port, given.ledger, ready=_say, rates=rates)
    except (OSError, sqlite3.DatabaseError) as error:
        sys.stderr.write(
            f"cannot start the sandbox on {given.host}:{given.port}: {error}\n"
            "Choose another --port (0 takes a free one) or a --ledger in an existing folder.\n"
        )
        return 1
    return 0


def _say(address: str) -> None:
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
