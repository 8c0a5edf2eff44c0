"""The fault programme: what is promised is tried, with real processes, and judged from outside.

Start it with `python3 dev.py trials`; `docs/trials.md` shows what the last run found.
"""
