"""The real training rows of GSM8K, which are not part of this project: name their folder in LONGHAND_GSM8K."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from longhand.olympiad.data.calculations import Holds, calculations
from longhand.olympiad.data.dataset import open_dataset
from longhand.olympiad.data.word_problem import RowReport


@pytest.mark.slow
@pytest.mark.row("S3-D1", "S3-D2")
def test_every_row_of_gsm8k_converts_and_every_step_holds() -> None:
    folder = os.environ.get("LONGHAND_GSM8K")
    if folder is None:
        pytest.skip("LONGHAND_GSM8K does not name the folder of GSM8K's rows")
    report = RowReport()
    problems = list(open_dataset(folder, dataset="gsm8k", split="train", steps="keep").read(report))
    assert (len(problems), report.read) == (7473, 0)
    assert all(problem.solution.endswith(f"\\boxed{{{problem.answer}}}") for problem in problems)
    assert all("\u2019" not in problem.question for problem in problems)
    steps = [step for problem in problems for step in calculations(problem.solution)]
    assert Counter(step.holds for step in steps) == {Holds.EXACT: 23716}
    stripped = list(open_dataset(folder, dataset="gsm8k", split="train").read())
    assert not any("<<" in problem.solution for problem in stripped)
