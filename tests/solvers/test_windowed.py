from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.long_numbers import write_int
from longhand.errors import UserError
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.suites import DomainSuite, PlacesSuite
from longhand.runs.checkpoint import load_checkpoint
from longhand.shipped import model_path
from longhand.solvers.base import NextToken
from longhand.solvers.load import load, solver_of
from longhand.solvers.windowed import WindowedSolver
from longhand.text.presets import vocabulary


@pytest.fixture(scope="module")
def solver() -> WindowedSolver:
    found = load("certified-add-3")
    assert isinstance(found, WindowedSolver)
    return found


@given(st.integers(0, 10**400), st.integers(0, 10**400))
@settings(max_examples=50, deadline=None)
def test_it_adds_numbers_a_hundred_times_longer_than_it_was_trained_on(a: int, b: int) -> None:
    assert load("certified-add-3").solve([f"{a}+{b}="])[0].answer == str(a + b)


@pytest.mark.parametrize(
    ("name", "operator", "lengths"),
    [
        ("product", "*", (60, 40)),
        ("division", "/", (60, 30)),
        ("signed", "-", (60, 60)),
        ("compare", "?", (60, 60)),
        *(("four", operator, (40, 20)) for operator in "-*/"),
    ],
)
def test_others_subtract_multiply_divide_and_compare_numbers_far_longer_than_they_were_trained_on(
    name: str, operator: str, lengths: tuple[int, int]
) -> None:
    solver, rng = load(f"certified-{name}-3"), random.Random(0)
    problems = [tuple(rng.randrange(10 ** (n - 1), 10**n) for n in lengths) for _ in range(3)]
    problems += [(10**50 - 1, 10**25 - 1), (0, 7), (7, 10**9), (10**60 + 8, 10**60 + 9), (10**60, 10**60)]
    for (a, b), completion in zip(problems, solver.solve([f"{a}{operator}{b}=" for a, b in problems]), strict=True):
        right = {"*": str(a * b), "-": str(a - b), "/": f"{a // b}r{a % b}", "?": "=><"[(a > b) - (a < b)]}
        assert completion.answer == right[operator]


def test_the_longest_carry_runs_through(solver: WindowedSolver) -> None:
    assert solver.solve([f"{'9' * 1000}+1="])[0].answer == f"1{'0' * 1000}"


def test_many_prompts_at_once_are_answered_as_each_alone(solver: WindowedSolver) -> None:
    rng = random.Random(0)
    prompts = [f"{rng.randrange(10 ** rng.randint(1, 9))}+{rng.randrange(10 ** rng.randint(1, 9))}=" for _ in range(50)]
    together = solver.solve(prompts, batch_size=7)
    for prompt, completion in zip(prompts, together, strict=True):
        alone = solver.solve([prompt])[0]
        assert (alone.text, alone.token_ids, alone.logprobs) == (
            completion.text,
            completion.token_ids,
            completion.logprobs,
        )


def test_it_is_a_solver_like_the_others(solver: WindowedSolver) -> None:
    assert isinstance(solver, NextToken)
    domain = Domain(("+",), 2, 0, 999, "reject")
    report = evaluate(solver, PlacesSuite("drawn", domain, np.arange(0, 1_000_000, 997)))
    assert report.errors == 0
    ids = solver.prompt_ids("12+9=")
    first = solver.next_tokens(ids, 3)
    assert solver.vocabulary.tokens[first[0].token_id] == "1"
    drawn = solver.solve(["5+5="] * 3, temperature=0.5, seed=1)
    assert [c.answer for c in drawn] == ["10"] * 3


def test_all_comparisons_of_two_digits_are_evaluated_like_any_domain() -> None:
    report = evaluate(load("certified-compare-3"), DomainSuite(Domain(("?",), max_operand=99)))
    assert report.errors == 0
    assert report.to_dict()["by_operator"] == {"?": {"correct": 10_000, "total": 10_000, "exact_match": 1.0}}


def test_what_it_cannot_do_is_refused(solver: WindowedSolver) -> None:
    with pytest.raises(UserError, match="beam 2 is not for windowed models"):
        solver.solve(["1+1="], beam=2)
    with pytest.raises(UserError, match=r"ask a\+b="):
        solver.solve(["1+1+1="])
    with pytest.raises(UserError):
        solver.solve(["5-3="])


def test_rows_that_do_not_fit_in_memory_are_refused_before_the_first_token() -> None:
    long = "9" * 400_000
    with pytest.raises(UserError, match=r"may take 480,000,400,001 tokens, about [\d,]+ GiB, and this machine has"):
        load("certified-product-3").solve([f"{long}*{long}="])


def test_a_problem_too_long_to_be_judged_is_refused_and_not_answered_with_nothing() -> None:
    with pytest.raises(UserError, match=r"has 1000002 characters; write at most 1000000"):
        load("certified-add-3").solve([f"{'9' * 500_000}+{'9' * 500_000}="])


def test_sums_of_a_hundred_thousand_digits_are_right() -> None:
    a, b = 10**100_000 - 1, 10**99_999 + 7
    (completion,) = load("certified-add-3").solve([f"{write_int(a)}+{write_int(b)}="])
    assert completion.answer == write_int(a + b)


def test_the_tokens_of_a_longer_number_cost_the_same(solver: WindowedSolver) -> None:
    # No timed assertion: the number of windows ever computed does not grow with the length.
    solver.solve([f"{'7' * 50}+{'8' * 50}="])
    known = len(solver._known)
    solver.solve([f"{'7' * 4000}+{'8' * 4000}="])
    assert len(solver._known) == known


def test_weights_or_a_vocabulary_of_another_model_are_refused() -> None:
    checkpoint = load_checkpoint(model_path("certified-signed-3"))
    with pytest.raises(
        UserError, match="the layout signed reads the vocabulary signed_rows, and the checkpoint has cot17"
    ):
        solver_of(replace(checkpoint, vocabulary=vocabulary("cot17")))
    short = {**checkpoint.weights, "head.weight": checkpoint.weights["head.weight"][:5]}
    with pytest.raises(UserError, match=r"the weights have head\.weight as \[5, 32\]"):
        solver_of(replace(checkpoint, weights=short))
