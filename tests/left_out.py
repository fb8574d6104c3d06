"""Tests that do not run: left out by marker where a system package is missing, named, and with --no-skips a failure.

With --what-stores, of the quick tests those are run that reach a database or a queue, and of a test with many cases one
(which one, the seed of the order says): on another database the rest says the same.

With --within MINUTES no test is begun after that time: those that had no turn are named, and are no failure. The order
is random, so that they are others the next time.
"""

import time
import zlib
from typing import Any

import pytest

from tests.needs import Need, missing_needs

NO_TURN = "no turn within the time given"
STORES = {"db", "transactional_db", "live_server", "django_db_setup", "queue_server"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-skips",
        action="store_true",
        help="a test that is skipped, expected to fail, or lacks a package is a failure",
    )
    parser.addoption(
        "--what-stores",
        action="store_true",
        help="of the quick tests, run one case of each that reaches a database or a queue",
    )

    parser.addoption(
        "--within",
        type=float,
        metavar="MINUTES",
        help="begin no test after that time, and name those that had no turn",
    )


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(LeftOut(config), "left-out")


class LeftOut:
    """Tests whose system package is not installed are left out by their marker, and named; none is skipped silently."""

    def __init__(self, config: pytest.Config) -> None:
        self.missing: list[Need] = missing_needs()
        self.strict: bool = config.getoption("--no-skips")
        self.what_stores: bool = config.getoption("--what-stores")
        self.skipped: list[str] = []
        self.minutes: float | None = config.getoption("--within")
        self.until: float | None = None if self.minutes is None else time.monotonic() + self.minutes * 60
        self.no_turn: list[str] = []

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, config: pytest.Config, items: list[pytest.Item]) -> None:
        left_out = [item for item in items if self._is_left_out(item)]
        if self.what_stores:
            left_out += self._other_cases([item for item in items if item not in set(left_out)])
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]
        if self.until is not None:
            seed = config.getoption("randomly_seed", 0)
            items.sort(key=lambda item: zlib.crc32(f"{seed} {item.path}".encode()))

    def _is_left_out(self, item: pytest.Item) -> bool:
        if any(item.get_closest_marker(need.marker) for need in self.missing):
            return True
        if not self.what_stores or item.get_closest_marker("slow") or item.get_closest_marker("django_db"):
            return False
        return not STORES.intersection(getattr(item, "fixturenames", ()))

    def _other_cases(self, items: list[pytest.Item]) -> list[pytest.Item]:
        """All but one case of each quick test."""
        quick = [item for item in items if not item.get_closest_marker("slow")]
        one = {_test_of(item): item for item in quick}
        return [item for item in quick if one[_test_of(item)] is not item]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        if self.until is not None and time.monotonic() > self.until:
            pytest.skip(NO_TURN)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.skipped and NO_TURN in str(report.longrepr):
            self.no_turn.append(report.nodeid)
        elif report.skipped:
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
        if self.no_turn:
            terminalreporter.write_line(f"Had no turn within {self.minutes:g} minutes: {len(self.no_turn)}")
            terminalreporter.write_line("\n".join(sorted(self.no_turn)))
        if self.strict:
            for name in self.skipped:
                terminalreporter.write_line(f"Not run, which --no-skips does not allow: {name}", red=True)


def _test_of(item: pytest.Item) -> str:
    """The test's name without its case."""
    return item.nodeid.partition("[")[0]
