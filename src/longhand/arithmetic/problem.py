"""A problem and its exact answer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Literal, NamedTuple

from longhand.arithmetic.long_numbers import write_int
from longhand.errors import UserError

Operator = Literal["+", "-", "*", "/", "?"]
Semantics = Literal["precedence", "left_to_right"]
Division = Literal["exact", "remainder"]

OPERATORS: tuple[Operator, ...] = ("+", "-", "*", "/")
"""Those of arithmetic, whose answers are numbers."""
COMPARISON: Operator = "?"
"""Asks which of two numbers is the larger; it goes with no other operator."""
SYMBOLS: tuple[Operator, ...] = (*OPERATORS, COMPARISON)
"""All there are; the place of an operator is its code in keys and arrays."""


class QuotientRemainder(NamedTuple):
    """The answer of a division with remainder, written `17r3`: dividend = quotient * divisor + remainder."""

    quotient: int
    remainder: int

    def __str__(self) -> str:
        return f"{write_int(self.quotient)}r{write_int(self.remainder)}"


class Order(StrEnum):
    """The answer of a comparison: how the first number compares to the second."""

    LESS = "<"
    EQUAL = "="
    GREATER = ">"


Value = int | Fraction | QuotientRemainder | Order


@dataclass(frozen=True, slots=True)
class Problem:
    """Integers joined by operators, and the rules by which they are evaluated.

    `semantics` is ordinary precedence, or strictly from left to right; `division` is exact (the answer may be
    a fraction), or with remainder (two operands only; 0 <= remainder < |divisor|). `a?b` compares two operands.
    Raises `UserError` for an unknown operator or rule, a number of operands that does not fit, or a division by zero.
    """

    operands: tuple[int, ...]
    operators: tuple[str, ...]
    semantics: Semantics = "precedence"
    division: Division = "exact"

    def __post_init__(self) -> None:
        if not self.operators or len(self.operands) != len(self.operators) + 1:
            raise UserError(
                f"{len(self.operands)} operands and {len(self.operators)} operators do not make a problem; "
                "give one operand more than operators, and at least one operator"
            )
        for operator, operand in zip(self.operators, self.operands[1:], strict=True):
            if operator not in SYMBOLS:
                raise UserError(f"unknown operator {operator!r}; known are {' '.join(SYMBOLS)}")
            if operator == "/" and operand == 0:  # without parentheses every divisor is an operand
                raise UserError(f"{self.expression}: division by zero has no answer")
        if self.semantics not in ("precedence", "left_to_right"):
            raise UserError(f"semantics {self.semantics!r} is unknown; choose precedence or left_to_right")
        if self.division not in ("exact", "remainder"):
            raise UserError(f"division {self.division!r} is unknown; choose exact or remainder")
        if self.division == "remainder" and "/" in self.operators and len(self.operators) > 1:
            raise UserError(f"{self.expression}: division with remainder takes exactly two operands")
        if COMPARISON in self.operators and len(self.operators) > 1:
            raise UserError(f"{self.expression}: a comparison takes exactly two operands; write for example 12?7=")

    @property
    def value(self) -> Value:
        """The exact answer: `int` where it is whole, else `Fraction`; or quotient and remainder; or an order."""
        if self.operators == (COMPARISON,):
            first, second = self.operands
            return Order.LESS if first < second else Order.GREATER if first > second else Order.EQUAL
        if self.division == "remainder" and self.operators == ("/",):
            dividend, divisor = self.operands
            remainder = dividend % abs(divisor)
            return QuotientRemainder((dividend - remainder) // divisor, remainder)
        if len(self.operators) == 1 or self.semantics == "left_to_right":
            total = _fold(self.operands, self.operators)
        else:
            total = sum(term.sign * _fold(term.operands, term.operators) for term in signed_terms(self))
        return total if isinstance(total, int) or total.denominator > 1 else total.numerator

    @property
    def answer(self) -> str:
        """The canonical spelling of the answer: `962`, `-4`, `1/3`, `17r3`, `<`."""
        value = self.value
        return write_int(value) if isinstance(value, int) else str(value)

    @property
    def expression(self) -> str:
        """The problem as people type it, without spaces: `951+11`."""
        rest = (f"{o}{write_int(n)}" for o, n in zip(self.operators, self.operands[1:], strict=True))
        return f"{write_int(self.operands[0])}{''.join(rest)}"

    def __str__(self) -> str:
        return self.expression


class Term(NamedTuple):
    """What stands between two of the `+` and `-` of a sum: a sign, and operands joined by `*` and `/`."""

    sign: Literal[1, -1]
    operands: tuple[int, ...]
    operators: tuple[str, ...]


def signed_terms(problem: Problem) -> list[Term]:
    """Split a problem into the terms that ordinary precedence evaluates first, in the order written."""
    terms: list[Term] = []
    start = 0
    for end in range(1, len(problem.operands) + 1):
        if end == len(problem.operands) or problem.operators[end - 1] in "+-":
            sign: Literal[1, -1] = -1 if start and problem.operators[start - 1] == "-" else 1
            terms.append(Term(sign, problem.operands[start:end], problem.operators[start : end - 1]))
            start = end
    return terms


def _fold(operands: tuple[int, ...], operators: tuple[str, ...]) -> int | Fraction:
    total: int | Fraction = operands[0]
    for operator, operand in zip(operators, operands[1:], strict=True):
        match operator:
            case "+":
                total += operand
            case "-":
                total -= operand
            case "*":
                total *= operand
            case _:
                total = Fraction(total, operand)
    return total
