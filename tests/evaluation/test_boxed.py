"""The report in a box: the published counts in the published words, and whatever else a suite holds."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.verdict import Verdict
from longhand.data.make import make_dataset
from longhand.evaluation.boxed import boxed
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.metrics import Cell, Tally
from longhand.evaluation.report import Report
from longhand.evaluation.suites import ListSuite, read_suite
from longhand.solvers.oracle import Fault, Oracle

# By operator and length of the answer: wrong and asked, which add up to the published totals and lengths.
PUBLISHED = {
    "+": {1: (0, 6), 2: (5, 200), 3: (15, 1100), 4: (6, 1200)},
    "-": {1: (1, 100), 2: (26, 500), 3: (25, 1900)},
}

BOX = """\
╔══════════════════════════════════════════════════╗
║                Evaluation Report                 ║
║                    Suite test                    ║
╠══════════════════════════════════════════════════╣
║  test samples          : 5006                    ║
║  exact_match_accuracy  : 0.9844 (4928 / 5006)    ║
╠══════════════════════════════════════════════════╣
║  By operation                                    ║
║    [+] exact_match     : 0.9896 (2480 / 2506)    ║
║    [-] exact_match     : 0.9792 (2448 / 2500)    ║
╠══════════════════════════════════════════════════╣
║  By answer length                                ║
║    1-digit             : 0.9905 ( 105 / 106)     ║
║    2-digit             : 0.9557 ( 669 / 700)     ║
║    3-digit             : 0.9866 (2960 / 3000)    ║
║    4-digit             : 0.9950 (1194 / 1200)    ║
╠══════════════════════════════════════════════════╣
║  Error analysis                                  ║
║    hallucinations      : 0.0000 (   0 / 5006)    ║
║    infinite_generation : 0.0000 (   0 / 5006)    ║
║    out_of_range        : 0.0000 (   0 / 5006)    ║
╚══════════════════════════════════════════════════╝"""


def report_of(tally: Tally, suite: str = "test") -> Report:
    return Report(suite, False, tally, {}, np.zeros(0, dtype=np.uint8), (), 0, 1.0)


@pytest.mark.row("S2-E1", "S2-E2")
def test_the_published_counts_are_the_published_lines() -> None:
    tally: Tally = Counter()
    for operator, lengths in PUBLISHED.items():
        for length, (wrong, asked) in lengths.items():
            tally[Cell(operator, length, "3x3", Verdict.CORRECT)] += asked - wrong
            tally[Cell(operator, length, "3x3", Verdict.WRONG)] += wrong
    assert boxed(report_of(tally)) == BOX


@pytest.mark.bug("S2-3d")
@pytest.mark.row("S2-E1", "S2-E2")
def test_every_fault_in_the_test_file_is_in_its_line(tmp_path: Path) -> None:
    make_dataset("poc", tmp_path)
    suite = read_suite(tmp_path / "test.csv")
    short = [problem.expression for problem in suite.problems if len(problem.answer) == 1]
    kinds = [Fault.MALFORMED, Fault.MALFORMED, Fault.UNFINISHED, Fault.OUT_OF_RANGE, Fault.WRONG]
    solver = Oracle(Domain(("+", "-"), max_operand=999), faults=dict(zip(short, kinds, strict=False)))
    lines = {line[1:-1].split(":")[0].strip(): line for line in boxed(evaluate(solver, suite)).splitlines()}
    assert "0.9990 (5001 / 5006)" in lines["exact_match_accuracy"]
    assert "0.9528 ( 101 / 106)" in lines["1-digit"]
    assert "1.0000 (3000 / 3000)" in lines["3-digit"]
    assert "(   2 / 5006)" in lines["hallucinations"]
    assert "(   1 / 5006)" in lines["infinite_generation"]
    assert "(   1 / 5006)" in lines["out_of_range"]


@given(
    cells=st.dictionaries(
        st.builds(Cell, st.sampled_from("+-*/"), st.integers(1, 12), st.just("1x1"), st.sampled_from(Verdict)),
        st.integers(1, 10**7),
        min_size=1,
    ),
    suite=st.text("abc/. ", min_size=1, max_size=90),
)
def test_the_box_is_closed_and_only_all_right_is_one(cells: dict[Cell, int], suite: str) -> None:
    report = report_of(Counter(cells), suite)
    lines = boxed(report).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert {line[0] + line[-1] for line in lines[1:-1]} == {"║║", "╠╣"}
    total = next(line for line in lines if "exact_match_accuracy" in line)
    assert (" 1.0000 " in total) == (report.correct == report.total)


def test_a_suite_of_one_operator_has_one_line_of_operators() -> None:
    domain = Domain(("+",), max_operand=3)
    text = boxed(evaluate(Oracle(domain), ListSuite("sums", tuple(domain))))
    assert "[+] exact_match" in text
    assert "[-]" not in text
