from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.arithmetic.problem import Problem
from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.schoolbook import longest_rows, longest_schoolbook, read_schoolbook, write_rows, write_schoolbook

numbers = st.integers(0, 10**6) | st.sampled_from([0, 1, 9, 10, 99, 100, 999, 1000, 10**40, 10**40 - 1])


def problem(a: int, operator: str, b: int) -> Problem:
    return Problem((a, b), (operator,), division="remainder")


@given(numbers, st.sampled_from("+-*?"), numbers)
def test_rows_read_as_the_answer(a: int, operator: str, b: int) -> None:
    asked = problem(a, operator, b)
    rows = write_schoolbook(asked)
    assert read_schoolbook(rows) == asked.answer
    n_a, n_b = len(str(a)), len(str(b))
    assert len(rows) <= longest_rows(operator, n_a, n_b) <= longest_schoolbook(operator, max(n_a, n_b))


@given(numbers, numbers)
def test_rows_of_a_comparison_mirror_those_of_its_twin(a: int, b: int) -> None:
    rows = write_schoolbook(problem(a, "?", b))
    assert len(rows) == max(len(str(a)), len(str(b)))
    assert write_schoolbook(problem(b, "?", a)) == rows.translate(str.maketrans("<>", "><"))


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_rows_of_a_division_read_as_quotient_and_remainder(a: int, b: int) -> None:
    rows = write_schoolbook(problem(a, "/", b))
    assert read_schoolbook(rows) == f"{a // b}r{a % b}"
    n_a, n_b = len(str(a)), len(str(b))
    assert len(rows) <= longest_rows("/", n_a, n_b) <= longest_schoolbook("/", max(n_a, n_b))


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=8), st.sampled_from("+-?"), st.lists(st.integers(0, 9), min_size=1)
)
def test_zeros_in_front_change_the_rows_but_not_the_answer(a: list[int], operator: str, b: list[int]) -> None:
    x, y = (int("".join(map(str, reversed(digits)))) for digits in (a, b))
    assert read_schoolbook(write_rows(a, operator, b)) == problem(x, operator, y).answer


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        (("658", "+", "189"), "748"),
        (("12", "-", "345"), "766~333"),
        (("345", "-", "12"), "333"),
        (("34", "*", "12"), "8a6a0;8a0b4a0;"),
        (("12", "?", "7"), "<>"),
        (("1021", "?", "2020"), ">>><"),
        (("33", "?", "33"), "=="),
        (("75", "/", "32"), "Sa34Sb11Sc97Tc11#2"),
        (("7", "/", "345"), "Sa266Ta700#0"),
    ],
)
def test_known_rows(expression: tuple[str, str, str], rows: str) -> None:
    a, operator, b = expression
    assert write_schoolbook(problem(int(a), operator, int(b))) == rows


@pytest.mark.parametrize(
    "text",
    ["", "12~", "~12", "12~3", "12~00", "8a6a", "8a6a0", "Sa1", "Sa1#1", "Ta1", "1r2", "-12", "a", "1;", "<1", "?"],
)
def test_rows_that_are_not_well_formed_have_no_answer(text: str) -> None:
    assert read_schoolbook(text) is None


def test_rows_are_for_two_numbers_that_are_not_negative() -> None:
    for asked in (Problem((1, 2, 3), ("+", "+")), Problem((-1, 2), ("+",))):
        with pytest.raises(UserError, match="schoolbook rows are for two operands of at least 0"):
            write_schoolbook(asked)
    with pytest.raises(UserError, match="no dividing by 0"):
        write_rows([1], "/", [0])


@given(numbers, st.sampled_from("+-*?"), numbers)
def test_a_format_in_rows_is_read_back(a: int, operator: str, b: int) -> None:
    format = Format(begin=True, notation="schoolbook", division="remainder")
    asked = problem(a, operator, b)
    parsed = format.parse(format.render(asked).text)
    assert (parsed.problem, parsed.answer) == (asked, asked.answer)


def test_a_format_in_rows_refuses_what_would_not_act() -> None:
    with pytest.raises(UserError, match=r"format\.answer_width has no effect on notation: schoolbook"):
        Format(notation="schoolbook", answer_width=4)
