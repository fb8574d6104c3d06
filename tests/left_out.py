"""Tests that do not run: left out by marker where a system package is missing, named, and with --no-skips a failure."""

from typing import Any

import pytest

from tests.needs import Need, missing_needs


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="a test that is skipped, expected to fail, or lacks a package is a failure",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LeftOut(config), "left-out")


class LeftOut:
    """Tests whose system package is not installed are left out by their marker, and named; none is skipped silently."""

    def __init__(self, config: pytest.Config) -> None:
        self.missing: list[Need] = missing_needs()
        self.strict: bool = config.getoption("--no-skips")
        self.skipped: list[str] = []

    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        left_out = [item for item in items if any(item.get_closest_marker(need.marker) for need in self.missing)]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.skipped:
            self.skipped.append(report.nodeid)

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.strict and (self.skipped or self.missing):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        for need in self.missing:
            terminalreporter.write_line(need.sentence)
        if self.strict:
            for name in self.skipped:
                terminalreporter.write_line(f"Not run, which --no-skips does not allow: {name}", red=True)
