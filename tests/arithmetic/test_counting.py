"""Counts and bounds against lists of everything."""

from __future__ import annotations

from collections import Counter
from itertools import product

import pytest

from longhand.arithmetic.counting import Number, count_signed_sums, count_values, reach
from longhand.arithmetic.problem import Problem, QuotientRemainder
from longhand.errors import UserError


def listed_values(low: int, high: int, k: int, operators: str, left_to_right: bool) -> Counter[Number]:
    values = Counter[Number]()
    for chain in product(operators, repeat=k - 1):
        for operands in product(range(low, high + 1), repeat=k):
            try:
                problem = Problem(operands, chain, "left_to_right" if left_to_right else "precedence")
            except UserError:
                continue
            assert not isinstance(problem.value, QuotientRemainder)
            values[problem.value] += 1
    return values


@pytest.mark.parametrize(("low", "high"), [(0, 4), (-3, 2), (2, 3), (-4, -2), (5, 5)])
@pytest.mark.parametrize("n_added", [1, 2, 3])
@pytest.mark.parametrize("n_subtracted", [0, 1, 2])
def test_signed_sums_are_counted(low: int, high: int, n_added: int, n_subtracted: int) -> None:
    signs = [1] * n_added + [-1] * n_subtracted
    choices = product(range(low, high + 1), repeat=len(signs))
    listed = sum(sum(s * x for s, x in zip(signs, choice, strict=True)) >= 0 for choice in choices)
    assert count_signed_sums(n_added, n_subtracted, low, high) == listed


@pytest.mark.parametrize("left_to_right", [False, True])
@pytest.mark.parametrize("operators", ["+-", "+*", "*/", "-/", "+-*/"])
@pytest.mark.parametrize(("low", "high", "k"), [(-2, 2, 3), (-3, 0, 3), (0, 3, 3), (-1, 1, 4)])
def test_values_and_their_bounds_are_those_of_the_list(
    low: int, high: int, k: int, operators: str, left_to_right: bool
) -> None:
    listed = listed_values(low, high, k, operators, left_to_right)
    assert count_values(range(low, high + 1), k, operators, left_to_right=left_to_right) == listed
    bounds = reach(low, high, k, operators, left_to_right=left_to_right)
    assert bounds == (min(listed), max(listed))


def test_nothing_reaches_nowhere() -> None:
    assert reach(0, 0, 3, "/", left_to_right=False) is None
    assert reach(0, 0, 3, "/+", left_to_right=False) == (0, 0)
