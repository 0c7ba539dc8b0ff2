"""Every test that does not run in `make test` has a line in the ledger, and every line has its test."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]


def _marked_tests() -> set[tuple[str, str]]:
    found = set()
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"((?:^@.*\n(?:^[ )\]].*\n)*)+)^def (test_\w+)", text, flags=re.MULTILINE):
            for marker in re.findall(r"@pytest\.mark\.(slow|gpu|skip|skipif|xfail)\b", match.group(1)):
                found.add((match.group(2), marker))
    return found


def test_every_test_left_out_has_a_line_in_the_ledger_and_the_other_way_round() -> None:
    ledger = (TESTS / "LEDGER.md").read_text(encoding="utf-8")
    lines = set(re.findall(r"^\| `(?:[^`]*::)?(test_\w+)` \| (\w+) \|", ledger, flags=re.MULTILINE))
    assert lines == _marked_tests()
