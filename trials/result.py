"""What a trial answers, and how results of many are added up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from trials.oracle import KINDS, Finding, Verdict
from trials.trace import Where

PER_KILL = 20
"""How many intents at most were written down and not yet called when a worker dies."""


@dataclass
class Result:
    """One named trial's figures. `runs`: how many single trials it was made of."""

    name: str
    database: str
    runs: int = 0
    kills: int = 0
    findings: list[Finding] = field(default_factory=list)
    said: int = 0
    deliveries: int = 0
    unconfirmed: int = 0
    """Calls whose answer was lost, when they were lost; most are found again."""
    in_the_end: int = 0
    """Deliveries that stand unconfirmed in the end: a person is asked."""
    in_flight: int = 0
    where: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    seconds: float = 0.0
    not_run: str = ""
    mutation: str = ""
    """How the engine was broken on purpose."""
    failure: str = ""

    def killed(self, where: Where) -> None:
        """Count a kill, and where it hit."""
        self.kills += 1
        self.in_flight += where.calls
        self.where["during a call" if where.calls else f"after: {where.last}"] += 1

    def judged(self, verdict: Verdict) -> None:
        """Add what the judge found."""
        self.findings += verdict.findings
        self.said += verdict.said
        self.deliveries += verdict.deliveries
        self.in_the_end += verdict.unconfirmed

    def count(self, kind: str) -> int:
        """How many findings of a kind."""
        return sum(f.kind == kind for f in self.findings)

    @property
    def ok(self) -> bool:
        """Whether every promise was kept. What was not run is said, and is no failure."""
        return not self.findings and not self.failure


def total(results: Iterable[Result], name: str = "all") -> Result:
    """The sum of several."""
    whole = Result(name, "")
    for each in results:
        whole.runs += each.runs
        whole.kills += each.kills
        whole.findings += each.findings
        whole.said += each.said
        whole.deliveries += each.deliveries
        whole.unconfirmed += each.unconfirmed
        whole.in_the_end += each.in_the_end
        whole.in_flight += each.in_flight
        whole.where += each.where
        whole.seconds += each.seconds
        whole.failure = whole.failure or each.failure
    return whole


def figures(result: Result) -> list[str]:
    """One line of the table: runs, kills, said, the four kinds, unconfirmed, seconds."""
    return [
        str(result.runs),
        str(result.kills),
        str(result.said),
        *(str(result.count(kind)) for kind in KINDS),
        str(result.unconfirmed),
        str(result.in_the_end),
        f"{result.seconds:.0f}",
    ]


COLUMNS = ("runs", "kills", "said", *KINDS, "answers lost", "left to people", "s")
