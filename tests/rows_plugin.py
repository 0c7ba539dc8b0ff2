"""A pytest plugin: `--rows FILE` records which rows of the five systems were shown by which tests, as JSON.

`{"S0-F2": {"tests/text/test_presets.py::test_…": "passed"}}`: all cases of a test count as one, and the worst decides.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from longhand.atomic import write_json

MARKERS = ("row", "bug")
_WORST_LAST = ("passed", "skipped", "failed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rows", metavar="FILE", help="write which rows of the five systems the tests show to this file")


def pytest_configure(config: pytest.Config) -> None:
    if config.option.rows and not hasattr(
        config, "workerinput"
    ):  # workers of xdist report to the one that started them
        config.pluginmanager.register(Recorder(Path(config.option.rows)))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # What a test carries here travels with its report from a worker.
        item.user_properties += [("rows", mark.args) for name in MARKERS for mark in item.iter_markers(name)]


class Recorder:
    """Collects the reports of a session and writes them when it ends."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self.found: dict[str, dict[str, str]] = defaultdict(dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Set-up, call and tear-down each count: a test whose fixture fails has failed."""
        test = report.nodeid.partition("[")[0]
        for ids in (value for key, value in report.user_properties if key == "rows"):
            for name in ids:
                before = self.found[name].get(test, "passed")
                self.found[name][test] = max(before, report.outcome, key=_WORST_LAST.index)

    def pytest_sessionfinish(self) -> None:
        write_json(self.path, {name: dict(sorted(tests.items())) for name, tests in sorted(self.found.items())})
