"""dev.py and what it relies on: locked lists, the private environment, the rule for skipped tests."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import dev
import dev_environment
import dev_servers
import hatch_build
import pytest

ROOT = Path(__file__).resolve().parent.parent
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def requirements(lock: Path) -> list[str]:
    """The requirements of a lock, continued lines joined."""
    return lock.read_text().replace("\\\n", " ").splitlines()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_names_no_address_so_that_any_mirror_serves(lock: Path) -> None:
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*-", text.replace("\n    --hash=sha256:", " "), re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_every_requirement_is_one_exact_version_with_hashes(lock: Path) -> None:
    assert requirements(lock)
    for line in requirements(lock):
        assert re.match(r"[a-z0-9.-]+==\S+ ", line), line
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", line), line


def test_the_locks_agree_on_versions_because_they_are_installed_together() -> None:
    known: dict[str, set[str]] = {}
    for lock in sorted(LOCKS, key=lambda path: path.name != "test.txt"):
        own: dict[str, set[str]] = {}
        for line in requirements(lock):  # a name may come twice, for different Pythons
            name, version = line.split()[0].split("==")
            own.setdefault(name, set()).add(version)
        differing = {name: found for name, found in own.items() if found != known.get(name, found)}
        assert differing == {}, lock.name
        known = own | known


def test_every_package_we_run_on_is_named_among_the_third_parties() -> None:
    named = (ROOT / "THIRD_PARTY.md").read_text().lower()
    names = {line.split("==")[0] for line in requirements(ROOT / "requirements/run.txt")}
    assert {name for name in names if f"| {name} |" not in named} == set()


def test_a_digest_changes_with_content_name_and_circumstances(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("x")
    second.write_text("x")
    known = dev_environment.digest([first], "3.11")
    assert dev_environment.digest([first], "3.11") == known
    assert dev_environment.digest([second], "3.11") != known
    assert dev_environment.digest([first], "3.12") != known
    first.write_text("y")
    assert dev_environment.digest([first], "3.11") != known


@pytest.fixture
def unmarked_venv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Something that looks like an environment of this Python, without a note of dev.py."""
    venv = tmp_path / "venv"
    monkeypatch.setattr(dev_environment, "VENV", venv)
    monkeypatch.setattr(dev_environment, "STATE", venv / "dev-state.json")
    python = Path(dev_environment.program("python"))
    python.parent.mkdir(parents=True)
    shutil.copy(sys.executable, python)
    version = ".".join(str(part) for part in sys.version_info[:3])
    (venv / "pyvenv.cfg").write_text(f"home = /x\nversion_info = {version}\n")
    return venv


def test_an_environment_made_by_hand_is_taken_over(unmarked_venv: Path) -> None:
    assert dev_environment.read_state() == {}
    assert dev_environment.venv_is_usable({})


def test_an_environment_of_another_python_or_another_folder_is_made_anew(
    unmarked_venv: Path,
) -> None:
    assert not dev_environment.venv_is_usable({"root": "/somewhere/else"})
    (unmarked_venv / "pyvenv.cfg").write_text("home = /x\nversion_info = 3.9.1\n")
    assert not dev_environment.venv_is_usable({})
    shutil.rmtree(unmarked_venv)
    assert not dev_environment.venv_is_usable({})


@pytest.mark.usefixtures("unmarked_venv")
def test_a_broken_note_counts_as_none() -> None:
    dev_environment.write_state({"profile": "run"})
    assert dev_environment.read_state() == {"profile": "run"}
    dev_environment.STATE.write_text("{")
    assert dev_environment.read_state() == {}
    dev_environment.STATE.write_text(json.dumps(["run"]))
    assert dev_environment.read_state() == {}


def test_of_pips_settings_the_strongest_wins() -> None:
    listing = textwrap.dedent("""\
        :env:.timeout='9'
        global.index-url='https://global.example/simple'
        global.timeout='60'
        install.index-url='https://install.example/simple'
        download.index-url='https://other.example/simple'
        nonsense
        """)
    assert dev_environment.parse_pip_settings(listing) == {
        "index-url": "https://install.example/simple",
        "timeout": "9",
    }


def test_uv_is_told_what_pip_was_told(tmp_path: Path) -> None:
    pip = {
        "index-url": "https://mirror.example/simple",
        "extra-index-url": f"\nhttps://two.example/simple\nfile://{tmp_path} file:///not/there",
        "find-links": f"{tmp_path} /not/there https://three.example/links",
        "cert": str(tmp_path),
        "proxy": "http://proxy.example:3128",
    }
    assert dev_environment.uv_settings(pip, {}) == {
        "UV_DEFAULT_INDEX": "https://mirror.example/simple",
        "UV_INDEX": f"https://two.example/simple file://{tmp_path}",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{tmp_path},https://three.example/links",
        "SSL_CERT_FILE": str(tmp_path),
        "HTTPS_PROXY": "http://proxy.example:3128",
        "HTTP_PROXY": "http://proxy.example:3128",
    }


