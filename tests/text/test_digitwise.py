"""Steps of single digits: what they say is true, and each follows from few digits before it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.arithmetic.problem import Problem
from longhand.errors import UserError
from longhand.text.digitwise import PLACES, digitwise
from longhand.text.worked_steps import check_steps, write_steps

numbers = st.integers(0, 9999)
divisors = st.integers(1, 9999)


def worked(a: int, operator: str, b: int, width: int | None = None) -> list[str]:
    return digitwise(Problem((a, b), (operator,), division="remainder"), width)


def units_first(digits: str) -> int:
    return int(digits[::-1])


def test_the_examples_of_the_docstring_are_right() -> None:
    assert worked(187, "-", 503) == ["486-"]
    assert worked(12, "*", 34) == ["800080", "400040", "604001", "301040"]
    assert worked(75, "/", 32) == ["70t0", "57-0", "57s0", "34.1", "11.2", "97-2"]
    assert worked(5, "+", 7) == []


@given(numbers, numbers, st.integers(1, 6))
def test_a_difference_is_its_digits_and_whether_a_borrow_is_left(a: int, b: int, width: int) -> None:
    (row,) = worked(a, "-", b, width)
    digits = max(width, len(str(max(a, b))))
    assert len(row) == digits + 1
    assert units_first(row[:-1]) - (10**digits if row[-1] == "-" else 0) == a - b


@given(numbers, numbers)
def test_products_of_digits_and_carries_add_up_to_the_product(a: int, b: int) -> None:
    steps = worked(a, "*", b, 4)
    assert len(steps) == 16
    columns = [0] * 8
    for index, step in enumerate(steps):
        i, j = divmod(index, 4)
        assert units_first(step[:2]) == int(f"{a:04}"[3 - j]) * int(f"{b:04}"[3 - i])
        carry = int(steps[index - 1][5]) if j else 0
        assert units_first(step[2:4]) == columns[i + j] + carry
        assert units_first(step[4:]) == units_first(step[:2]) + units_first(step[2:4])
        columns[i + j] = int(step[4])
        if j == 3:
            columns[i + 4] = int(step[5])
    assert units_first("".join(map(str, columns))) == a * b


@given(numbers, divisors)
def test_the_counts_of_a_division_are_its_quotient_and_its_last_row_is_the_remainder(a: int, b: int) -> None:
    steps = worked(a, "/", b, 4)
    quotient, row, places = 0, steps[0], []
    for before, step in itertools.pairwise(steps):
        if before[4] in PLACES:
            assert before[5] == "0"
            places.append(before[4])
        if step[4] == ".":
            assert int(step[5]) == int(before[5]) + 1
            assert units_first(step[:4]) == units_first(before[:4]) - b
        if step[4] == "-":
            assert step[5] == before[5]
            quotient = 10 * quotient + int(step[5])
            row = before
            assert units_first(step[:4]) == (units_first(row[:4]) - b) % 10**4
    assert places == list(reversed(PLACES[:4]))
    assert (quotient, units_first(row[:4])) == divmod(a, b)


@given(numbers, divisors, st.sampled_from("-*/"), st.data())
def test_one_changed_character_makes_one_step_wrong(a: int, b: int, operator: str, data: st.DataObject) -> None:
    problem = Problem((a, b), (operator,), division="remainder")
    text = write_steps("digitwise", problem, 4)
    assert check_steps("digitwise", problem, text, 4).all_true
    place = data.draw(st.integers(0, len(text) - 1))
    character = data.draw(st.sampled_from([c for c in "0123456789.-s" if c != text[place]]))
    report = check_steps("digitwise", problem, text[:place] + character + text[place + 1 :], 4)
    assert report.n_true == report.n_steps - 1
    assert not check_steps("digitwise", problem, text[:-1], 4).all_true


@pytest.mark.parametrize(
    "problem",
    [Problem((-5, 3), ("+",)), Problem((5, 3, 2), ("+", "-")), Problem((10**6, 3), ("/",), division="remainder")],
)
def test_other_problems_are_refused(problem: Problem) -> None:
    with pytest.raises(UserError, match="steps digit by digit"):
        digitwise(problem)
