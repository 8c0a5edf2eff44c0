"""`python -m trials`: run the fault programme and say what it found; see `--help`."""

from __future__ import annotations

import sys

from trials.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
