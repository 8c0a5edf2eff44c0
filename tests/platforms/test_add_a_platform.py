"""docs/how-to/add-a-platform.md is followed to the letter in a copy of the project.

One module makes a network: it is checked, planned and published by the public commands, shown in
the reference, and passes the suite that all networks pass.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.process.commands import wait_until_past

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/how-to/add-a-platform.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"`([\w/]+\.py)`:\n\n```python\n(.*?)^```$", re.M | re.S)
WORDS = "صباح الخير from the loft. #LifeafterDaesh"
PARTS = ["First pigeon.", "Second pigeon."]
PASSWORD = "a pigeon on the roof"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which the page has been followed."""
    root = tmp_path_factory.mktemp("project")
    for name in ("src", "tests"):
        shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "dev.py", "dev_environment.py", "dev_servers.py"):
        shutil.copy(ROOT / name, root)
    written = BLOCK.findall(PAGE)
    assert [name for name, _ in written] == [
        "src/social_scheduler/platforms/pigeon.py",
        "tests/platforms/conformance/stages.py",
    ]
    for name, code in written:
        with (root / name).open("a", encoding="utf-8") as file:
            file.write(code)
    return root


@dataclass(frozen=True)
class Loft:
    """What the page's server says of itself when it is started by itself."""

    setting: str
    handle: str
    keys: dict[str, str]

    def posts(self) -> list[dict[str, Any]]:
        """What of the account's is live, oldest first."""
        url = tomllib.loads(self.setting)["sandbox_url"]
        signed = {"Authorization": f"Bearer {self.keys['loft_key']}"}
        found: list[dict[str, Any]] = requests.get(
            f"{url}/posts", headers=signed, timeout=20
        ).json()["posts"]
        return found


