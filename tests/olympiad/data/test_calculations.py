"""The calculations of GSM8K are taken out without a trace, and checked exactly."""

from __future__ import annotations

import ast
import operator
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.olympiad.data.calculations import Holds, calculations, check_calculation, evaluate, strip_calculations

SOLUTION = "She sold 48/2 = <<48/2=24>>24 clips.\nIn all 48+24 = <<48+24=72>>72 clips.\n#### 72"


def stripped_with_its_result(solution: str) -> str:
    """A faulty way: the digits that follow `>>` are taken for part of the mark."""
    return re.sub(r"<<[^>]*>>\d*", "", solution)


def plain_steps(solution: str) -> list[tuple[str, str]]:
    """Steps as they stand in the text without marks: `48/2 = 24`."""
    return re.findall(r"([\d+*/.-]+) = ([\d.]+)", solution)


def test_law_11_stripped_text_still_evaluates_step_by_step() -> None:
    stripped = strip_calculations(SOLUTION)
    assert "<<" not in stripped
    steps = plain_steps(stripped)
    assert len(steps) == 2
    assert all(evaluate(left) == Fraction(right) for left, right in steps)
    assert not plain_steps(stripped_with_its_result(SOLUTION))


def test_every_step_is_named_with_whether_it_holds() -> None:
    text = "<<1/3=.33>> <<2*3=7>> <<2 of 3=5>> <<1/0=1>> <<7//2=3>> <<20*50%=10>> <<2*(3+4)=14>> <<5=2+3=5>>"
    assert [step.holds for step in calculations(text)] == [
        Holds.ROUNDED,
        Holds.WRONG,
        Holds.UNREADABLE,
        Holds.UNREADABLE,
        Holds.EXACT,
        Holds.EXACT,
        Holds.EXACT,
        Holds.EXACT,
    ]
    assert check_calculation("2*3=7").relative_error == pytest.approx(1 / 6)


OPERATORS = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv}


def python_value(node: ast.AST) -> Fraction:
    """The value of Python's own reading of an expression, in fractions."""
    match node:
        case ast.Expression(body):
            return python_value(body)
        case ast.Constant(int(value)):
            return Fraction(value)
        case ast.UnaryOp(ast.USub(), operand):
            return -python_value(operand)
        case ast.BinOp(left, sign, right):
            return Fraction(OPERATORS[type(sign)](python_value(left), python_value(right)))
    raise AssertionError(ast.dump(node))


EXPRESSIONS = st.recursive(
    st.integers(0, 10**6).map(str),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*/"), inner).map("".join), inner.map(lambda text: f"({text})")
    ),
    max_leaves=12,
)


@given(EXPRESSIONS)
def test_values_are_those_of_python_in_fractions(text: str) -> None:
    try:
        expected = python_value(ast.parse(text, mode="eval"))
    except ZeroDivisionError:
        with pytest.raises(ZeroDivisionError):
            evaluate(text)
        return
    assert evaluate(text) == expected


@pytest.mark.parametrize(
    "text", ["", "1+", "(1", "1)", "__import__('os')", "9**9**9", "1 2", "²", "1e9", "9" * 500, "2**-1", "a"]
)
def test_what_is_no_arithmetic_is_refused_and_never_run(text: str) -> None:
    with pytest.raises(ValueError):
        evaluate(text)
