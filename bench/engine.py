"""How fast the publishing engine is: each figure beside its bar, on SQLite and on PostgreSQL.

Nothing is judged but by printing it: the exit code is 0 whatever is met. `--write` keeps the run
in docs/engine-speed.md.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _engine_acts import acts
from _engine_base import POSTGRESQL, SQLITE, Base
from _engine_holds import hold
from _engine_idle import idle
from _engine_punctual import crowd, one, row_of_ten
from _engine_rate import growth, rate
from _engine_report import Row, machine, show, write_page

Measure = Callable[[Base, str], list[Row]]
MEASURES: dict[str, Measure] = {
    "one": one,
    "rate": rate,
    "profile": acts,
    "crowd": crowd,
    "ten": row_of_ten,
    "hold": hold,
    "idle": idle,
    "growth": growth,
}
PAGE = Path(__file__).parents[1] / "docs" / "engine-speed.md"


def main() -> None:
    """Measure, print, and write the page if asked to."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", action="append", choices=list(MEASURES), metavar="NAME",
                        help=f"only this one; may be repeated: {', '.join(MEASURES)}")  # fmt: skip
    parser.add_argument("--database", choices=["sqlite", "postgresql"])
    parser.add_argument("--quick", action="store_true", help="smaller: to try the bench itself")
    parser.add_argument("--million", action="store_true", help="growth with 1,000,000 queued too")
    parser.add_argument("--write", action="store_true", help="write docs/engine-speed.md")
    wanted = parser.parse_args()
    databases = [d for d in (SQLITE, POSTGRESQL) if wanted.database in (None, d.lower())]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # leave no server behind
    facts = machine()
    print("\n".join(f"{name}: {value}" for name, value in facts.items()))
    rows: list[Row] = []
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        base = Base(Path(folder), wanted.quick, wanted.million, stack)
        for name in wanted.only or MEASURES:
            for database in databases:
                begun = time.monotonic()
                print(f"\n{name} ({(MEASURES[name].__doc__ or '').strip()}), {database}")
                found = MEASURES[name](base, database)
                show(found)
                print(f"  ({time.monotonic() - begun:.0f} s)")
                rows += found
                if wanted.write:  # each time: a run that is cut short has said something
                    write_page(PAGE, facts, rows, _options())
    if wanted.write:
        print(f"\nWritten: {PAGE.relative_to(PAGE.parents[1])}")


def _options() -> str:
    return " ".join(each for each in sys.argv[1:] if each != "--write")


if __name__ == "__main__":
    main()
