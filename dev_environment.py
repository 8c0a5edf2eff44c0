"""Makes the private environment that dev.py works in: uv into .tools, locked packages into .venv.

Standard library only. Nothing is fetched whose hash is not in requirements/, and no address is
named there: pip's own configuration (a mirror, a proxy, a certificate) decides where to fetch.
"""

from __future__ import annotations

import ast
import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent
LOCKS = ROOT / "requirements"
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
BIN, EXE = ("Scripts", ".exe") if os.name == "nt" else ("bin", "")
STATE = VENV / "dev-state.json"
PYTHON = getattr(sys, "_base_executable", None) or sys.executable  # not a venv's own copy
PROFILES = {"run": ("run.txt", "build.txt"), "test": ("test.txt", "build.txt")}
PROJECT_FILES = ("pyproject.toml", "hatch_build.py")
CATALOGUES = "src/social_scheduler/web/locale/*/LC_MESSAGES/*.po"
HTMX = ROOT / "src/social_scheduler/web/static/vendor/htmx.min.js"


class Stop(Exception):
    """The command cannot go on; the text says what is wrong and what to do."""


def say(text: str) -> None:
    """Progress goes to stderr: stdout belongs to the program that we start."""
    print(text, file=sys.stderr, flush=True)


def program(name: str) -> str:
    """The path of a program in .venv."""
    return str(VENV / BIN / f"{name}{EXE}")


