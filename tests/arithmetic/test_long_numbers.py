from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.long_numbers import SHORT, parse_int, write_int
from longhand.arithmetic.problem import Problem


@given(st.integers(-(10**60), 10**60))
def test_short_numbers_are_those_of_python(number: int) -> None:
    assert write_int(number) == str(number)
    assert parse_int(str(number)) == number


@given(st.integers(1, 30_000), st.integers(0, 2**32), st.booleans())
def test_long_numbers_are_read_as_they_are_written(length: int, seed: int, negative: bool) -> None:
    rng = random.Random(seed)
    digits = "".join(rng.choice("0123456789") for _ in range(length)).lstrip("0") or "1"
    digits = f"-{digits}" if negative else digits
    assert write_int(parse_int(digits)) == digits


def test_powers_of_ten_and_one_less_have_the_right_length() -> None:
    for n in (SHORT - 1, SHORT, SHORT + 1, 4300, 4301, 20_000):
        assert write_int(10**n) == f"1{'0' * n}"
        assert write_int(10**n - 1) == "9" * n
        assert parse_int("9" * n) == 10**n - 1


def test_problems_of_any_length_are_read_asked_and_answered() -> None:
    problem = parse_expression(f"{'9' * 10_000}+1=")
    assert problem == Problem((10**10_000 - 1, 1), ("+",))
    assert problem.answer == f"1{'0' * 10_000}"
    assert problem.expression == f"{'9' * 10_000}+1"
    divided = Problem((10**10_000, 10**5000 + 1), ("/",), division="remainder")
    assert divided.answer == f"{'9' * 5000}r1"