def test_what_the_user_told_uv_itself_stays() -> None:
    pip = {"index-url": "https://mirror.example/simple", "timeout": "60"}
    own = {"UV_INDEX_URL": "https://own.example/simple", "UV_HTTP_TIMEOUT": "5"}
    assert dev_environment.uv_settings(pip, own) == {}
    assert dev_environment.uv_settings({}, {}) == {}


def test_without_a_home_that_can_be_written_programs_get_one_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev_environment, "TOOLS", tmp_path / "tools")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert dev_environment.child_environment()["HOME"] == str(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "missing"))
    home = Path(dev_environment.child_environment()["HOME"])
    assert home == tmp_path / "tools" / "home"
    assert home.is_dir()


def test_a_second_dev_py_waits_for_the_first(tmp_path: Path) -> None:
    first, second = (tmp_path / "lock").open("a+b"), (tmp_path / "lock").open("a+b")
    with second:
        with first:
            dev_environment.lock_file(first.fileno(), wait=False)
            with pytest.raises(OSError):
                dev_environment.lock_file(second.fileno(), wait=False)
        dev_environment.lock_file(second.fileno(), wait=False)


def test_the_named_browser_is_taken_and_a_wrong_name_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROWSER_PATH", sys.executable)
    assert dev.find_browser() == sys.executable
    monkeypatch.setenv("BROWSER_PATH", str(tmp_path / "missing"))
    assert dev.find_browser() is None


def test_one_failed_stage_fails_the_whole(capfd: pytest.CaptureFixture[str]) -> None:
    good, bad = dev.Result("pytest", 2.0, ok=True), dev.Result("mypy", 1.0, ok=False)
    assert dev.summarise([good]) == 0
    assert dev.summarise([bad, good]) == 1
    assert "Failed: mypy." in capfd.readouterr().err


def test_a_wrong_command_is_answered_with_the_right_ones(
    capfd: pytest.CaptureFixture[str],
) -> None:
    assert dev.main(["tset"]) == 2
    told = capfd.readouterr().err
    assert "no command 'tset'" in told
    assert all(f"dev.py {name}" in told for name in dev.COMMANDS)


def test_the_placed_htmx_is_the_pinned_file(tmp_path: Path) -> None:
    placed = [hatch_build.place_htmx(tmp_path)]
    if dev_environment.HTMX.exists():
        placed.append(dev_environment.HTMX)
    for path in placed:
        assert hashlib.sha256(path.read_bytes()).hexdigest() == hatch_build.HTMX_SHA256


