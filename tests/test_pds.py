"""The launcher of Bluesky's own server: on this machine only, and gone with its run."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.pds import Pds

pytestmark = pytest.mark.pds


def test_both_servers_listen_to_this_machine_only(pds: Pds) -> None:
    process = pds.process
    assert process is not None
    found = psutil.Process(process.pid).net_connections()
    listening = {each.laddr.ip for each in found if each.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}


def test_its_health_page_says_which_version_it_is(pds: Pds) -> None:
    lock = Path(__file__).parent.parent / "requirements/pds/package.json"
    assert f'"@atproto/pds": "{pds.version}"' in lock.read_text()


def test_a_server_ends_with_the_run_that_started_it(tmp_path: Path) -> None:
    code = (
        "import os; from tests.pds import Pds; server = Pds(); server.start(); "
        "print(server.process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    with contextlib.suppress(psutil.NoSuchProcess):
        assert psutil.Process(int(done.stdout)).wait(timeout=20) is None
