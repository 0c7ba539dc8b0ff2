"""Answers in their canonical spelling, and problems that cannot exist."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest

from longhand.arithmetic.problem import Problem, QuotientRemainder, Term, signed_terms
from longhand.errors import UserError


@pytest.mark.parametrize(
    ("problem", "expression", "answer"),
    [
        (Problem((951, 11), ("+",)), "951+11", "962"),
        (Problem((5, 9), ("-",)), "5-9", "-4"),
        (Problem((5, -3), ("+",)), "5+-3", "2"),
        (Problem((-5, -3), ("*",)), "-5*-3", "15"),
        (Problem((2, 6), ("/",)), "2/6", "1/3"),
        (Problem((-2, 6), ("/",)), "-2/6", "-1/3"),
        (Problem((6, 2), ("/",)), "6/2", "3"),
        (Problem((157, 7), ("/",), division="remainder"), "157/7", "22r3"),
        (Problem((-7, 2), ("/",), division="remainder"), "-7/2", "-4r1"),
        (Problem((7, -2), ("/",), division="remainder"), "7/-2", "-3r1"),
        (Problem((4, 2), ("-",), division="remainder"), "4-2", "2"),
        (Problem((10**30, 1), ("+",)), f"{10**30}+1", f"{10**30 + 1}"),
        (Problem((12, 7), ("?",)), "12?7", ">"),
        (Problem((-7, -7), ("?",), division="remainder"), "-7?-7", "="),
        (Problem((10**30, 10**30 + 1), ("?",)), f"{10**30}?{10**30 + 1}", "<"),
    ],
)
def test_answers_have_one_spelling(problem: Problem, expression: str, answer: str) -> None:
    assert (problem.expression, str(problem), problem.answer) == (expression, expression, answer)


@pytest.mark.bug("S4-1")
def test_the_rule_of_evaluation_decides_between_answers() -> None:
    operands, operators = (9, 7, 2, 4), ("-", "/", "*")
    assert Problem(operands, operators).value == -5
    assert Problem(operands, operators, "left_to_right").value == 4


def test_values_are_whole_numbers_wherever_they_can_be() -> None:
    whole = Problem((1, 2, 1, 2), ("/", "+", "/")).value
    assert (whole, type(whole)) == (1, int)
    assert Problem((1, 2), ("/",)).value == Fraction(1, 2)
    assert Problem((7, 2), ("/",), division="remainder").value == QuotientRemainder(3, 1)


def test_terms_are_what_precedence_evaluates_first() -> None:
    assert signed_terms(Problem((-2, 3, 4, 5, 6), ("-", "*", "/", "+"))) == [
        Term(1, (-2,), ()),
        Term(-1, (3, 4, 5), ("*", "/")),
        Term(1, (6,), ()),
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (((1, 2), ("+", "+")), "2 operands and 2 operators do not make a problem; give one operand more"),
        (((1,), ()), "1 operands and 0 operators do not make a problem"),
        (((1, 2), ("%",)), "unknown operator '%'; known are + - * / ?"),
        (((1, 2, 3), ("?", "?")), "1?2?3: a comparison takes exactly two operands; write for example 12?7="),
        (((1, 2, 3), ("+", "?"), "left_to_right"), "1+2?3: a comparison takes exactly two operands"),
        (((1, 0), ("/",)), "1/0: division by zero has no answer"),
        (((1, 2, 0), ("+", "/"), "left_to_right"), "1+2/0: division by zero has no answer"),
        (((1, 2, 3), ("/", "+"), "precedence", "remainder"), "1/2+3: division with remainder takes exactly two"),
        (((1, 2), ("+",), "polish"), "semantics 'polish' is unknown; choose precedence or left_to_right"),
        (((1, 2), ("+",), "precedence", "decimal"), "division 'decimal' is unknown; choose exact or remainder"),
    ],
)
def test_what_has_no_answer_is_no_problem(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(UserError) as refusal:
        Problem(*arguments)
    assert str(refusal.value).startswith(message)
