"""Build hook that completes the package: htmx from a pinned wheel, gettext catalogues compiled."""

from __future__ import annotations

import hashlib
import importlib.util
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HTMX_PACKAGE = "django_htmx"  # a wheel that carries htmx: no Node, no download of our own
HTMX_FILE = "static/django_htmx/htmx-2.min.js"  # htmx 2.0.10
HTMX_SHA256 = "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de"
HTMX_TARGET = "src/social_scheduler/web/static/vendor/htmx.min.js"
CATALOGUES = "src/social_scheduler/web/locale/*/LC_MESSAGES/*.po"


class CompletePackage(BuildHookInterface[BuilderConfig]):
    """Runs before every wheel and every editable install."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the files that git does not hold (pyproject lists them as artifacts)."""
        root = Path(self.root)
        place_htmx(root)
        compile_catalogues(root)


def place_htmx(root: Path) -> Path:
    """Copy htmx out of the installed wheel into `root`; ValueError if it is not the pinned file."""
    spec = importlib.util.find_spec(HTMX_PACKAGE)
    if spec is None or spec.origin is None:
        raise ValueError(f"{HTMX_PACKAGE} is not installed: pip install -r requirements/build.txt")
    source = Path(spec.origin).parent / HTMX_FILE
    content = source.read_bytes()
    found = hashlib.sha256(content).hexdigest()
    if found != HTMX_SHA256:
        raise ValueError(
            f"{source}: SHA-256 is {found}, expected {HTMX_SHA256}. If the new htmx is wanted, "
            "review it and change HTMX_SHA256 in hatch_build.py."
        )
    target = root / HTMX_TARGET
    target.parent.mkdir(parents=True, exist_ok=True)
    if not target.exists() or target.read_bytes() != content:
        target.write_bytes(content)
    return target


def compile_catalogues(root: Path) -> list[Path]:
    """Compile every .po under `root` to the .mo beside it; ValueError names a broken file."""
    compiled = []
    for source in sorted(root.glob(CATALOGUES)):
        locale = source.parent.parent.name
        with source.open("rb") as stream:
            try:
                catalogue = read_po(stream, locale=locale, abort_invalid=True)
            except Exception as error:
                raise ValueError(f"{source}: cannot be compiled: {error}") from error
        target = source.with_suffix(".mo")
        with target.open("wb") as stream:
            write_mo(stream, catalogue)
        compiled.append(target)
    return compiled
