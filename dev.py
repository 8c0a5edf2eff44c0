#!/usr/bin/env python3
"""The one command for trying, testing and changing this project; needs Python 3.11+ and nothing else.

Everything is installed inside this folder, from locked and hashed lists: the installer (uv) into
.tools, the project and what it needs into .venv. Delete both folders to start afresh.
"""
# Everything above and including the version check must run on old Pythons too, so that they can
# say what is wrong: hence no `from __future__ import annotations` here.

import os
import shutil
import subprocess
import sys
import time

if sys.version_info < (3, 11):  # noqa: UP036 - the point is to greet an older one
    sys.exit(
        "social-scheduler needs Python 3.11 or newer; this is Python %d.%d (%s).\n"  # noqa: UP031
        "Install a newer one and run it, for example: python3.12 dev.py"
        % (sys.version_info[0], sys.version_info[1], sys.executable)
    )

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, NoReturn

from dev_environment import (
    ROOT,
    Stop,
    apt_install,
    ensure_uv,
    is_debian_root,
    only_one,
    prepare,
    program,
    run_quietly,
    say,
    uv_environment,
)
from dev_servers import find_pds, lock_pds

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome",
            "msedge", "microsoft-edge",
            "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
            "C:/Program Files/Google/Chrome/Application/chrome.exe",
            "C:/Program Files (x86)/Microsoft/Edge/Application/msedge.exe")  # fmt: skip
BROWSER_PACKAGES = ("chromium", "fonts-noto-core", "fonts-noto-color-emoji")
NEED_SERVERS = "selected tests need Bluesky's server"  # so says tests/on_pds.py
CHECKS = {
    "ruff check": ["ruff", "check", "."],
    "ruff format": ["ruff", "format", "--check", "."],
    "mypy": ["mypy"],
    "lint-imports": ["lint-imports"],
}
LOCK_INPUTS = {  # order matters: the others follow the versions of test.txt
    "test.txt": ["pyproject.toml", "--group", "dev"],
    "run.txt": ["pyproject.toml", "--extra", "video", "-c", "requirements/test.txt"],
    # Of the build tools we only use files inside django-htmx: Django itself stays out.
    "build.txt": ["--group", "build", "-c", "requirements/test.txt"]
    + [f"--no-emit-package={name}" for name in ("django", "asgiref", "sqlparse", "tzdata")],
    "uv.txt": ["--group", "tools"],
    "node.txt": ["--group", "node"],
}


class Result(NamedTuple):
    """What became of one stage."""

    name: str
    seconds: float
    ok: bool


def hand_over(command: Sequence[str], env: Mapping[str, str]) -> NoReturn:
    """Become that program, so that signals and the exit code are its own."""
    sys.stdout.flush()
    if os.name == "nt":  # where exec would not wait for the program's end
        sys.exit(subprocess.run(command, env=env, check=False).returncode)
    os.execve(command[0], list(command), dict(env))  # noqa: S606 - no shell is what we want


def is_ci() -> bool:
    """On a build server nothing may be left out."""
    return os.environ.get("CI", "").lower() not in {"", "0", "false", "no"}


def find_browser() -> str | None:
    """The browser for the page tests; as root on Debian, install one. None if there is none."""
    named = os.environ.get("BROWSER_PATH")
    if named:
        return shutil.which(named)
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None and is_debian_root():
        say("No browser for the page tests:")
        try:
            apt_install("page tests", *BROWSER_PACKAGES)
        except Stop as problem:
            say(str(problem))
        found = shutil.which("chromium")
    return found


def needs_servers(arguments: Sequence[str], env: Mapping[str, str]) -> bool:
    """Whether a test that speaks to a real network server is among those that are selected."""
    if not arguments:
        return True
    listing = [program("pytest"), "--collect-only", "-q", *arguments]
    found = subprocess.run(
        listing, cwd=ROOT, env=env, capture_output=True, text=True, errors="replace", check=False
    )
    return NEED_SERVERS in found.stdout


def start_servers() -> subprocess.Popen[str]:
    """Begin to build the real network servers, beside the checks."""
    say("Bluesky's server is being built beside the checks (once, about two minutes).")
    return subprocess.Popen(
        [sys.executable, str(ROOT / "dev_servers.py")],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace",
    )  # fmt: skip


def await_servers(building: subprocess.Popen[str]) -> str:
    """Wait until they are built; what to tell if they could not be."""
    said, _ = building.communicate()
    say(said.rstrip())
    if building.returncode == 0:
        return ""
    return f"The tests marked `pds` do NOT run, for Bluesky's server could not be built:\n{said}"


def run_stages(stages: Mapping[str, Sequence[str]], env: Mapping[str, str]) -> list[Result]:
    """Run each stage, whatever became of the one before."""
    results = []
    for name, (tool, *arguments) in stages.items():
        say(f"\n— {name}")
        start = time.monotonic()
        code = subprocess.run(
            [program(tool), *arguments], cwd=ROOT, env=env, check=False
        ).returncode
        seconds = time.monotonic() - start
        say(f"— {name}: {'ok' if code == 0 else f'FAILED (exit code {code})'}, {seconds:.1f} s")
        results.append(Result(name, seconds, code == 0))
    return results


def summarise(results: Sequence[Result]) -> int:
    """Print the table of stages; exit code 1 if one failed."""
    say(f"\n{'stage':<16}{'seconds':>9}  result")
    for name, seconds, ok in results:
        say(f"{name:<16}{seconds:>9.1f}  {'ok' if ok else 'FAILED'}")
    failed = [result.name for result in results if not result.ok]
    say(f"\nFailed: {', '.join(failed)}." if failed else "\nAll passed.")
    return 1 if failed else 0


