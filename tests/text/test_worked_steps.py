"""Worked steps: what they say, for which problems, and when they are right."""

from __future__ import annotations

from itertools import product

import pytest

from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError
from longhand.text.worked_steps import WORKED_STEPS, StepReport, check_steps, write_steps


def written(kind: str, expression: str) -> str:
    return write_steps(kind, parse_expression(expression))


@pytest.mark.row("S0-F2", "S0-F3")
@pytest.mark.parametrize(
    ("expression", "steps"),
    [
        ("658+189", "8+9=17 5+8+1=14 6+1+1=8"),
        ("99+21", "9+1=10 9+2+1=12"),
        ("5+321", "5+1=6 0+2=2 0+3=3"),
        ("3+5", ""),
        ("8+9", ""),
        ("3+5+2", ""),
        ("99+99+99", "9+9+9=27 9+9+9+2=29"),
        ("503-187", "13-7=6 10-8-1=1 5-1-1=3"),
        ("100-1", "10-1=9 10-0-1=9 1-0-1=0"),
        ("105-0", "5-0=5 0-0=0 1-0=1"),
        ("9-4", ""),
        ("187-503", "13-7=6 10-8-1=1 5-1-1=3"),
        ("15+-3", "5-3=2 1-0=1"),
        ("-15-3", "5+3=8 1+0=1"),
        ("-15--3", "5-3=2 1-0=1"),
    ],
)
def test_columns(expression: str, steps: str) -> None:
    assert written("columns", expression) == steps


def test_columns_carry_more_than_one_digit() -> None:
    assert written("columns", "+".join(["99"] * 12)) == "9+9+9+9+9+9+9+9+9+9+9+9=108 9+9+9+9+9+9+9+9+9+9+9+9+10=118"


@pytest.mark.row("S0-B4")
@pytest.mark.parametrize(("expression", "steps"), [("3+5+2", "3+5+2=8+2=01"), ("99+21", "99+12=021"), ("1+2", "1+2=3")])
def test_running_sum(expression: str, steps: str) -> None:
    assert written("running_sum", expression) == steps


@pytest.mark.parametrize(
    ("expression", "steps"),
    [
        ("123*45", "123*5=615 123*40=4920 615+4920=5535"),
        ("12*105", "12*5=60 12*0=0 60+0=60 12*100=1200 60+1200=1260"),
        ("123*4", ""),
        ("-12*34", "12*4=48 12*30=360 48+360=408"),
    ],
)
def test_partial_products(expression: str, steps: str) -> None:
    assert written("partial_products", expression) == steps


@pytest.mark.parametrize(
    ("expression", "steps"),
    [
        ("951/11", "9/11=0r9 95/11=8r7 71/11=6r5"),
        ("84/7", "8/7=1r1 14/7=2r0"),
        ("-84/7", "8/7=1r1 14/7=2r0"),
        ("8/2", ""),
    ],
)
def test_long_division(expression: str, steps: str) -> None:
    assert written("long_division", expression) == steps


def test_long_division_ends_with_the_remainder_and_its_digits_are_the_quotient() -> None:
    for dividend, divisor in product(range(10, 300, 7), range(1, 120, 5)):
        problem = Problem((dividend, divisor), ("/",), division="remainder")
        steps = [step.split("=")[1].split("r") for step in write_steps("long_division", problem).split()]
        quotient = int("".join(digit for digit, _ in steps))
        assert f"{quotient}r{steps[-1][1]}" == problem.answer