def run_quietly(what: str, command: Sequence[str], env: Mapping[str, str]) -> None:
    """Run one step of an installation, show its time; its output only if it fails (Stop)."""
    print(f"  {what} … ", end="", file=sys.stderr, flush=True)
    start = time.monotonic()
    done = subprocess.run(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, text=True, errors="replace",
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    say(f"{time.monotonic() - start:.1f} s" if done.returncode == 0 else "failed")
    if done.returncode != 0:
        raise Stop(f"{done.stdout.strip()}\n\nFailed: {what} (exit code {done.returncode}).")


def child_environment() -> dict[str, str]:
    """Our environment, cleaned for .venv's Python; HOME inside .tools if there is none to use."""
    env = dict(os.environ)
    for name in ("PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"):
        env.pop(name, None)
    env["PATH"] = str(VENV / BIN) + os.pathsep + env.get("PATH", os.defpath)
    home = os.path.expanduser("~")  # noqa: PTH111 - Path.home() raises where there is none
    if not os.access(home, os.W_OK | os.X_OK):
        (TOOLS / "home").mkdir(parents=True, exist_ok=True)
        env["HOME"] = str(TOOLS / "home")
    return env


def is_debian_root() -> bool:
    """Whether missing system packages can be installed without asking anybody."""
    return hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get") is not None


def apt_install(why: str, *packages: str) -> None:
    """Install Debian packages, waiting for another apt that may be at work."""
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"]
    run_quietly("apt-get update", [*apt, "update"], env)
    run_quietly(f"apt-get install {' '.join(packages)} ({why})", [*apt, "install", "-y",
                "--no-install-recommends", *packages], env)  # fmt: skip


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let one dev.py at a time change the environment; the others wait."""
    try:
        TOOLS.mkdir(exist_ok=True)
        stream = (TOOLS / "lock").open("a+b")
    except OSError as error:
        raise Stop(f"{error}\nClone or copy the project into a folder that you own.") from error
    with stream:
        try:
            lock_file(stream.fileno(), wait=False)
        except OSError:
            say("Another dev.py is preparing the environment; waiting for it.")
            lock_file(stream.fileno(), wait=True)
        yield  # closing the file releases the lock


def lock_file(descriptor: int, *, wait: bool) -> None:
    """Take an exclusive lock that ends with the process; OSError if taken and not to wait."""
    if sys.platform == "win32":
        import msvcrt

        # LK_LOCK gives up after ten seconds: an hour is enough for any installation.
        for attempt in range(360, -1, -1):
            try:
                msvcrt.locking(descriptor, msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)
                break
            except OSError:
                if not wait or attempt == 0:
                    raise
    else:
        import fcntl

        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def digest(paths: Sequence[Path], *more: str) -> str:
    """SHA-256 over names and contents, and whatever else the result depends on."""
    total = hashlib.sha256("\0".join(more).encode())
    for path in paths:
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        total.update(f"{path.name}\0{content}\0".encode())
    return total.hexdigest()


def has_pip(python: str) -> bool:
    """Whether that Python can run pip."""
    command = [python, "-m", "pip", "--version"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def ensure_uv() -> Path:
    """Return uv's path; install the pinned uv into .tools/uv if it is not there yet."""
    home = TOOLS / "uv"
    uv, stamp = home / BIN / f"uv{EXE}", home / "dev-stamp"
    wanted = digest([LOCKS / "uv.txt"])
    if uv.exists() and stamp.exists() and stamp.read_text() == wanted:
        return uv
    say("Preparing the installer (once):")
    shutil.rmtree(home, ignore_errors=True)
    env = {**os.environ, "PIP_USER": "0", "PIP_REQUIRE_VIRTUALENV": "0"}  # not our case
    arguments = ["install", "--quiet", "--no-cache-dir", "--disable-pip-version-check"]
    arguments += ["--require-hashes", "--only-binary=:all:", "-r", str(LOCKS / "uv.txt")]
    if importlib.util.find_spec("ensurepip") is None and not has_pip(PYTHON):
        get_venv_module()
    if importlib.util.find_spec("ensurepip"):
        run_quietly("a private environment for it", [PYTHON, "-m", "venv", str(home)], env)
        pip = [str(home / BIN / f"python{EXE}"), "-m", "pip"]
    else:  # Debian with python3-pip but without python3-venv
        pip = [PYTHON, "-m", "pip"]
        arguments += ["--target", str(home)]
    run_quietly("uv, from requirements/uv.txt", [*pip, *arguments], env)
    stamp.write_text(wanted)
    return uv


def get_venv_module() -> None:
    """Debian ships Python without venv and pip; install them as root, or say what to install."""
    version = f"python3.{sys.version_info.minor}-venv"
    if not (is_debian_root() and sys.base_prefix == "/usr"):
        raise Stop(
            f"This Python ({PYTHON}) has neither the venv module nor pip.\n"
            f"On Debian and Ubuntu: sudo apt-get install {version}. Then run this again."
        )
    apt_install("this Python cannot make environments", version)
    importlib.invalidate_caches()


def pip_settings() -> dict[str, str]:
    """What the user configured for pip (files and PIP_*): option → value, the strongest wins."""
    own = TOOLS / "uv" / BIN / f"python{EXE}"
    for python in (str(own), PYTHON):
        with contextlib.suppress(OSError):
            done = subprocess.run(
                [python, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
            )
            if done.returncode == 0:
                return parse_pip_settings(done.stdout)
    return {}


def parse_pip_settings(listing: str) -> dict[str, str]:
    """Read `pip config list`: lines such as global.index-url='https://mirror.example/simple'."""
    found: dict[str, str] = {}
    for section in ("global", "install", ":env:"):  # weakest first
        for line in listing.splitlines():
            key, _, value = line.partition("=")
            if key.startswith(section + "."):
                with contextlib.suppress(ValueError, SyntaxError):
                    found[key.removeprefix(section + ".")] = str(ast.literal_eval(value))
    return found


def uv_settings(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """Say to uv, which does not read pip's configuration, what pip was told.

    Leaves out what the user already set for uv itself, and local folders that do not exist.
    """

    def places(option: str) -> list[str]:
        """The addresses under that option, without local folders that are not there."""
        found = pip.get(option, "").split()
        local = [place.removeprefix("file://") for place in found]
        return [
            place for place, path in zip(found, local, strict=True)
            if "://" in path or Path(path).exists()
        ]  # fmt: skip

    extra = places("extra-index-url")
    settings = {
        "UV_DEFAULT_INDEX": "" if "UV_INDEX_URL" in environ else pip.get("index-url", ""),
        "UV_INDEX": "" if "UV_EXTRA_INDEX_URL" in environ else " ".join(extra),
        # As pip does. The hashes say which file is right, not the index it comes from.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
        "UV_FIND_LINKS": ",".join(places("find-links")),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("timeout", pip.get("default-timeout", "")),
        "SSL_CERT_FILE": "".join(places("cert")),
        "SSL_CLIENT_CERT": "".join(places("client-cert")),
        "HTTPS_PROXY": pip.get("proxy", ""),
        "HTTP_PROXY": pip.get("proxy", ""),
    }
    return {name: value for name, value in settings.items() if value and name not in environ}


def uv_environment() -> dict[str, str]:
    """The environment for uv: never another Python, a cache of our own unless the user has one."""
    env = child_environment()
    env.setdefault("UV_CACHE_DIR", str(TOOLS / "cache"))
    env.update(uv_settings(pip_settings(), os.environ))
    return {**env, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1"}


def venv_is_usable(state: Mapping[str, str]) -> bool:
    """Whether .venv is for this folder and this Python (3.x); an unmarked one is taken over."""
    try:
        lines = (VENV / "pyvenv.cfg").read_text().splitlines()
    except OSError:
        return False
    config = {key.strip(): value.strip() for key, _, value in (x.partition("=") for x in lines)}
    version = config.get("version_info", config.get("version", "")).split(".")[:2]
    same = version == [str(part) for part in sys.version_info[:2]]
    return (
        same and os.access(program("python"), os.X_OK) and state.get("root", str(ROOT)) == str(ROOT)
    )


def read_state() -> dict[str, str]:
    """What is installed in .venv, by our own note; empty if there is none."""
    try:
        state = json.loads(STATE.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else {}


def write_state(state: Mapping[str, str]) -> None:
    """Replace the note in one step."""
    draft = STATE.with_suffix(".new")
    draft.write_text(json.dumps(state, indent=1) + "\n", encoding="utf-8")
    draft.replace(STATE)


def prepare(profile: str) -> dict[str, str]:
    """Make .venv hold exactly what `profile` needs; return the environment for its programs.

    Does nothing, in milliseconds, if locks, Python and build files are as they were.
    """
    with only_one():
        uv, state = ensure_uv(), read_state()
        fresh = not venv_is_usable(state)
        state = {} if fresh else state
        profile = state.get("profile", profile) if profile == "run" else profile
        locks = digest([LOCKS / name for name in PROFILES[profile]])
        sources = [*(ROOT / name for name in PROJECT_FILES), *sorted(ROOT.glob(CATALOGUES))]
        project = digest(sources, str(ROOT))
        wanted = {"root": str(ROOT), "profile": profile, "locks": locks, "project": project}
        if state == wanted and HTMX.exists():
            return child_environment()
        env, python = uv_environment(), program("python")
        say(f"Preparing .venv (Python {sys.version.split()[0]}):")
        if fresh:
            command = [str(uv), "venv", "--clear", "--python", PYTHON, str(VENV)]
            run_quietly("an empty environment", command, env)
        if (state.get("profile"), state.get("locks")) != (profile, locks):
            STATE.unlink(missing_ok=True)
            sync(uv, python, profile, env)
        command = [str(uv), "pip", "install", "--python", python, "--offline", "--no-deps"]
        command += ["--no-build-isolation", "--reinstall", "-e", str(ROOT)]
        run_quietly("social-scheduler itself", command, env)
        write_state(wanted)
    return child_environment()


def sync(uv: Path, python: str, profile: str, env: Mapping[str, str]) -> None:
    """Install the locked packages of a profile: wheels with the locked hashes, nothing else."""
    files = [str(LOCKS / name) for name in PROFILES[profile]]
    command = [str(uv), "pip", "sync", "--python", python, "--require-hashes", "--no-build"]
    if pip_settings().get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        command.append("--no-index")
    names = " and ".join(PROFILES[profile])
    run_quietly(f"packages of requirements/{names}", [*command, *files], env)