def demo(arguments: list[str]) -> int:
    """See it work, without any account: a rehearsal network, a worker, the web pages."""
    env = prepare("run")
    hand_over([program("social-scheduler"), "demo", *arguments], env)


def test(arguments: list[str]) -> int:
    """All checks and all tests. [--no-browser] [--no-servers] [options for pytest]"""
    missing = "--no-browser was given" if "--no-browser" in arguments else ""
    servers = "--no-servers" not in arguments
    arguments = [each for each in arguments if each not in {"--no-browser", "--no-servers"}]
    env = prepare("test")
    browser = None if missing else find_browser()
    results: list[Result] = []
    note = ""
    if browser:
        env["BROWSER_PATH"] = browser
    else:
        named = env.pop("BROWSER_PATH", "")
        missing = missing or (f"BROWSER_PATH={named} is none" if named else "none was found")
        note = (
            f"The tests marked `browser` do NOT run: no browser ({missing}).\n"
            "To run them, install Chromium or Chrome, or set BROWSER_PATH to one."
        )
        say(note)
        if is_ci():
            results.append(Result("browser", 0.0, ok=False))
    # Not before, for both may call apt-get.
    build = servers and not find_pds() and needs_servers(arguments, env)
    building = start_servers() if build else None
    workers = max(2, min(8, os.cpu_count() or 2))
    tests = ["pytest", "-n", str(workers), "--dist", "loadgroup", *arguments]
    results += run_stages(CHECKS, env)
    trouble = await_servers(building) if building else ""
    if trouble and is_ci():
        results.append(Result("servers", 0.0, ok=False))
    code = summarise([*results, *run_stages({"pytest": tests}, env)])
    for each in filter(None, (note, trouble)):
        say(each)
    return code


def lint(arguments: list[str]) -> int:
    """Only the checks: ruff, its format, mypy, the import rules."""
    return summarise(run_stages(CHECKS, prepare("test")))


def bench(arguments: list[str]) -> int:
    """Measure. [--list | NAME [its options]], without a name: all of bench/"""
    scripts = {path.stem: path for path in sorted((ROOT / "bench").glob("[!_]*.py"))}
    if arguments[:1] == ["--list"]:
        print("\n".join(scripts) or "bench/ is empty")
        return 0
    if arguments and arguments[0] not in scripts:
        raise Stop(f"There is no bench/{arguments[0]}.py; there are: {', '.join(scripts)}")
    names, options = (arguments[:1], arguments[1:]) if arguments else (list(scripts), [])
    stages = {f"bench {name}": ["python", str(scripts[name]), *options] for name in names}
    return summarise(run_stages(stages, prepare("test")))


def conformance(arguments: list[str]) -> int:
    """Count and find as X does: run the suite it publishes with twitter-text. FILE... [--help]"""
    env = prepare("test")
    named = [each if each[:1] == "-" else str(Path(each).resolve()) for each in arguments]
    os.chdir(ROOT)
    hand_over([program("python"), "-m", "tests.twitter_text_suite", *named], env)


def trials(arguments: list[str]) -> int:
    """Break things on purpose and see that the promise holds. [--kills N] [--seed S] [--help]"""
    env = prepare("test")
    os.chdir(ROOT)
    hand_over([program("python"), "-m", "trials", *arguments], env)


def docs(arguments: list[str]) -> int:
    """Write the generated reference pages anew."""
    env = prepare("run")
    module = "social_scheduler.cli.docs"
    hand_over([program("python"), "-m", module, *arguments], env)


def lock(arguments: list[str]) -> int:
    """Make the hashed locks anew after a change of pyproject.toml. [--upgrade]"""
    with only_one():
        uv, env = ensure_uv(), uv_environment()
        for name in {"UV_INDEX", "UV_FIND_LINKS"} - os.environ.keys():
            env.pop(name, None)  # a lock is made from one index, so that it is the same everywhere
        options = ["--universal", "--generate-hashes", "--no-header", "--no-annotate"]
        options += ["--python-version", "3.11", *arguments]
        for name, inputs in LOCK_INPUTS.items():
            command = [str(uv), "pip", "compile", *inputs, *options, "-o", f"requirements/{name}"]
            run_quietly(f"requirements/{name}", command, env)
    lock_pds(upgrade="--upgrade" in arguments)
    return 0


COMMANDS = {
    each.__name__: each for each in (demo, test, lint, bench, conformance, trials, docs, lock)
}


def usage() -> str:
    """What a newcomer reads first."""
    lines = [f"  python3 dev.py {name:<11} {each.__doc__}" for name, each in COMMANDS.items()]
    return "\n".join([(__doc__ or "").strip(), "", *lines, "", "Start with: python3 dev.py demo"])


def main(arguments: list[str]) -> int:
    """Run one command; exit code 2 for a wrong one, 1 if it could not be done."""
    name, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if name in {"help", "-h", "--help"}:
        print(usage())
        return 0
    if name not in COMMANDS:
        say(f"There is no command {name!r}.\n\n{usage()}")
        return 2
    if name in {"lint", "bench", "lock"} and {"-h", "--help"} & set(rest):
        print(f"python3 dev.py {name}: {COMMANDS[name].__doc__}")
        return 0
    try:
        return COMMANDS[name](rest)
    except Stop as problem:
        say(f"\n{problem}")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
