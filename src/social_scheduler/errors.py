"""Every deliberate exception of the product, in one tree.

::

    SchedulerError                what a person is told: what is wrong, and what to do
    ├── InvalidInput              the words, file or option given cannot be used
    │   └── InvalidCampaign       findings with file:line:column
    ├── NotSignedIn               nobody is acting
    ├── NotAllowed                this person may not do this
    ├── NotFound                  no such thing
    ├── Conflict                  the lifecycle does not have this step now
    │   └── Stale                 it changed since the person looked
    ├── WorkspaceError            the folder, database, journal or schema is not usable
    │   └── DatabaseBusy          passing trouble with the database: try again
    └── PlatformError             what a network answered to one call
        ├── NotSent               nothing went out: try again later
        ├── RateLimited           nothing went out: not before `until`
        ├── Refused               the same words will be refused again
        ├── Unauthorized          the account must be connected again
        └── Unconfirmed           it may be live

A platform module may raise the last five and nothing else; whatever else escapes from it
is treated as `Unconfirmed` (services/calling.py), never as something to repeat.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_LINE_OR_DIRECTION = re.compile("[\t\n\u2028-\u202e\u2066-\u2069]")


def plain(text: str) -> str:
    """A network's words with what no database keeps, or a terminal obeys, written out.

    Lines and tabs stay.
    """
    text = text.encode("utf-8", "backslashreplace").decode()
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def plain_name(text: str, most: int = 300) -> str:
    """A network's name for something: as `plain`, on one line, read as it is written, not long."""
    text = _LINE_OR_DIRECTION.sub(lambda found: f"\\u{ord(found[0]):04x}", plain(text[: most + 1]))
    return text if len(text) <= most else text[: most - 1] + "…"


class SchedulerError(Exception):
    """A problem a person can act on.

    `problem` says what is wrong and where; `remedy` what to do about it.
    `status` is the HTTP status a page or API answers with, `exit_code` the command line's.
    """

    status = 400
    exit_code = 1

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.problem} {self.remedy}".strip()


class InvalidInput(SchedulerError):
    """The words, file or option given cannot be used."""

    status = 422


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in a file: where it is (1-based), what is wrong, what to write instead."""

    file: str
    line: int
    column: int
    problem: str
    remedy: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}: {self.problem}: {self.remedy}"


class InvalidCampaign(InvalidInput):
    """Files with mistakes; nothing of them was used."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        count = len(findings)
        super().__init__(
            f"{count} mistake{'s' if count != 1 else ''} found.", "Nothing was changed."
        )
        self.findings = list(findings)


class NotSignedIn(SchedulerError):
    """Nobody is acting: there is no valid sign-in or token."""

    status = 401
    exit_code = 4


class NotAllowed(SchedulerError):
    """This person may not do this."""

    status = 403
    exit_code = 4


class NotFound(SchedulerError):
    """There is no such thing."""

    status = 404


class Conflict(SchedulerError):
    """The lifecycle does not have this step for the state the thing is in."""

    status = 409


class Stale(Conflict):
    """What was shown to the person is no longer what is there."""


class WorkspaceError(SchedulerError):
    """The workspace's folder, database, journal or schema cannot be used as it is."""

    status = 503
    exit_code = 5


class DatabaseBusy(WorkspaceError):
    """The database cannot be used just now: locked, restarting or out of reach; waiting helps.

    Whether what was being written was kept is not known: read before doing it again.
    """


class PlatformError(SchedulerError):
    """What came of one call to a network.

    `evidence` is kept with the attempt: status codes and the network's own words, never secrets.
    Before a remedy the network's words get the full stop that they may lack.
    """

    status = 502

    def __init__(self, problem: str, remedy: str = "", *, evidence: str = "") -> None:
        problem = plain(problem).rstrip()
        if remedy and not problem.endswith((".", "!", "?", "…", "؟")):
            problem += "."
        super().__init__(problem, remedy)
        self.evidence = plain(evidence)


class NotSent(PlatformError):
    """Nothing went out. The same call may be made again, later."""


class RateLimited(PlatformError):
    """Nothing went out. The network takes no more before `until` (UTC)."""

    def __init__(self, problem: str, *, until: datetime, evidence: str = "") -> None:
        super().__init__(problem, evidence=evidence)
        self.until = until


class Refused(PlatformError):
    """The network read the words and said no; it would say so again."""


class Unauthorized(PlatformError):
    """The network does not accept the account's keys; a person must connect it again."""


class Unconfirmed(PlatformError):
    """It may be live: only the network itself, or a person who looked, can tell."""
