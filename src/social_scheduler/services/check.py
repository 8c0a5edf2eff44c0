"""Check campaign files against the workspace: accounts, limits, policy, people, what is queued."""

from __future__ import annotations
