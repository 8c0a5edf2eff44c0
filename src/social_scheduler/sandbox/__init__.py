"""A network to rehearse on: its own process and ledger, with the shape of X's API v2."""

from __future__ import annotations

from .ledger import LedgerEntry, LedgerMedia, read_ledger
from .rates import Rates
from .server import create_app, serve

__all__ = ["LedgerEntry", "LedgerMedia", "Rates", "create_app", "read_ledger", "serve"]