@pytest.mark.parametrize(
    ("kind", "expression", "message"),
    [
        ("columns", "12*3", "steps by columns are for"),
        ("columns", "12+3-4", "steps by columns are for"),
        ("columns", "12+-3+4", "sums of numbers of at least 0"),
        ("running_sum", "12-3", "a running sum is for sums"),
        ("running_sum", "12+-3", "at least 0"),
        ("partial_products", "12+3", "products of two numbers"),
        ("partial_products", "12*3*4", "products of two numbers"),
        ("long_division", "12*3", "long division is for a/b"),
        ("digitwise", "12?3", r"for \+ - \* and /"),
    ],
)
def test_problems_a_kind_is_not_for_are_refused(kind: str, expression: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        written(kind, expression)


def test_a_negative_dividend_has_no_remainder_on_paper() -> None:
    with pytest.raises(UserError, match="a >= 0"):
        write_steps("long_division", Problem((-17, 5), ("/",), division="remainder"))


SUM = Problem((658, 189), ("+",))
TRUE_STEPS = "8+9=17 5+8+1=14 6+1+1=8"


@pytest.mark.parametrize(
    ("text", "report"),
    [
        (TRUE_STEPS, StepReport(3, 3, None)),
        (TRUE_STEPS + "<noop><noop>", StepReport(3, 3, None)),
        ("8+9=17 5+8+1=13 6+1+1=8", StepReport(3, 2, 1)),
        ("8+9=17 5+8+1=14", StepReport(2, 2, 2)),
        (TRUE_STEPS + " 0+0=0", StepReport(4, 3, 3)),
        ("9+8=17 5+8+1=14 6+1+1=8", StepReport(3, 2, 0)),
        ("8+9=17  5+8+1=14 6+1+1=8", StepReport(4, 1, 1)),
        ("8+9=17<noop>5+8+1=14 6+1+1=8", StepReport(2, 0, 0)),
        ("", StepReport(0, 0, 0)),
    ],
    ids=[
        "right",
        "padded",
        "wrong sum",
        "missing",
        "too many",
        "true but not the step",
        "hole",
        "padding inside",
        "none",
    ],
)
def test_steps_are_compared_place_by_place(text: str, report: StepReport) -> None:
    assert check_steps("columns", SUM, text) == report


def test_only_steps_that_are_all_there_and_right_are_all_true() -> None:
    assert check_steps("columns", SUM, TRUE_STEPS).all_true
    assert not check_steps("columns", SUM, "8+9=17 5+8+1=14").all_true


def test_the_links_of_a_running_sum_are_its_steps() -> None:
    problem = Problem((3, 5, 2), ("+", "+"))
    assert check_steps("running_sum", problem, "3+5+2=8+2=01") == StepReport(3, 3, None)
    assert check_steps("running_sum", problem, "3+5+2=7+2=01") == StepReport(3, 2, 1)


def test_where_no_steps_are_wanted_any_step_is_wrong() -> None:
    assert check_steps("none", SUM, "") == StepReport(0, 0, None)
    assert check_steps("none", SUM, "8+9=17") == StepReport(1, 0, 0)
    assert check_steps("columns", Problem((3, 5), ("+",)), "3+5=8").first_wrong == 0


@pytest.mark.parametrize(
    ("kind", "operators"),
    [
        ("columns", "+-"),
        ("running_sum", "+"),
        ("partial_products", "*"),
        ("long_division", "/"),
        ("digitwise", "+"),
        ("digitwise", "-"),
        ("digitwise", "*"),
        ("digitwise", "+-*/"),
    ],
)
@pytest.mark.parametrize("n_digits", [1, 2])
def test_no_steps_are_longer_than_those_of_the_longest_problem(kind: str, operators: str, n_digits: int) -> None:
    steps = WORKED_STEPS[kind]
    numbers = range(1, 10**n_digits)
    longest = max(
        len(steps.write(Problem(operands, (operator,)), n_digits))
        for operator in operators
        for operands in product(numbers, repeat=2)
    )
    assert len(steps.write(steps.longest(n_digits, 2, operators), n_digits)) == longest


@pytest.mark.parametrize("kind", ["columns", "running_sum"])
def test_no_sum_of_three_has_longer_steps_than_the_longest_problem(kind: str) -> None:
    steps = WORKED_STEPS[kind]
    sums = (Problem(operands, ("+", "+")) for operands in product((0, 1, 5, 9, 10, 49, 50, 90, 98, 99), repeat=3))
    assert max(len(steps.write(problem)) for problem in sums) == len(steps.write(steps.longest(2, 3, "+")))
