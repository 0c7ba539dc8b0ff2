"""What is refused, and in which words."""

from __future__ import annotations

import pytest

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("12+", "'12+' ends where a number is expected"),
        ("", "'' ends where a number is expected"),
        ("abc", "'a' at character 1"),
        ("12+x3", "'x' at character 4"),
        ("12 3", "'3' at character 4, where one of"),
        ("007+1", "007 has leading zeros; write 7"),
        ("5", "is a number, not a problem"),
        ("1/0", "division by zero"),
        ("７+1", "'７' at character 1"),
        ("1+1\n", "where one of"),
        ("What is ?", "ends where a number is expected"),
    ],
)
def test_a_text_that_asks_nothing_gets_one_clear_line(text: str, message: str) -> None:
    with pytest.raises(UserError) as refusal:
        parse_expression(text)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value).replace(repr(text), "")


@pytest.mark.parametrize(
    ("text", "answer"),
    [("951+11=", "962"), ("86 - 11 =", "75"), ("What is 65 - 62?", "3"), ("5+-3", "2"), ("-5--3=", "-2"), ("2+3*4", "14")],
)
def test_people_may_write_a_problem_in_several_ways(text: str, answer: str) -> None:
    assert parse_expression(text).answer == answer


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"operators": ("%",)}, "unknown operator '%'"),
        ({"operators": ()}, "at least one"),
        ({"min_operand": 5, "max_operand": 4}, "min_operand 5 is above max_operand 4"),
        ({"negatives": "maybe"}, "negatives 'maybe' is unknown"),
        ({"n_operands": 1}, "n_operands"),
        ({"negatives": "swap", "n_operands": 3}, "swap exchanges two operands"),
    ],
)
def test_an_impossible_domain_gets_one_clear_line(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Domain(**settings)  # type: ignore[arg-type]


def test_operands_and_operators_must_fit_together() -> None:
    with pytest.raises(UserError, match="give one operand more than operators"):
        Problem((1, 2), ("+", "+"))
