"""The command line of the fault programme: which trials, how many kills, which chance."""

from __future__ import annotations

import argparse
import secrets
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from trials.catalogue import POSTGRESQL, SQLITE, NotRun, Run, Trial, load
from trials.databases import Server, server
from trials.kept import Kept, keep, read
from trials.mutations import MUTATIONS, caught
from trials.page import write_page
from trials.place import commit, machine
from trials.processes import NotInTime
from trials.report import table
from trials.result import Result

MUTANT_KILLS = 25
"""Random kills of a broken engine; a good judge needs no more."""
SHOWN = 20
"""Findings printed of one trial; all of them are counted."""


def main(arguments: Sequence[str]) -> int:
    """Run; 0 when every promise was kept (with --mutation: when it was caught), else 1."""
    wanted = _parser().parse_args(arguments)
    trials = load()
    if wanted.kept:
        write_page(wanted.report or Path("docs/trials.md"), [read(path) for path in wanted.kept])
        return 0
    if wanted.list:
        _list(trials)
        return 0
    names = wanted.only or list(trials)
    if unknown := sorted(set(names) - set(trials)):
        print(f"There is no trial {unknown[0]!r}; see --list.", file=sys.stderr)
        return 2
    if wanted.mutation:
        return _mutations(wanted, trials)
    return _programme(wanted, [trials[name] for name in names])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="dev.py trials",
        description="Break things on purpose, and let the network's own ledger judge. "
        "Exit code 1 on anything doubled, lost, unexplained or late.",
    )
    parser.add_argument("--kills", type=int, default=1000, help="random kills (default 1000)")
    parser.add_argument("--restores", type=int, default=100, help="restores (default 100)")
    parser.add_argument("--pairs", type=int, default=4, help="crashes of a short run (default 4)")
    parser.add_argument("--seed", default="", help="repeats the chance of an earlier run")
    parser.add_argument("--database", choices=[SQLITE, POSTGRESQL], default="")
    parser.add_argument("--only", action="append", metavar="NAME", help="only this trial")
    parser.add_argument("--list", action="store_true", help="the trials and the mutations")
    parser.add_argument("--mutation", choices=[*MUTATIONS, "all"], help="break the engine so")
    parser.add_argument("--report", type=Path, metavar="FILE", help="write the page of this run")
    parser.add_argument("--results", type=Path, metavar="FILE", help="keep what this run finds")
    parser.add_argument(
        "--from",
        dest="kept",
        action="append",
        type=Path,
        metavar="FILE",
        help="with --report: run nothing; report what --results has kept",
    )
    parser.add_argument("--short", action="store_true", help="a sample of every trial")
    parser.add_argument("--keep", action="store_true", help="keep the files of the trials")
    return parser


def _list(trials: dict[str, Trial]) -> None:
    for name, trial in trials.items():
        print(f"{name:24} {', '.join(trial.databases):18} {trial.about}")
    for name, mutation in MUTATIONS.items():
        print(f"--mutation {name:26} {mutation.about} (tried in {mutation.trial})")


def _programme(wanted: argparse.Namespace, trials: Sequence[Trial]) -> int:
    seed = wanted.seed or secrets.token_hex(4)
    databases = [wanted.database] if wanted.database else [SQLITE, POSTGRESQL]
    begun = time.time()
    print(f"seed {seed}", flush=True)
    results: list[Result] = []
    run = Kept(seed, begun, 0.0, _options(wanted), results, commit(), machine())
    with ExitStack() as stack:
        running: Server | None = None
        for database in databases:
            if database == POSTGRESQL:
                running = stack.enter_context(server())
                run = replace(run, machine={**run.machine, "PostgreSQL": running.version()})
            for trial in trials:
                if database in trial.databases:
                    results.append(_one(trial, database, seed, wanted, running))
                    run = replace(run, seconds=time.time() - begun)
                    if wanted.results:
                        keep(wanted.results, run)
    print(table(results))
    if wanted.report:
        write_page(wanted.report, [run])
    return 0 if all(r.ok for r in results) else 1


