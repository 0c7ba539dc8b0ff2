"""Run the tests that name a row or a bug of the five systems, and write docs/systems.md.

`python docs/systems/write.py` runs them all, `--new` only those that were not run before, `--no-run` none.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from matrix import PAGE, RESULTS, ROOT, marked_tests, page, results, systems

from longhand.atomic import write_json, write_text


def run(tests: Sequence[str]) -> dict[str, str]:
    """Run tests by their ids and return what each found."""
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "pytest", "-n", "0", "--rows", str(record), *tests]
        subprocess.run(command, cwd=ROOT, check=False)
        recorded: dict[str, dict[str, str]] = json.loads(record.read_text(encoding="utf-8"))
    return {test: result for shown in recorded.values() for test, result in shown.items()}


def main() -> int:
    """Write the page; exit code 1 if a test failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--new", action="store_true", help="run only tests that were not run before")
    which.add_argument("--no-run", action="store_true", help="write the page from what the last run found")
    arguments = parser.parse_args()
    tests = [test.id for test in marked_tests() if not test.left_out]
    before = results() if arguments.new or arguments.no_run else {}
    found = {test: before[test] for test in tests if test in before}
    missing = [test for test in tests if test not in found]
    if missing and not arguments.no_run:
        found |= run(missing)
    write_json(RESULTS, dict(sorted(found.items())))
    write_text(PAGE, page(systems(), marked_tests(), found))
    return int("failed" in found.values())


if __name__ == "__main__":
    raise SystemExit(main())
