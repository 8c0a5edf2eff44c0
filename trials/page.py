"""docs/trials.md: what the last runs of the fault programme found, for somebody who was not there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from trials.catalogue import load
from trials.kept import Kept
from trials.mutations import MUTATIONS, caught
from trials.oracle import KINDS
from trials.result import PER_KILL, Result, total

BAR = 48
"""Signs of the longest bar."""
SHOWN = 10
"""Findings of one trial that are written out; all are counted."""
GROUPS = {
    "kills": "Killed at random",
    "crashes": "Killed at named moments",
    "together": "Killed between calls that belong together",
    "leases": "Workers that stood still",
    "races": "Workers and people against one another",
    "network_faults": "The network misbehaves",
    "wire": "The network misbehaves",
    "storage": "The database misbehaves",
    "power": "Power cuts and older copies",
    "restores": "Backups that are put back",
    "clocks": "Clocks",
    "upgrades": "Other versions",
}
"""The kinds of trials, by the module that they are in."""
ONLY_KILLS = frozenset({"random-kills", "crash-points", "between-together", "ten-workers"})
"""Trials in which answers are lost by kills alone: for these, the kills bound them."""
_NUMBERS = ("trials", "kills", "calls cut", "accepted", *KINDS)
_UNCLEAR = ("unconfirmed", "at most", "left to people")


def write_page(path: Path, runs: Sequence[Kept]) -> None:
    """Write the page; the runs' figures stand side by side, each with its commit."""
    results = [(run, r) for run in runs for r in run.results if not r.mutation]
    broken = [r for run in runs for r in run.results if r.mutation]
    parts = [
        "# Trials",
        "<!-- Written by `python3 dev.py trials --report docs/trials.md`; do not edit. -->",
        _INTRODUCTION,
        "## What was found",
        _sum([r for _, r in results]),
        _by_kind([r for _, r in results]),
        _MEANING,
        *_trouble([r for _, r in results]),
        "## Where the kills hit",
        _WHERE,
        _histogram(total(r for _, r in results).where),
        "## Trial by trial",
        *_details(results),
        "## Broken on purpose",
        _BROKEN,
        _broken(broken),
        "## What did not run",
        _not_run([r for _, r in results]),
        "## The runs, and how to repeat them",
        _runs(runs),
        _machine(runs),
        _AGAIN,
    ]
    path.write_text("\n\n".join(parts) + "\n", encoding="utf-8")


def _sum(results: Sequence[Result]) -> str:
    whole = total(results)
    found = ", ".join(f"**{whole.count(kind)} {kind}**" for kind in KINDS)
    failed = [r for r in results if r.failure]
    more = f" {len(failed)} trials did not come to their end (below)." if failed else ""
    return (
        f"{whole.runs:,} single trials, {whole.kills:,} kills with `kill -9`, "
        f"{whole.in_flight:,} calls to the network cut in the middle, {whole.said:,} calls that the "
        f"network accepted: {found}.{more}"
    )


def _by_kind(results: Sequence[Result]) -> str:
    rows = [
        [group, *_figures(total(members), any(r.name in ONLY_KILLS for r in members))]
        for group, members in _grouped(results).items()
    ]
    rows.append(["**all**", *_figures(total(results), False)])
    return _table(["kind", *_NUMBERS, *_UNCLEAR], rows)


def _figures(result: Result, bounded: bool) -> list[str]:
    numbers = [result.runs, result.kills, result.in_flight, result.said]
    numbers += [result.count(kind) for kind in KINDS]
    bound = f"{result.in_flight + PER_KILL * result.kills:,}" if bounded else ""
    return [
        *(f"{n:,}" for n in numbers),
        f"{result.unconfirmed:,}",
        bound,
        f"{result.in_the_end:,}",
    ]


def _grouped(results: Iterable[Result]) -> dict[str, list[Result]]:
    trials = load()
    found: dict[str, list[Result]] = {title: [] for title in GROUPS.values()}
    for result in results:
        if not result.not_run:
            module = trials[result.name].act.__module__.rpartition(".")[2]
            found[GROUPS[module]].append(result)
    return {title: members for title, members in found.items() if members}


def _details(results: Sequence[tuple[Kept, Result]]) -> list[str]:
    trials = load()
    of = {id(result): run for run, result in results}
    parts = []
    for title, members in _grouped(r for _, r in results).items():
        names = dict.fromkeys(r.name for r in members)
        rows = [
            [
                f"`{r.name}`" + " (sample)" * ("--short" in of[id(r)].options),
                r.database,
                *_figures(r, r.name in ONLY_KILLS),
                f"{r.seconds:,.0f}",
                f"`{of[id(r)].commit}`",
            ]
            for r in sorted(members, key=lambda r: (list(names).index(r.name), r.database))
        ]
        notes = [f"- `{r.name}`, {r.database}: {note}." for r in members for note in r.notes]
        parts += [
            f"### {title}",
            "\n".join(f"- `{name}`: {trials[name].about}." for name in names),
            _table(["trial", "database", *_NUMBERS, *_UNCLEAR, "s", "commit"], rows),
            *(["What they noted:\n\n" + "\n".join(notes)] if notes else []),
        ]
    return parts


