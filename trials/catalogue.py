"""Every trial by name: what it tries, on which databases, and how long a short run of it is."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trials.result import Result
from trials.stage import Place, Stage

if TYPE_CHECKING:
    from trials.databases import Server

SQLITE, POSTGRESQL = "sqlite", "postgresql"
BOTH = (SQLITE, POSTGRESQL)


class NotRun(Exception):
    """This trial cannot be run here; the message says why."""


@dataclass
class Run:
    """One run of one trial: its chance, its places, its size, and where it writes what it found."""

    seed: str
    database: str
    folder: Path
    kills: int
    result: Result
    say: Callable[[str], None]
    new_database: Callable[[], str]
    server: Server | None = None
    mutation: str = ""
    short: bool = False
    restores: int = 100
    pairs: int = 4
    """Pairs of moment and shape in a short run."""
    _folders: int = 0
    rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - chance that can be repeated

    def stage(self, **options: Any) -> Stage:
        """A new stage on this run's database."""
        database = self.new_database() if self.database == POSTGRESQL else ""
        place = Place(self.new_folder(), database)
        return Stage(place, self.rng, mutation=self.mutation, **options)

    def new_folder(self) -> Path:
        """An empty folder."""
        self._folders += 1
        folder = self.folder / f"stage-{self._folders}"
        folder.mkdir(parents=True)
        return folder


@dataclass(frozen=True)
class Trial:
    """A named trial. `about` is what a reader of the report is told."""

    name: str
    about: str
    act: Callable[[Run], None]
    databases: Sequence[str] = BOTH


TRIALS: dict[str, Trial] = {}


def trial(
    about: str, databases: Sequence[str] = BOTH
) -> Callable[[Callable[[Run], None]], Callable[[Run], None]]:
    """Put a function into the catalogue, under its name with dashes."""

    def keep(act: Callable[[Run], None]) -> Callable[[Run], None]:
        name = act.__name__.replace("_", "-")
        TRIALS[name] = Trial(name, about, act, databases)
        return act

    return keep


def load() -> dict[str, Trial]:
    """Every trial there is."""
    from trials import (  # noqa: F401
        clocks,
        crashes,
        kills,
        leases,
        network_faults,
        power,
        races,
        restores,
        storage,
        together,
        upgrades,
        wire,
    )

    return TRIALS