def test_another_htmx_than_the_pinned_one_stops_the_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hatch_build, "HTMX_SHA256", "0" * 64)
    with pytest.raises(ValueError, match="expected 000"):
        hatch_build.place_htmx(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_dev_py_and_the_build_hook_mean_the_same_files() -> None:
    assert ROOT / hatch_build.HTMX_TARGET == dev_environment.HTMX
    assert hatch_build.CATALOGUES == dev_environment.CATALOGUES


def test_catalogues_are_compiled_and_a_broken_one_stops_the_build(tmp_path: Path) -> None:
    folder = tmp_path / "src/social_scheduler/web/locale/fr/LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "messages.po").write_text('msgid "post"\nmsgstr "publication"\n', encoding="utf-8")
    assert hatch_build.compile_catalogues(tmp_path) == [folder / "messages.mo"]
    assert b"publication" in (folder / "messages.mo").read_bytes()
    (folder / "messages.po").write_text('msgid "post\n', encoding="utf-8")
    with pytest.raises(ValueError, match=r"messages\.po: cannot be compiled"):
        hatch_build.compile_catalogues(tmp_path)


PDS_LOCK = ROOT / "requirements/pds/package-lock.json"


def test_the_lock_of_npm_packages_names_no_address_either_and_has_every_hash() -> None:
    text = PDS_LOCK.read_text()
    assert "://" not in text
    packages = json.loads(text)["packages"]
    wanted = json.loads((PDS_LOCK.parent / "package.json").read_text())["dependencies"]
    assert packages.pop("")["dependencies"] == wanted
    assert all(re.fullmatch(r"[0-9.]+", version) for version in wanted.values())
    assert all(each["integrity"].startswith("sha512-") for each in packages.values())
    assert {packages[f"node_modules/{name}"]["version"] for name in wanted} == set(wanted.values())


def a_node(folder: Path, version: str, *, headers: bool = True) -> dev_servers.Node | None:
    """What is found of a program that says it is that version of Node."""
    program = folder / "bin/node"
    for place in (program, folder / "lib/node_modules/npm/bin/npm-cli.js"):
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(f"#!/bin/sh\necho {version} 127\n")
    program.chmod(0o755)
    if headers:
        (folder / "include/node").mkdir(parents=True)
        (folder / "include/node/node.h").touch()
    return dev_servers.node_at(program, folder)


@pytest.mark.skipif(os.name == "nt", reason="no /bin/sh there")
def test_a_node_is_used_that_is_new_enough_and_can_be_compiled_for(tmp_path: Path) -> None:
    found = a_node(tmp_path / "new", "22.1.0")
    assert found is not None
    assert found.abi == "127"
    assert a_node(tmp_path / "old", "20.20.2") is None
    assert a_node(tmp_path / "bare", "24.0.0", headers=False) is None
    assert dev_servers.node_at(tmp_path / "missing", tmp_path) is None


def test_the_built_server_is_kept_outside_by_lock_and_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    node = dev_servers.Node(tmp_path / "node", tmp_path, "127")
    home = dev_servers.built_at(node)
    assert home.parent == tmp_path / "social-scheduler"
    assert dev_servers.built_at(node) == home
    assert dev_servers.built_at(node._replace(abi="137")) != home
    shutil.copytree(PDS_LOCK.parent, tmp_path / "pds")
    (tmp_path / "pds/package-lock.json").write_text("{}")
    monkeypatch.setattr(dev_servers, "PDS", tmp_path / "pds")
    assert dev_servers.built_at(node) != home


def test_a_server_that_was_built_is_not_built_again_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    node = dev_servers.Node(tmp_path / "node", tmp_path, "127")
    monkeypatch.setattr(dev_servers, "find_node", lambda: node)
    monkeypatch.setattr(dev_servers, "get_compilers", lambda: None)
    built: list[Path] = []

    def build(_: dev_servers.Node, home: Path) -> None:
        built.append(home)
        home.mkdir()
        (home / "dev-stamp").touch()

    monkeypatch.setattr(dev_servers, "build", build)
    assert dev_servers.find_pds() is None
    old, recent = (tmp_path / "social-scheduler" / name for name in ("pds-old", "pds-recent"))
    for each in (old, recent):
        each.mkdir(parents=True)
    os.utime(old, (0, 0))
    home = dev_servers.ensure_pds()
    assert dev_servers.ensure_pds() == home
    assert built == [home]
    assert dev_servers.find_pds() == (node, home)
    assert (old.exists(), recent.exists()) == (False, True)


def test_what_building_needs_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dev_servers, "is_debian_root", lambda: False)
    monkeypatch.setattr(dev_servers, "COMPILERS", ("make", "no-such-compiler"))
    with pytest.raises(dev_environment.Stop, match="install no-such-compiler"):
        dev_servers.get_compilers()


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        ([], True),
        (["tests/test_pds.py"], True),
        (["tests/test_pds.py", "-m", "not pds"], False),
        (["tests/test_dev.py", "-x"], False),
        (["tests/no-such-file.py"], False),
    ],
)
def test_a_server_is_built_only_when_a_selected_test_speaks_to_it(
    arguments: list[str], needed: bool
) -> None:
    assert dev.needs_servers(arguments, os.environ) == needed


@pytest.mark.parametrize(("code", "told"), [(0, False), (1, True)])
def test_servers_that_could_not_be_built_are_told_with_the_reason(code: int, told: bool) -> None:
    script = f"print('no compiler'); raise SystemExit({code})"
    building = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    said = dev.await_servers(building)
    assert ("do NOT run" in said and "no compiler" in said) == told


SKIPPING = """
    import pytest

    def test_runs():
        pass

    @pytest.mark.skip(reason="too tired")
    def test_is_left_out():
        pass

    @pytest.mark.xfail(strict=True)
    def test_is_known_to_fail():
        raise AssertionError
"""


@pytest.mark.parametrize(
    ("ci", "workers", "code"), [("true", "0", 1), ("true", "2", 1), ("", "0", 0), ("false", "0", 0)]
)
def test_a_skipped_test_fails_the_run_on_a_build_server_only(
    tmp_path: Path, ci: str, workers: str, code: int
) -> None:
    (tmp_path / "test_some.py").write_text(textwrap.dedent(SKIPPING))
    done = run_pytest(tmp_path, ci, workers)
    assert done.returncode == code, done.stdout + done.stderr
    assert ("test_is_left_out: too tired" in done.stdout) == (code == 1)
    assert "test_is_known_to_fail: " not in done.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_a_module_that_skips_itself_fails_the_run_too(tmp_path: Path, workers: str) -> None:
    skip = 'import pytest\npytest.skip("no such system", allow_module_level=True)\n'
    (tmp_path / "test_none.py").write_text(skip)
    (tmp_path / "test_one.py").write_text("def test_runs():\n    pass\n")
    done = run_pytest(tmp_path, "true", workers)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "test_none.py: no such system" in done.stdout


def run_pytest(folder: Path, ci: str, workers: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder in a process of their own, with our plugin."""
    (folder / "pytest.ini").write_text(f"[pytest]\npythonpath = {ROOT / 'tests'}\n")
    (folder / "conftest.py").write_text('pytest_plugins = ["no_skips"]\n')
    env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    command = [sys.executable, "-m", "pytest", "-n", workers, "-p", "no:cacheprovider"]
    return subprocess.run(
        command,
        cwd=folder,
        env={**env, "CI": ci},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )
