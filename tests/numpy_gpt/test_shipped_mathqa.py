"""The shipped NumPy model, measured anew: every sum and difference in both styles, every product as its card says."""

from __future__ import annotations

import numpy as np
import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.verdict import judge
from longhand.data.arrays import domain_arrays
from longhand.data.encode import encode_arrays
from longhand.runs.checkpoint import load_checkpoint
from longhand.shipped import model_path
from longhand.solvers.load import load
from longhand.solvers.text_solver import TextSolver
from longhand.text.formats import Format, Style

NAME = "mathqa-numpy"


def wrong_answers(solver: TextSolver, operators: str, style: Style) -> list[str]:
    """The prompts of all problems with these operators that are answered wrongly: forced first, the rest decoded."""
    domain = Domain(tuple(operators), 2, 0, 99, "reject")
    rows = domain_arrays(domain, 0, domain.size)
    asked = Format(style=style)
    tokens = encode_arrays(rows, solver.format.as_asked(asked.prompt(rows.problem(0))), solver.vocabulary)
    sure = solver.exact_rows(tokens.ids, tokens.prompt_lengths, tokens.lengths)  # type: ignore[attr-defined]
    problems = rows.take(np.flatnonzero(~sure)).problems()
    prompts = [asked.prompt(problem) for problem in problems]
    said = zip(prompts, problems, solver.solve(prompts), strict=True)
    return [prompt for prompt, problem, completion in said if judge(problem, completion) != "correct"]


@pytest.mark.row("S1-N1", "S1-N3", "S1-N4")
@pytest.mark.parametrize("style", ["expression", "question"])
def test_every_sum_and_difference_is_right_in_either_style(style: Style) -> None:
    assert wrong_answers(load(NAME, engine="numpy"), "+-", style) == []


@pytest.mark.parametrize(("style", "name"), [("expression", "exhaustive"), ("question", "exhaustive_question")])
def test_products_are_right_as_often_as_the_card_says_whatever_computes_them(style: Style, name: str) -> None:
    recorded = load_checkpoint(model_path(NAME)).metrics[name]
    assert recorded["total"] == 25_050
    assert recorded["by_operator"]["+"]["correct"] == 10_000
    assert recorded["by_operator"]["-"]["correct"] == 5_050
    assert len(wrong_answers(load(NAME), "*", style)) == recorded["errors"]


@pytest.mark.row("S1-I1", "S1-N1")
def test_it_answers_in_the_words_it_is_asked_in() -> None:
    solver = load(NAME, engine="numpy")
    prompts = ["97-53=", "What is 65 - 62?", "86 - 11 =", "what is 7 * 8 ?"]
    completions = solver.solve(prompts)
    assert [completion.answer for completion in completions] == ["44", "3", "75", "56"]
    assert [completion.prompt for completion in completions] == prompts


def test_it_was_trained_by_numpy_alone_and_is_small() -> None:
    path = model_path(NAME)
    training = load_checkpoint(path).training
    assert training["engine"].startswith("numpy")
    assert "torch" not in training["versions"]
    assert training["data"]["held_out_rows_seen_in_training"] == {"test": 0, "val": 0}
    assert sum(file.stat().st_size for file in path.iterdir()) < 2**20
