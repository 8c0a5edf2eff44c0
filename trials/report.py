"""What a run found: a table for the terminal. The page docs/trials.md is made by page.py."""

from __future__ import annotations

from collections.abc import Sequence

from trials.result import COLUMNS, Result, figures, total


def table(results: Sequence[Result]) -> str:
    """For the terminal."""
    head = ["trial", "database", *COLUMNS]
    rows = [_row(r) for r in results]
    if len(results) > 1:
        rows.append(["all", "", *figures(total(results))])
    widths = [max(len(line[i]) for line in [head, *rows]) for i in range(len(head))]
    lines = [
        "",
        "  ".join(h.rjust(w) if i > 1 else h.ljust(w) for i, (h, w) in _both(head, widths)),
    ]
    for row in rows:
        cells = [c.rjust(w) if i > 1 else c.ljust(w) for i, (c, w) in _both(row, widths)]
        lines.append("  ".join(cells).rstrip())
    where = total(results).where
    if where:
        lines += ["", "Where the kills hit:"]
        most = max(where.values())
        lines += [f"  {n:6}  {'█' * max(1, 40 * n // most)} {m}" for m, n in where.most_common()]
    return "\n".join(lines)


def _both(cells: Sequence[str], widths: Sequence[int]) -> enumerate[tuple[str, int]]:
    return enumerate(zip(cells, widths, strict=True))


def _row(result: Result) -> list[str]:
    if result.not_run:
        return [result.name, result.database, "not run", *[""] * (len(COLUMNS) - 1)]
    return [result.name + (" FAILED" if result.failure else ""), result.database, *figures(result)]
