"""Known sums and differences, column by column."""

from __future__ import annotations

import pytest

from longhand.arithmetic.carries import (
    borrow_chain,
    borrows,
    carries,
    carry_chain,
    longest_chain,
    n_borrows,
    n_carries,
)
from longhand.arithmetic.expression import parse_expression
from longhand.errors import UserError


@pytest.mark.parametrize(
    ("a", "b", "out", "chain"),
    [
        (0, 0, (0,), 0),
        (5, 5, (1,), 0),
        (55, 55, (1, 1), 0),
        (99, 1, (1, 1), 1),
        (1, 999, (1, 1, 1), 2),
        (445, 555, (1, 1, 1), 2),
        (658, 189, (1, 1, 0), 0),
        (90909, 10101, (1, 0, 1, 0, 1), 0),
        (999_099, 1, (1, 1, 0, 0, 0, 0), 1),
    ],
)
def test_carries_of_known_sums(a: int, b: int, out: tuple[int, ...], chain: int) -> None:
    assert carries(a, b) == out
    assert n_carries(a, b) == sum(out)
    assert carry_chain(a, b) == chain


@pytest.mark.parametrize(
    ("a", "b", "out", "chain"),
    [
        (7, 7, (0,), 0),
        (15, 6, (1, 0), 0),
        (55, 6, (1, 0), 0),
        (100, 1, (1, 1, 0), 1),
        (100, 99, (1, 1, 0), 1),
        (1000, 1, (1, 1, 1, 0), 2),
        (1, 1000, (1, 1, 1, 0), 2),
        (222, 123, (1, 1, 0), 0),
    ],
)
def test_borrows_of_known_differences(a: int, b: int, out: tuple[int, ...], chain: int) -> None:
    assert borrows(a, b) == out
    assert n_borrows(a, b) == sum(out)
    assert borrow_chain(a, b) == chain


@pytest.mark.parametrize(
    ("text", "chain"),
    [
        ("999+1", 2),
        ("1000-1", 2),
        ("1-1000", 2),
        ("1000+-1", 2),
        ("-999-1", 2),
        ("-999+-1", 2),
        ("-1000+1", 2),
        ("1--999", 2),
        ("999*1", 0),
        ("1000/1", 0),
        ("999+1+1", 0),
    ],
)
def test_chains_of_problems_with_signs(text: str, chain: int) -> None:
    assert longest_chain(parse_expression(text)) == chain


def test_columns_are_those_of_numbers_without_sign() -> None:
    for columns in (carries, borrows, carry_chain, borrow_chain):
        with pytest.raises(UserError, match="-1 and 5 have no columns"):
            columns(-1, 5)
