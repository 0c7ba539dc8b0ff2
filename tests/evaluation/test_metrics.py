from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem
from longhand.data.arrays import domain_arrays
from longhand.data.encode import encode_problems
from longhand.evaluation.metrics import (
    VERDICTS,
    Share,
    answer_length,
    by_answer_length,
    by_operand_digits,
    by_operator,
    cot_step_accuracy,
    count,
    count_arrays,
    exact_match,
    hallucination,
    infinite_generation,
    operand_digits,
    operators_of,
    out_of_range,
    token_accuracy_all,
    token_accuracy_answer,
    verdict_counts,
)
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

RIGHT, WRONG, MALFORMED, UNFINISHED, FAR = VERDICTS


@pytest.mark.row("S2-E2")
@pytest.mark.bug("S4-11")
@pytest.mark.parametrize(
    ("expression", "operators", "length", "digits"),
    [
        ("951+11", "+", 3, "3x2"),
        ("3-13", "-", 2, "1x2"),  # the sign of -10 does not count
        ("0-0", "-", 1, "1x1"),
        ("5+-30", "+", 2, "1x2"),
        ("1-2+3-4", "+-", 1, "1x1x1x1"),
        ("2*3+10", "+*", 2, "1x1x2"),
        ("1/3", "/", 3, "1x1"),
        ("951?11", "?", 1, "3x2"),
    ],
)
def test_problems_are_labelled_by_operators_answer_and_operands(
    expression: str, operators: str, length: int, digits: str
) -> None:
    problem = parse_expression(expression)
    assert (operators_of(problem), answer_length(problem), operand_digits(problem)) == (operators, length, digits)


@pytest.mark.row("S2-E1", "S2-E2", "S4-E1")
def test_verdicts_are_counted_under_their_labels() -> None:
    problems = [parse_expression(e) for e in ("1+1", "12-3", "9+1", "99+1", "5-5", "1+2")]
    tally = count(problems, [RIGHT, RIGHT, WRONG, MALFORMED, UNFINISHED, FAR])
    assert exact_match(tally) == Share(2, 6)
    assert by_operator(tally) == {"+": Share(1, 4), "-": Share(1, 2)}
    assert by_answer_length(tally) == {1: Share(2, 4), 2: Share(0, 1), 3: Share(0, 1)}
    assert by_operand_digits(tally) == {"1x1": Share(1, 4), "2x1": Share(1, 2)}
    assert hallucination(tally) == infinite_generation(tally) == out_of_range(tally) == Share(1, 6)
    assert verdict_counts(tally) == {
        "correct": 2, "wrong": 1, "malformed": 1, "unfinished": 1, "out_of_range": 1,
    }  # fmt: skip


def test_tables_are_in_the_order_people_read_them() -> None:
    problems = [parse_expression(e) for e in ("2*3*4", "1?1", "100-9", "1-2+3", "7/7", "90+90", "1+10")]
    tally = count(problems, [RIGHT] * len(problems))
    assert list(by_operator(tally)) == ["+", "+-", "-", "*", "/", "?"]
    assert list(by_answer_length(tally)) == [1, 2, 3]
    assert list(by_operand_digits(tally)) == ["1x1", "1x1x1", "1x2", "2x2", "3x1"]


DOMAINS = st.builds(
    Domain,
    operators=st.sampled_from([("+",), ("-",), ("+", "-"), ("+", "-", "*", "/"), ("/",)]),
    n_operands=st.just(2),
    min_operand=st.sampled_from([-12, 0, 1]),
    max_operand=st.sampled_from([9, 12]),
    negatives=st.sampled_from(["allow", "reject"]),
    division=st.sampled_from(["exact", "remainder"]),
)


@given(DOMAINS, st.integers(0, 9))
def test_arrays_are_counted_as_their_problems_are(domain: Domain, seed: int) -> None:
    arrays = domain_arrays(domain)
    codes = np.random.default_rng(seed).integers(len(VERDICTS), size=len(arrays)).astype(np.uint8)
    assert count_arrays(arrays, codes) == count(arrays.problems(), [VERDICTS[code] for code in codes])


def test_arrays_of_many_operands_are_counted_too() -> None:
    domain = Domain(operators=("+", "-", "*"), n_operands=4, max_operand=2, negatives="allow")
    arrays = domain_arrays(domain)
    codes = (np.arange(len(arrays)) % 5).astype(np.uint8)
    assert count_arrays(arrays, codes) == count(arrays.problems(), [VERDICTS[code] for code in codes])


def test_no_problems_no_counts() -> None:
    none = domain_arrays(Domain(), 0, 0)
    assert count_arrays(none, np.empty(0, dtype=np.uint8)) == count([], [])
    assert exact_match(count([], [])).value is None


@pytest.mark.row("S0-E2")
@pytest.mark.bug("S0-6a")
def test_token_accuracy_looks_at_the_answer_or_at_everything() -> None:
    format = Format(steps="columns", begin=True)
    rows = encode_problems([Problem((12, 9), ("+",)), Problem((1, 1), ("+",))], format, vocabulary("unified"))
    n_answer, n_all = 3 + 2, sum(int(length) - 1 for length in rows.lengths)
    everywhere = np.ones((2, rows.ids.shape[1] - 1), dtype=np.bool_)
    assert token_accuracy_answer(everywhere, rows) == Share(n_answer, n_answer)
    assert token_accuracy_all(everywhere, rows) == Share(n_all, n_all)
    nowhere = np.zeros_like(everywhere)
    assert token_accuracy_answer(nowhere, rows) == Share(0, n_answer)
    last_only = nowhere.copy()
    last_only[[0, 1], rows.lengths - 2] = True  # the end mark of each row
    assert token_accuracy_answer(last_only, rows) == Share(2, n_answer)
    steps_only = nowhere.copy()
    steps_only[0, rows.prompt_lengths[0] - 1] = True  # the first token after the first prompt: <think>
    assert token_accuracy_answer(steps_only, rows) == Share(0, n_answer)
    assert token_accuracy_all(steps_only, rows) == Share(1, n_all)


@pytest.mark.parametrize(
    ("text", "right", "total"),
    [
        ("<think>8+9=17 5+8+1=14 6+1+1=8</think>847", 3, 3),
        ("<think>8+9=17 5+8+1=13 6+1+1=8</think>847", 2, 3),
        ("<think>8+9=17</think>847", 1, 3),
        ("847", 0, 3),
        ("<think>8+9=17 5+8+1=14 6+1+1=8 0+0=0</think>847", 3, 4),
        ("<think>8+9=17 5+8+1=14", 2, 3),
    ],
)
def test_steps_count_where_they_belong_and_missing_or_needless_ones_against(text: str, right: int, total: int) -> None:
    assert cot_step_accuracy(Format(steps="columns"), [Problem((658, 189), ("+",))], [text]) == Share(right, total)


def test_shares_add_and_nothing_asked_has_no_share() -> None:
    assert Share(1, 2) + Share(0, 3) == Share(1, 5)
    assert Share(1, 4).value == 0.25
    assert Share(0, 0).value is None
