"""A search is judged like greedy decoding, and what it changes is counted answer by answer."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.verdict import Verdict
from longhand.cli.main import main
from longhand.evaluation.beam_effect import BeamEffect
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.metrics import CODE_OF
from longhand.evaluation.suites import DomainSuite, ListSuite, open_suite, some_of
from longhand.evaluation.sweep import sweep
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.base import Completion
from longhand.solvers.oracle import Fault, Oracle
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

DOMAIN = Domain(("+",), max_operand=9)


class BetterByBeam(Oracle):
    """Wrong where its greedy half is, unless it searches; then it is wrong about 9+9 alone."""

    def solve(self, prompts: Sequence[str], *, beam: int = 1, **settings: Any) -> list[Completion]:
        searched = Oracle(self.domain, faults={"9+9": Fault.WRONG})
        return searched.solve(prompts) if beam > 1 else super().solve(prompts, **settings)


def test_what_became_right_and_wrong_is_counted_and_teacher_forcing_settles_nothing() -> None:
    solver = BetterByBeam(DOMAIN, faults={"1+2": Fault.WRONG, "3+4": Fault.UNFINISHED})
    greedy, searched = (evaluate(solver, DomainSuite(DOMAIN), beam=beam) for beam in (1, 3))
    assert (greedy.errors, searched.errors, searched.beam, searched.n_decoded) == (2, 1, 3, 100)
    effect = BeamEffect(greedy, searched)
    assert (effect.became_right, effect.became_wrong) == (2, 1)
    assert effect.to_text() == "greedy 98 of 100 right, 3 beams 99: 2 became right, 1 wrong"
    assert "suite exhaustive, 3 beams" in searched.to_text()
    assert "beams" not in greedy.to_text()


def open_random(seed: int) -> AutoregressiveSolver:
    words = vocabulary("unified")
    config = ModelConfig(d_model=16, n_heads=2, n_layers=1, max_seq_len=12, init="scaled", tie_weights=False)
    return AutoregressiveSolver(build_model(config, len(words), seed=seed), words, Format(), DOMAIN)


def test_the_verdicts_of_a_search_are_those_of_its_texts_in_any_number_of_processes() -> None:
    solver = open_random(0)
    suite = DomainSuite(DOMAIN)
    report = evaluate(solver, suite, beam=4)
    problems = list(DOMAIN)
    answers = [completion.answer for completion in solver.solve([f"{p.expression}=" for p in problems], beam=4)]
    right = [answer == problem.answer for answer, problem in zip(answers, problems, strict=True)]
    assert ((report.codes == CODE_OF[Verdict.CORRECT]) == right).all()
    swept = sweep(partial(open_random, 0), suite, beam=4, processes=1)
    assert (swept.codes == report.codes).all()
    assert swept.beam == 4


@pytest.mark.row("S4-E1")
def test_some_of_a_suite_are_different_problems_in_its_order() -> None:
    domain = Domain(max_operand=30)
    every = DomainSuite(domain)
    listed = ListSuite("list", tuple(domain))
    places = open_suite("test", domain=domain, training={"data": {"chosen_by": CHOSEN}})
    for suite in (every, listed, places):
        some = some_of(suite, 50)
        drawn = [problem.expression for problem in _problems(some)]
        order = {problem.expression: place for place, problem in enumerate(_problems(suite))}
        assert len(some) == 50 == len(set(drawn))
        assert [order[expression] for expression in drawn] == sorted(order[expression] for expression in drawn)
        assert not some.exhaustive
        assert drawn == [problem.expression for problem in _problems(some_of(suite, 50))]
        assert drawn != [problem.expression for problem in _problems(some_of(suite, 50, seed=1))]
        assert some_of(suite, len(suite)) is suite


CHOSEN = {"split_seed": 0, "train_fraction": 0.5, "val_fraction": 0.1, "inverse": False}


def _problems(suite: Any) -> list[Any]:
    rows = suite.rows(0, len(suite))
    return list(rows) if isinstance(rows, tuple) else rows.problems()


def test_evaluate_with_a_beam_prints_and_writes_both(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "r.json"
    words = ["evaluate", "add-sub-3", "--n-samples", "40", "--beam", "2", "--output-file", str(file)]
    assert main(words) == 0
    assert "greedy 40 of 40 right, 2 beams 40: 0 became right, 0 wrong" in capsys.readouterr().out
    found = json.loads(file.read_text())
    assert (found["beam"], found["total"], found["exhaustive"]) == (2, 40, False)
    assert found["greedy"] == {"correct": 40, "exact_match": 1.0}
    assert main([*words, "--record"]) == 2
    assert "--record keeps the greedy answers" in capsys.readouterr().err
