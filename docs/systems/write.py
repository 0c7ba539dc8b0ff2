"""Run the tests that name a row or a bug of the five systems, and write docs/systems.md.

`python docs/systems/write.py --no-run` writes the page from what the last run found; tests that are new since then
are shown as not run.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from matrix import LEFT_OUT, PAGE, RESULTS, ROOT, marked_tests, page, results, systems

from longhand.atomic import write_json, write_text


def run_tests() -> dict[str, str]:
    """Run the marked tests that `make test` runs too, and return what each found."""
    left_out = "".join(f" and not {name}" for name in LEFT_OUT)
    files = sorted({test.path for test in marked_tests()})
    with tempfile.TemporaryDirectory() as folder:
        record = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "pytest", "-n", "0", "-m", f"(row or bug){left_out}", "--rows", str(record)]
        subprocess.run([*command, *files], cwd=ROOT, check=False)
        recorded: dict[str, dict[str, str]] = json.loads(record.read_text(encoding="utf-8"))
    return {test: result for tests in recorded.values() for test, result in tests.items()}


def main() -> int:
    """Write the page; exit code 1 if a test failed."""
    found = results() if "--no-run" in sys.argv[1:] else dict(sorted(run_tests().items()))
    write_json(RESULTS, found)
    write_text(PAGE, page(systems(), marked_tests(), found))
    return int("failed" in found.values())


if __name__ == "__main__":
    raise SystemExit(main())