def _trouble(results: Sequence[Result]) -> list[str]:
    lines = []
    for result in results:
        name = f"`{result.name}` on {result.database}"
        lines += [f"- {name}, {f.kind}: {f.what}" for f in result.findings[:SHOWN]]
        if len(result.findings) > SHOWN:
            lines.append(f"- {name}: and {len(result.findings) - SHOWN} more")
        if result.failure:
            lines.append(f"- {name} did not come to its end: {result.failure}")
    return ["### Promises that were broken", "\n".join(lines)] if lines else []


def _histogram(where: Counter[str]) -> str:
    """Bars made of letters: they are shown wherever the page is."""
    if not where:
        return "No kills."
    most = max(where.values())
    width = max(map(len, where))
    lines = [
        f"{moment:>{width}}  {'█' * max(1, BAR * count // most)} {count:,}"
        for moment, count in where.most_common()
    ]
    return "\n".join(["```text", *lines, "```"])


def _broken(results: Sequence[Result]) -> str:
    if not results:
        return "Not run."
    rows = []
    for r in results:
        counts = Counter(f.kind for f in r.findings)
        found = ", ".join(f"{counts[kind]:,} {kind}" for kind in KINDS if counts[kind])
        verdict = "caught" if caught(r) else "**slipped through**"
        about = MUTATIONS[r.mutation].about
        rows.append([f"`{r.mutation}`", about, f"`{r.name}`, {r.database}", found, verdict])
    return _table(["engine", "what is wrong with it", "tried in", "found", ""], rows)


def _not_run(results: Sequence[Result]) -> str:
    tried = {(r.name, r.database) for r in results}
    lines = [f"- `{r.name}` on {r.database}: {r.not_run}." for r in results if r.not_run]
    for trial in load().values():
        left = [each for each in trial.databases if (trial.name, each) not in tried]
        if left:
            lines.append(f"- `{trial.name}` on {' and '.join(left)}: not in the runs on this page.")
    return "\n".join([*lines, *_NEVER])


def _runs(runs: Sequence[Kept]) -> str:
    rows = [
        [
            f"{datetime.fromtimestamp(run.begun, UTC):%Y-%m-%d %H:%M} UTC",
            f"{run.seconds / 60:.0f}",
            f"`{run.commit}`",
            f"`python3 dev.py trials --seed {run.seed} {' '.join(run.options)}`",
        ]
        for run in sorted(runs, key=lambda run: run.begun)
    ]
    return _table(["begun", "minutes", "commit", "again"], rows)


def _machine(runs: Sequence[Kept]) -> str:
    facts: dict[str, str] = {}
    for run in runs:
        facts |= run.machine
    return _table(["", ""], [[name, value] for name, value in facts.items()]) if facts else ""


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    right: Mapping[bool, str] = {True: "---:", False: "---"}
    numbers = {*_NUMBERS, *_UNCLEAR, "s", "minutes"}
    lines = [head, [right[name in numbers] for name in head], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


_INTRODUCTION = """\
The promise: *never twice without a person saying so; never silently lost; never after its
window; never different from what was approved.* [How the engine keeps it](engine.md) is one
page; this one shows what happened when it was tried.

`python3 dev.py trials` breaks things on purpose while posts go out: it kills workers, loses
answers, restarts databases, turns clocks, puts old backups in place, and lets people change
their minds at the worst moment. Workers, the database and the network (the rehearsal network
that comes with the program) are real processes. Afterwards one judge (`trials/oracle.py`)
compares three records that come from three places: the ledger that the network itself kept,
what the people of the trial did, and what the workspace says in the end. It is written from
the promise, not from the engine."""

_MEANING = """\
*Calls cut*: calls to the network that were under way when their worker was killed. *Accepted*:
calls that the network took; each part of a thread is one. *Doubled*: said twice with no person
asking for it in between. *Lost*: due, and neither live nor in anybody's inbox; or live here,
and the network never had it. *Unexplained*: said without an approval that stood, said while it
was held, or the database and the network tell different stories. *Late*: before its time or
after its window. *Unconfirmed*: calls of which nobody could know at first whether they had
gone through; where kills alone are the cause, there may be *at most* as many as calls were cut,
and 20 for each kill. Most are found on the network a moment later and are settled. The rest is
*left to people*: it stands in the inbox, and nobody repeats it unasked; a call that was cut
before the network took it looks like this, too."""

_WHERE = """\
Each kill is counted under the last named moment that any thread of the worker had passed.
*During a call* means that at least one call to the network was under way: the moment that
matters most. A run of random kills that never cut a call fails, for it proves nothing."""

_BROKEN = """\
A judge that never finds anything may be blind. So each of these engines has one safeguard
taken out, inside the worker's process of a trial (the program has no such switch), and the
judge must notice. `python3 dev.py trials --mutation all` repeats them."""

_NEVER = (
    "- Real networks: every call goes to the rehearsal network.",
    "- A disk that loses what it was told to keep, and several machines: all processes run on one.",
)

_AGAIN = """\
*Commit* is that of the engine that was tried. Only one or two runs went on at a time, on one
small machine; the seconds say more about it than about the engine.

A seed repeats what was chosen by chance: posts, faults, moments. It cannot repeat how the
processes were scheduled. A trial that fails keeps its files and prints the command that repeats
it. `--list` shows every trial, `--only NAME` runs one, `--short` runs a sample of each,
`--database` one database only. `--results FILE` keeps what a run found, and
`--report docs/trials.md --from FILE --from FILE …` makes this page of several runs."""
