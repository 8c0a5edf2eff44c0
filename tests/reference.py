"""The reference implementation of X's counting, which asks an old setuptools for its own data."""

from __future__ import annotations

import importlib.resources
import sys
import types
import warnings
from typing import Any
from unittest.mock import patch


def twitter_text() -> Any:
    """The module `twitter_text`, imported with a stand-in for the `pkg_resources` it wants."""
    resources = types.ModuleType("pkg_resources")

    def resource_string(name: str, path: str) -> bytes:
        return importlib.resources.files(name.rpartition(".")[0]).joinpath(path).read_bytes()

    resources.resource_string = resource_string  # type: ignore[attr-defined]
    with patch.dict(sys.modules, {"pkg_resources": resources}), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import twitter_text as module
    return module
