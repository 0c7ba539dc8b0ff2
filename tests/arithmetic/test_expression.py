"""What people may type, and what they are told otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("951+11", "951+11"),
        ("951+11=", "951+11"),
        ("  86 - 11 = ", "86-11"),
        ("What is 65 - 62?", "65-62"),
        ("what  is 65-62 ? ", "65-62"),
        ("5+-3", "5+-3"),
        ("-5 - -3=", "-5--3"),
        ("2+3*4/5-0", "2+3*4/5-0"),
        ("12?7", "12?7"),
        (" 12 ? -7 = ", "12?-7"),
        ("What is 12 ? 7?", "12?7"),
    ],
)
def test_people_may_write_a_problem_in_several_ways(text: str, expression: str) -> None:
    assert parse_expression(text).expression == expression


@given(st.integers(), st.sampled_from("+-*/?"), st.integers().filter(bool))
def test_problems_without_spaces_are_read_like_others(left: int, operator: str, right: int) -> None:
    expected = Problem((left, right), (operator,), "left_to_right")
    for text in (f"{left}{operator}{right}", f"{left}{operator}{right}=", f" {left} {operator} {right} ="):
        assert parse_expression(text, semantics="left_to_right") == expected


def test_the_rules_of_evaluation_are_the_callers() -> None:
    parsed = parse_expression("17/5=", semantics="left_to_right", division="remainder")
    assert parsed == Problem((17, 5), ("/",), "left_to_right", "remainder")


def test_leading_zeros_are_read_only_on_request() -> None:
    assert parse_expression("007+-01", leading_zeros=True) == Problem((7, -1), ("+",))
    for text, remedy in (("007+1", "007 has leading zeros; write 7"), ("1+-0", "-0 has leading zeros; write 0")):
        with pytest.raises(UserError, match=remedy):
            parse_expression(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "'' ends where a number is expected"),
        ("=", "'=' ends where a number is expected"),
        ("12+", "'12+' ends where a number is expected; write for example 951+11="),
        ("12+=", "'12+=' ends where a number is expected"),
        ("abc", "'abc': 'a' at character 1, where a number is expected"),
        (" 12 + x3", "' 12 + x3': 'x' at character 7, where a number is expected"),
        ("12 3", "'12 3': '3' at character 4, where one of + - * / ? is expected"),
        ("1+1==", "'1+1==': '=' at character 4, where one of + - * / ? is expected"),
        ("1+2=3", "'1+2=3': '=' at character 4, where one of + - * / ? is expected"),
        ("1+1\n", "'1+1\\n': '\\n' at character 4, where one of + - * / ? is expected"),
        ("7 - - 1", "'7 - - 1': '-' at character 5, where a number is expected"),
        ("7×1", "'7×1': '×' at character 2, where one of + - * / ? is expected"),
        ("７+1", "'７+1': '７' at character 1, where a number is expected"),
        ("1+٣", "'1+٣': '٣' at character 3, where a number is expected"),
        ("What is 1+a?", "'What is 1+a?': 'a' at character 11, where a number is expected"),
        ("What is ?", "'What is ?' ends where a number is expected"),
        ("5=", "'5=' is a number, not a problem"),
        ("951+11?", "'951+11?' ends where a number is expected"),
        ("1+2?3=", "1+2?3: a comparison takes exactly two operands"),
        ("1/0=", "1/0: division by zero has no answer"),
        ("9" * 1_000_000 + "+1", "'99999999999999999999'... has 1000002 characters; write at most 1000000"),
    ],
)
def test_a_text_that_asks_nothing_gets_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(UserError) as refusal:
        parse_expression(text)
    assert str(refusal.value).startswith(message)
    assert "\n" not in str(refusal.value)


def test_the_longest_text_that_is_read_has_an_answer_that_can_be_written() -> None:
    factor = "9" * 1999
    assert len(parse_expression(f"{factor}*{factor}").answer) == 3998
