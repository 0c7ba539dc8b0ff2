from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from longhand.arithmetic.carries import longest_chain
from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.data.arrays import domain_arrays, from_problems
from longhand.data.hard_cases import carry_travels, digit_counts, length_cells, subtractions
from longhand.text.digitwise import digitwise

numbers = st.integers(-9999, 9999) | st.sampled_from([0, 5, 95, 995, 9995, 999, 905])


@given(st.lists(st.tuples(numbers, st.sampled_from("+-"), numbers), min_size=1))
def test_a_carry_travels_where_the_arithmetic_package_finds_a_chain(rows: list[tuple[int, str, int]]) -> None:
    problems = [Problem((a, b), (operator,)) for a, operator, b in rows]
    assert carry_travels(from_problems(problems)).tolist() == [longest_chain(p) > 0 for p in problems]


def test_known_cascades() -> None:
    arrays = from_problems([Problem(p, ("+",)) for p in [(5, 5), (95, 5), (995, 5), (91, 5), (905, 95), (900, 99)]])
    assert carry_travels(arrays).tolist() == [False, True, True, False, True, False]
    borrows = from_problems([Problem(p, ("-",)) for p in [(100, 1), (110, 1), (1000, 999), (50, 5)]])
    assert carry_travels(borrows).tolist() == [True, False, True, False]


@given(st.lists(st.tuples(st.integers(0, 9999), st.integers(0, 9999)), min_size=1))
def test_a_product_qualifies_where_its_steps_carry_nine(rows: list[tuple[int, int]]) -> None:
    problems = [Problem(pair, ("*",)) for pair in rows]
    carries = [[step[5] for step in digitwise(problem)] for problem in problems]
    assert carry_travels(from_problems(problems)).tolist() == ["9" in written for written in carries]


@given(st.lists(st.tuples(st.integers(0, 9999), st.integers(1, 9999)), min_size=1))
def test_a_division_qualifies_where_its_quotient_has_a_nine(rows: list[tuple[int, int]]) -> None:
    problems = [Problem(pair, ("/",), division="remainder") for pair in rows]
    assert carry_travels(from_problems(problems)).tolist() == ["9" in str(a // b) for a, b in rows]


@given(st.lists(st.tuples(st.integers(0, 9999), st.sampled_from("+*/"), st.integers(1, 9999)), min_size=1))
def test_a_division_subtracts_as_often_as_its_steps_do(rows: list[tuple[int, str, int]]) -> None:
    problems = [Problem((a, b), (operator,), division="remainder") for a, operator, b in rows]
    taken = [sum("." in step for step in digitwise(p)) if p.operators == ("/",) else -1 for p in problems]
    assert subtractions(from_problems(problems)).tolist() == taken


def test_chains_never_qualify() -> None:
    assert not carry_travels(from_problems([Problem((95, 5, 900), ("+", "+"))])).any()


def test_cells_are_equal_exactly_for_equal_operators_and_lengths() -> None:
    arrays = domain_arrays(Domain(max_operand=120, min_operand=-12, negatives="allow")).take(slice(0, None, 97))
    cells = length_cells(arrays)
    named = [(p.operators, *(len(str(abs(o))) for o in p.operands)) for p in arrays.problems()]
    assert len(set(zip(cells.tolist(), named, strict=True))) == len(set(cells.tolist())) == len(set(named))


@given(st.lists(st.integers(-(10**18), 10**18), min_size=1))
def test_digits_are_counted_without_the_sign(values: list[int]) -> None:
    assert digit_counts(np.array(values)).tolist() == [len(str(abs(value))) for value in values]
