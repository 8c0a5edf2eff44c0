"""Networks to rehearse on: one process and ledger of its own, in the shapes of their APIs."""

from __future__ import annotations

from .rates import Rates
from .reading import LedgerEntry, LedgerMedia, read_ledger
from .server import create_app, serve

__all__ = ["LedgerEntry", "LedgerMedia", "Rates", "create_app", "read_ledger", "serve"]
