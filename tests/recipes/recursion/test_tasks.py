"""The problems of the experiment are those of longhand's own arithmetic, and none is both trained on and asked."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from longhand.arithmetic.problem import Problem
from longhand.recipes.recursion.curriculum import Curriculum
from longhand.recipes.recursion.tasks import TASKS, Chains, Products, Rows, Sums, Task, is_held_out, keyed_generator

SEEDS = st.integers(0, 2**31)


@given(SEEDS, st.sampled_from([5, 7, 11]), st.integers(1, 20))
def test_every_prefix_of_a_chain_has_the_answer_of_exact_arithmetic(seed: int, modulus: int, depth: int) -> None:
    rows = Chains(modulus).make(3, depth, torch.Generator().manual_seed(seed))
    for tokens, values in zip(rows.tokens.tolist(), rows.targets.tolist(), strict=True):
        assert max(tokens) < Chains(modulus).vocab_size
        operands, operators = [tokens[0]], []
        for token in tokens[1:]:
            kind, number = divmod(token, modulus)
            operands.append(number)
            operators.append("+-*"[kind - 1])
            assert (kind, number) != (3, 0)  # nothing forgets what was before it
        assert values[0] == tokens[0]
        for step in range(1, depth + 1):
            problem = Problem(tuple(operands[: step + 1]), tuple(operators[:step]), "left_to_right")
            assert values[step] == int(str(problem.answer)) % modulus


def test_rows_to_learn_from_hold_two_chains_of_the_depth_and_exams_one_of_the_largest() -> None:
    task = Chains()
    rows = task.stream(50, 4, torch.Generator())
    starts = rows.tokens < task.modulus
    assert starts.nonzero()[:, 1].unique().tolist() == [0, 5]
    assert torch.equal(rows.tokens[starts], rows.targets[starts])
    ((levels, exam),) = task.exams(50)
    assert max(levels) == 32
    assert (exam.tokens < task.modulus).nonzero()[:, 1].unique().tolist() == [0]
    assert exam.tokens.size(1) <= task.shape(max(task.trained))[0]  # no distance in it that is never seen in training


@given(SEEDS, st.integers(2, 16))
def test_sums_are_right_and_written_from_the_last_digit(seed: int, level: int) -> None:
    task = Sums()
    rows = task.stream(4, level, torch.Generator().manual_seed(seed))
    for prompt, answer in _texts(task, rows):
        digits = tuple(map(int, prompt.removesuffix("=")))
        assert len(digits) == level
        assert int(answer[::-1]) == int(str(Problem(digits, ("+",) * (level - 1)).answer))


@given(SEEDS, st.sampled_from([11, 21, 12, 22, 33]))
def test_products_are_right_and_written_from_the_last_digit(seed: int, level: int) -> None:
    task = Products()
    rows = task.stream(4, level, torch.Generator().manual_seed(seed))
    for prompt, answer in _texts(task, rows):
        left, right = prompt.removesuffix("=").split("*")
        assert (len(left), len(right)) == divmod(level, 10)
        assert int(answer[::-1]) == int(str(Problem((int(left), int(right)), ("*",)).answer))


def _texts(task: Sums | Products, rows: Rows) -> list[tuple[str, str]]:
    symbols = {task.equals: "="} | ({task.times: "*"} if isinstance(task, Products) else {})
    texts = []
    for tokens, target in zip(rows.tokens.tolist(), rows.targets.tolist(), strict=True):
        assert tokens[len(tokens) - len(target) + 1 :] == target[:-1]  # what is read is what was asked one place before
        prompt = tokens[: len(tokens) - len(target) + 1]
        texts.append(("".join(symbols.get(token, str(token)) for token in prompt), "".join(map(str, target))))
    return texts


@pytest.mark.parametrize("name", TASKS)
def test_rows_have_the_shape_the_ledger_counts(name: str) -> None:
    task = TASKS[name]()
    for level in task.trained:
        rows = task.stream(5, level, torch.Generator())
        assert task.shape(level) == (rows.tokens.size(1), rows.n_asked)
        assert rows.tokens.max() < task.vocab_size


@pytest.mark.parametrize("name", ["A", "M"])
def test_no_problem_is_trained_on_and_asked_whatever_the_order_of_its_numbers(name: str) -> None:
    task = TASKS[name]()
    for (level,), rows in task.exams(300):
        if level not in task.trained:
            continue
        trained = {tuple(sorted(row)) for row in _operands(task, task.stream(4000, level, torch.Generator()), level)}
        asked = {tuple(sorted(row)) for row in _operands(task, rows, level)}
        assert not trained & asked
        assert len(asked) > 30


def _operands(task: Task, rows: Rows, level: int) -> list[list[int]]:
    if isinstance(task, Sums):
        return rows.tokens[:, :level].tolist()
    assert isinstance(task, Products)
    return [[int(part) for part in prompt.removesuffix("=").split("*")] for prompt, _ in _texts(task, rows)]


def test_a_fifth_is_held_out_and_the_order_of_operands_does_not_matter() -> None:
    pairs = torch.cartesian_prod(torch.arange(300), torch.arange(300))
    held = is_held_out(pairs)
    assert 0.18 < held.float().mean() < 0.22
    assert torch.equal(held, is_held_out(pairs.flip(1)))


@pytest.mark.parametrize("name", TASKS)
def test_an_exam_is_the_same_whenever_it_is_asked_and_smaller_ones_begin_it(name: str) -> None:
    task: Any = TASKS[name]()
    for (levels, rows), (again, more) in zip(task.exams(20), TASKS[name]().exams(20), strict=True):
        assert levels == again
        assert torch.equal(rows.tokens, more.tokens)


def test_what_is_graded_is_the_whole_answer_or_for_chains_each_depth() -> None:
    chains = Chains(measured=(1, 2), beyond=(3,))
    rows = Rows(torch.zeros(2, 4, dtype=torch.int64), torch.tensor([[0, 1, 2, 3], [0, 1, 2, 3]]))
    predicted = torch.tensor([[9, 1, 2, 0], [0, 0, 2, 3]])
    graded = chains.grade(rows, (1, 2, 3), predicted)
    assert {level: right.tolist() for level, right in graded.items()} == {
        1: [True, False], 2: [True, True], 3: [False, True],
    }  # fmt: skip
    whole = Sums().grade(Rows(rows.tokens, rows.targets[:, :3]), (4,), torch.tensor([[0, 1, 2], [0, 1, 3]]))
    assert whole[4].tolist() == [True, False]


def test_a_learner_goes_on_to_the_next_level_when_it_knows_the_last_one_and_not_before() -> None:
    curriculum = Curriculum(Chains(trained=3), seed=0)
    drawn = [curriculum.draw() for _ in range(400)]
    assert drawn.count(1) > 350  # the others are the few of any level
    assert set(drawn) == {1, 2, 3}
    for _ in range(50):
        curriculum.see(1, 0.89)
        curriculum.see(3, 1.0)  # of no interest yet
    assert curriculum.reached == 0
    for _ in range(20):
        curriculum.see(1, 1.0)
    assert curriculum.reached == 1
    assert [curriculum.draw() for _ in range(400)].count(2) > 200
    for _ in range(60):
        curriculum.see(2, 1.0)
        curriculum.see(3, 1.0)
    assert curriculum.reached == 2


def test_keys_of_generators_tell_them_apart() -> None:
    one, same, other = (torch.rand(3, generator=keyed_generator("C", key)) for key in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
