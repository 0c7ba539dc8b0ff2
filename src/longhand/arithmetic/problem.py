"""A problem and its exact answer."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

from longhand.errors import UserError

Operator = Literal["+", "-", "*", "/"]
Semantics = Literal["precedence", "left_to_right"]
Division = Literal["exact", "remainder"]

OPERATORS: tuple[Operator, ...] = ("+", "-", "*", "/")


class QuotientRemainder(NamedTuple):
    """The answer of a division with remainder, written `17r3`: dividend = quotient * divisor + remainder."""

    quotient: int
    remainder: int

    def __str__(self) -> str:
        return f"{self.quotient}r{self.remainder}"


Value = int | Fraction | QuotientRemainder


@dataclass(frozen=True, slots=True)
class Problem:
    """Integers joined by operators, and the rule by which they are evaluated.

    `semantics` is ordinary precedence or strictly left to right; `division` is exact (the answer may be a
    fraction) or with remainder (two operands; 0 <= remainder < |divisor|). Raises `UserError` for an unknown
    operator, a count that does not fit, or a division by zero.
    """

    operands: tuple[int, ...]
    operators: tuple[str, ...]
    semantics: Semantics = "precedence"
    division: Division = "exact"

    def __post_init__(self) -> None:
        if len(self.operands) != len(self.operators) + 1 or not self.operators:
            raise UserError(
                f"{len(self.operands)} operands and {len(self.operators)} operators do not make a problem; "
                "give one operand more than operators, and at least one operator"
            )
        for operator in self.operators:
            if operator not in OPERATORS:
                raise UserError(f"unknown operator {operator!r}; known are {' '.join(OPERATORS)}")
        if self.division == "remainder" and "/" in self.operators and len(self.operators) > 1:
            raise UserError(f"{self.expression}: division with remainder takes exactly two operands")
        try:
            self.value  # noqa: B018 - a problem without an answer must not exist
        except ZeroDivisionError:
            raise UserError(f"{self.expression}: division by zero has no answer") from None

    @property
    def value(self) -> Value:
        """The exact answer as a number: `int` where it is whole, else `Fraction`, or quotient and remainder."""
        if self.division == "remainder" and self.operators == ("/",):
            dividend, divisor = self.operands
            remainder = dividend % abs(divisor)
            return QuotientRemainder((dividend - remainder) // divisor, remainder)
        if self.semantics == "left_to_right":
            total = _fold(self.operands, self.operators)
        else:
            total = sum((sign * _fold(factors, signs) for sign, factors, signs in signed_terms(self)), Fraction(0))
        return total.numerator if total.denominator == 1 else total

    @property
    def answer(self) -> str:
        """The canonical spelling of the answer: `962`, `-4`, `1/3`, `17r3`."""
        return str(self.value)

    @property
    def expression(self) -> str:
        """The problem as people type it, without spaces: `951+11`."""
        parts = [str(self.operands[0])]
        for operator, operand in zip(self.operators, self.operands[1:], strict=True):
            parts += [operator, str(operand)]
        return "".join(parts)

    def __str__(self) -> str:
        return self.expression


def signed_terms(problem: Problem) -> list[tuple[int, tuple[int, ...], tuple[str, ...]]]:
    """Split a problem under ordinary precedence into its terms: (sign, factors, `*` and `/` between them)."""
    terms: list[tuple[int, tuple[int, ...], tuple[str, ...]]] = []
    sign, factors, signs = 1, [problem.operands[0]], list[str]()
    for operator, operand in zip(problem.operators, problem.operands[1:], strict=True):
        if operator in "*/":
            factors.append(operand)
            signs.append(operator)
        else:
            terms.append((sign, tuple(factors), tuple(signs)))
            sign, factors, signs = (1 if operator == "+" else -1), [operand], []
    terms.append((sign, tuple(factors), tuple(signs)))
    return terms


def _fold(operands: tuple[int, ...], operators: tuple[str, ...]) -> Fraction:
    total = Fraction(operands[0])
    for operator, operand in zip(operators, operands[1:], strict=True):
        match operator:
            case "+":
                total += operand
            case "-":
                total -= operand
            case "*":
                total *= operand
            case _:
                total /= operand
    return total