def _options(wanted: argparse.Namespace) -> list[str]:
    """What repeats a run, beside its seed."""
    options = [f"--database {wanted.database}"] if wanted.database else []
    options += [f"--only {name}" for name in wanted.only or ()]
    options += [f"--kills {wanted.kills}", f"--restores {wanted.restores}"]
    return [*options, *(["--short"] if wanted.short else [])]


def _mutations(wanted: argparse.Namespace, trials: dict[str, Trial]) -> int:
    """0 when the judge caught every broken engine that was asked for, 1 when one slipped through."""
    names = list(MUTATIONS) if wanted.mutation == "all" else [wanted.mutation]
    seed, begun = wanted.seed or secrets.token_hex(4), time.time()
    print(f"seed {seed}", flush=True)
    results: list[Result] = []
    run = Kept(seed, begun, 0.0, [f"--mutation {wanted.mutation}"], results, commit(), machine())
    with ExitStack() as stack:
        running: Server | None = None
        for name in names:
            mutation = MUTATIONS[name]
            if mutation.database == POSTGRESQL and running is None:
                running = stack.enter_context(server())
                run = replace(run, machine={**run.machine, "PostgreSQL": running.version()})
            options = {"mutation": name, "short": mutation.short, "kills": MUTANT_KILLS}
            one = argparse.Namespace(**(vars(wanted) | options))
            result = _one(trials[mutation.trial], mutation.database, seed, one, running)
            result.mutation = name
            results.append(result)
            run = replace(run, seconds=time.time() - begun)
            if wanted.results:
                keep(wanted.results, run)
    print(table(results))
    for result in results:
        print(f"{result.mutation}: {caught(result) or 'SLIPPED THROUGH'}")
    return 0 if all(map(caught, results)) else 1


def _one(
    trial: Trial, database: str, seed: str, wanted: argparse.Namespace, running: Server | None
) -> Result:
    result = Result(trial.name, database)
    folder = Path(tempfile.mkdtemp(prefix=f"trials-{trial.name}-"))
    begun = time.monotonic()
    print(f"— {trial.name} on {database}: {trial.about}", flush=True)
    run = Run(
        f"{seed}:{trial.name}",
        database,
        folder,
        wanted.kills,
        result,
        _teller(begun),
        running.new_database if running else str,
        server=running,
        mutation=wanted.mutation or "",
        short=wanted.short,
        pairs=wanted.pairs,
        restores=wanted.restores // (1 if wanted.database else 2),
    )
    try:
        trial.act(run)
    except NotRun as reason:
        result.not_run = str(reason)
    except (Exception, NotInTime) as problem:  # noqa: BLE001 - one trial's end is not the end
        result.failure = f"{type(problem).__name__}: {problem}"
        traceback.print_exc()
    result.seconds = time.monotonic() - begun
    _tell(trial, database, seed, wanted, result, folder)
    if (result.ok or wanted.mutation) and not wanted.keep:
        shutil.rmtree(folder, ignore_errors=True)
    return result


def _tell(
    trial: Trial,
    database: str,
    seed: str,
    wanted: argparse.Namespace,
    result: Result,
    folder: Path,
) -> None:
    if result.not_run:
        print(f"  NOT RUN: {result.not_run}")
        return
    for note in result.notes:
        print(f"  {note}")
    shown = 3 if wanted.mutation else SHOWN
    for finding in result.findings[:shown]:
        print(f"  {finding.kind.upper()}: {finding.what}")
    if len(result.findings) > shown:
        print(f"  … and {len(result.findings) - shown} more")
    if result.failure:
        print(f"  FAILED: {result.failure}")
    if not result.ok and not wanted.mutation:
        more = f" --only {trial.name}"
        more += " --short" if wanted.short else ""
        print(f"  its files: {folder}")
        print(
            f"  replay: python3 dev.py trials --seed {seed} --database {database}"
            f" --kills {wanted.kills} --restores {wanted.restores}{more}"
        )
    sys.stdout.flush()


def _teller(begun: float) -> Callable[[str], None]:
    def say(text: str) -> None:
        print(f"  {time.monotonic() - begun:6.1f} s  {text}", flush=True)

    return say
