"""One worker process of `bench/engine.py`: the real worker, with a network that does nothing.

It says `ready`, waits for a line, begins, and says `idle` once nothing is due or to be looked at
soon. Its last line is one JSON object: every call's moment, and the processor time of each thread.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import signal
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from _engine_threads import Threads
from _engine_wire import Wire

from social_scheduler.app import FIRST_WORKER, open_workspace
from social_scheduler.worker import Worker


def main() -> None:
    """Publish until told to stop."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--name", default=FIRST_WORKER)
    parser.add_argument("--answer", type=float, default=0.0, help="seconds a call takes")
    parser.add_argument("--tell-idle", action="store_true")
    parser.add_argument("--threads", action="store_true", help="count each thread's time")
    wanted = parser.parse_args()
    wire = Wire(wanted.answer)
    threads = Threads() if wanted.threads else None
    with open_workspace(wanted.root) as opened:
        context = dataclasses.replace(opened.context, platforms={"wire": wire})
        worker = Worker(dataclasses.replace(opened, context=context), name=wanted.name)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: worker.stop())
        print("ready", flush=True)
        sys.stdin.readline()
        if wanted.tell_idle:
            threading.Thread(target=_tell_idle, args=[worker], daemon=True).start()
        if threads:
            threads.start()
        worker.run()
    found = {"calls": wire.asked, "threads": threads.stop() if threads else {}}
    print(json.dumps(found))


def _tell_idle(worker: Worker) -> None:
    while not worker.idle():
        time.sleep(0.1)
    print("idle", flush=True)


if __name__ == "__main__":
    main()
