"""Pytest plugin: on a build server (CI=true) a skipped test is a failed run, named at the end."""

from __future__ import annotations

import os

import pytest


class NoSkips:
    """Remembers what was skipped, here or by the workers of xdist, and fails the run for it."""

    def __init__(self) -> None:
        self.skipped: dict[str, str] = {}

    def remember(self, nodeid: str, skipped: bool, longrepr: object) -> None:
        """Note one skip with its reason; what is expected to fail (xfail) is not a skip."""
        if skipped:
            reason = longrepr[2] if isinstance(longrepr, tuple) else longrepr
            self.skipped[nodeid] = str(reason).removeprefix("Skipped: ")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test or its fixture skipped itself."""
        skipped = report.skipped and not hasattr(report, "wasxfail")
        self.remember(report.nodeid, skipped, report.longrepr)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """A whole module skipped itself."""
        self.remember(report.nodeid, report.skipped, report.longrepr)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a good run with skips into a failed one."""
        if self.skipped and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say which tests were left out, and why that fails the run."""
        if self.skipped:
            terminalreporter.section("skipped under CI: nothing may be left out", red=True)
            for nodeid, reason in sorted(self.skipped.items()):
                terminalreporter.line(f"{nodeid}: {reason}")


def pytest_configure(config: pytest.Config) -> None:
    """Watch over the run in the main process; the workers of xdist report to it."""
    on_build_server = os.environ.get("CI", "").lower() not in {"", "0", "false", "no"}
    if on_build_server and not hasattr(config, "workerinput"):
        config.pluginmanager.register(NoSkips(), "no-skips")