@pytest.fixture
def loft(project: Path) -> Iterator[Loft]:
    """The server of the stage, by the page's command."""
    command = re.search(r"^    \.venv/bin/python (-m tests\.\S+)$", PAGE, re.M)
    assert command is not None
    with subprocess.Popen(
        [sys.executable, *command[1].split()],
        cwd=project,
        env={**os.environ, "PYTHONPATH": f"{project / 'src'}:{project}"},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            setting, handle, keys = (process.stdout.readline().strip() for _ in range(3))
            yield Loft(setting, handle.removeprefix("handle: "), json.loads(keys))
        finally:
            process.terminate()


def run(project: Path, *command: str, code: int = 0, **environment: str) -> str:
    """What a command of the copied project says; it must end with this exit code."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("SOCIAL_SCHEDULER_")}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=project,
        env={**kept, "PYTHONPATH": f"{project / 'src'}:{project}", **environment},
        capture_output=True,
        text=True,
        timeout=110,
    )
    said = f"{done.stdout}\n{done.stderr}"
    assert done.returncode == code, f"{command}\n{said}"
    return said


def test_the_module_is_all_it_takes_to_check_plan_and_publish(
    project: Path, loft: Loft, tmp_path: Path
) -> None:
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "settings.toml").write_text(f"{loft.setting}\nsettle_seconds = [0.2]\n")
    own = {
        "SOCIAL_SCHEDULER_WORKSPACE": str(folder),
        "SOCIAL_SCHEDULER_PASSWORD": PASSWORD,
        "SOCIAL_SCHEDULER_TOKEN": "",
    }

    def say(*arguments: str, who: str = "admin", code: int = 0) -> str:
        signed_in = {"XDG_CONFIG_HOME": str(tmp_path / who)}
        command = ("-m", "social_scheduler", *arguments)
        return run(project, *command, code=code, **own, **signed_in)

    say("init", "--rehearsal")
    say("login", "admin")
    account = re.search(r"^    accounts:\n(?:    .*\n)+", PAGE, re.M)
    assert account is not None
    accounts = re.sub(r"^    ", "", account[0], flags=re.M).replace("coalition", loft.handle)
    (folder / "campaigns/accounts.yaml").write_text(accounts, encoding="utf-8")
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps(loft.keys))
    keys.chmod(0o600)
    say("accounts", "connect", "pigeon-en", "--keys-file", str(keys))
    for name, role in (("amal", "author"), ("rana", "reviewer")):
        say("people", "add", name, f"--role={role}", "--language=en")
        say("login", name, who=name)
    campaign = folder / "campaigns/loft/campaign.yaml"
    campaign.parent.mkdir()
    _write(campaign, "x" * 201, datetime.now(UTC) + timedelta(hours=1))
    refused = say("check", who="amal", code=1)
    assert "201" in refused
    assert "200" in refused
    _write(campaign, WORDS, datetime.now(UTC) + timedelta(hours=1))
    say("check", who="amal")
    assert "loft/one" in say("plan", who="amal")
    due = datetime.now(UTC) + timedelta(seconds=15)
    _write(campaign, WORDS, due)
    say("queue", who="amal")
    say("review", "approve", "--yes", "loft/one", "loft/two", who="rana")
    assert loft.posts() == []
    wait_until_past(due)
    say("work", "--until-idle")
    live = loft.posts()
    assert sorted(said["text"] for said in live) == sorted([WORDS, *PARTS])
    thread = [said for said in live if said["text"] in PARTS]
    assert [said["reply_to"] for said in thread] == [None, thread[0]["id"]]


def _write(campaign: Path, words: str, due: datetime) -> None:
    at = f"{due:%Y-%m-%d %H:%M:%S} UTC"
    posts = [
        {"id": "one", "at": at, "text": {"en": words}},
        {"id": "two", "at": at, "thread": {"en": PARTS}},
    ]
    about = {"campaign": "loft", "kind": "news", "title": "Pigeons", "owner": "amal"}
    rest = {"timezone": "UTC", "to": ["pigeon-en"], "late": "1 hour", "posts": posts}
    campaign.write_text(json.dumps(about | rest, ensure_ascii=False), encoding="utf-8")


def test_the_reference_shows_it(project: Path) -> None:
    for name in ("docs", "campaigns"):
        shutil.copytree(ROOT / name, project / name, dirs_exist_ok=True)
    run(project, "-m", "social_scheduler.cli.docs")
    page = (project / "docs/reference/platforms.md").read_text(encoding="utf-8")
    assert "\n## Pigeon Post\n" in page
    assert re.search(r"^\| \[Pigeon Post\]\(#pigeon-post\) \| 200 graphemes \|", page, re.M)
    assert "| no | no | no | none | none |" in page  # pictures, films, alt text, box, options
    own = page.split("\n## Pigeon Post\n")[1].split("\n## ")[0]
    assert "the sandbox does not play it" in own
    assert "| pictures in a part | none |" in own
    assert " 0 " not in own
    assert "| `loft_key` | `SOCIAL_SCHEDULER_LOFT_KEY` |" in own


def suite(project: Path, which: str, code: int = 0) -> str:
    """The suite of all networks, for those tests of the new one."""
    options = ("-q", "-n", "0", "-p", "no:cacheprovider", "-k", which)
    return run(project, "-m", "pytest", *options, "tests/platforms/conformance", code=code, CI="")


def test_it_passes_the_suite_that_all_networks_pass(project: Path) -> None:
    said = suite(project, "pigeon")
    passed = re.search(r"(\d+) passed", said)
    assert passed is not None
    assert int(passed[1]) > 40
    assert "skipped" not in said


def test_a_key_whose_variable_is_taken_fails_the_suite(project: Path) -> None:
    module = project / "src/social_scheduler/platforms/pigeon.py"
    whole = module.read_text(encoding="utf-8")
    module.write_text(whole.replace("loft_key", "token"), encoding="utf-8")
    try:
        assert "choose another name" in suite(project, "pigeon and variable_of_a_key", code=1)
    finally:
        module.write_text(whole, encoding="utf-8")


def test_a_network_without_a_stage_fails_the_suite(project: Path) -> None:
    stages = project / "tests/platforms/conformance/stages.py"
    whole = stages.read_text(encoding="utf-8")
    stages.write_text(whole.replace('"pigeon": _pigeon', ""), encoding="utf-8")
    try:
        assert "pigeon has no stage" in suite(project, "pigeon and whose_they_are", code=1)
    finally:
        stages.write_text(whole, encoding="utf-8")
