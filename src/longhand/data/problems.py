"""Many problems at once, as arrays of operands, operators and answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.problem import SYMBOLS, Division, Problem, Semantics
from longhand.errors import UserError

Ints = NDArray[np.int64]
Codes = NDArray[np.uint8]

PLUS, MINUS, TIMES, OVER, VERSUS = range(5)
assert SYMBOLS == ("+", "-", "*", "/", "?")

ANSWER_LIMIT = 2**62  # below the range of int64, so that an intermediate sum of two answers still fits


@dataclass(frozen=True, slots=True)
class ProblemArrays:
    """`n` problems with `k` operands each and their whole-number answers.

    Operators are positions in `+-*/?`. `remainders` is there for division with remainder only: `answers` then holds
    the quotient, and the remainder is -1 in rows that are no division. Of comparisons, `answers` are -1, 0 and 1 for
    `<`, `=` and `>`.
    """

    operands: Ints  # [n, k]
    operators: Codes  # [n, k - 1]
    answers: Ints  # [n]
    remainders: Ints | None = None  # [n]
    semantics: Semantics = "precedence"
    division: Division = "exact"

    def __len__(self) -> int:
        return len(self.operands)

    def take(self, rows: NDArray[Any] | slice) -> ProblemArrays:
        """The problems at these indices, in this order."""
        return ProblemArrays(
            self.operands[rows],
            self.operators[rows],
            self.answers[rows],
            None if self.remainders is None else self.remainders[rows],
            self.semantics,
            self.division,
        )

    def problem(self, row: int) -> Problem:
        """One row as a problem."""
        return Problem(
            tuple(self.operands[row].tolist()),
            tuple(SYMBOLS[code] for code in self.operators[row]),
            self.semantics,
            self.division,
        )

    def problems(self) -> list[Problem]:
        """Every row as a problem; for thousands of rows, not for millions."""
        return [self.problem(row) for row in range(len(self))]


def solve_arrays(
    operands: Ints, operators: Codes, *, semantics: Semantics = "precedence", division: Division = "exact"
) -> ProblemArrays:
    """Compute the answers of problems given as arrays.

    Raises `UserError` for a division by zero, for an answer that is no whole number (except as quotient and
    remainder), and for operands whose answers may leave 62 bits.
    """
    numerators, denominators, remainders = evaluate(operands, operators, semantics, division)
    if not (denominators == 1).all():
        row = int(np.argmax(denominators != 1))
        fault = "division by zero" if denominators[row] == 0 else "the answer is not a whole number"
        raise UserError(f"{_expression(operands[row], operators[row])}: {fault}")
    return ProblemArrays(operands, operators, numerators, remainders, semantics, division)


def from_problems(problems: Sequence[Problem]) -> ProblemArrays:
    """Gather problems with equally many operands; raises `UserError` where they do not fit arrays."""
    if not problems:
        raise UserError("no problems to gather; give at least one")
    first = problems[0]
    for problem in problems:
        if len(problem.operands) != len(first.operands):
            raise UserError(f"{problem} and {first} differ in their number of operands; gather them apart")
        if (problem.semantics, problem.division) != (first.semantics, first.division):
            raise UserError(f"{problem} and {first} are evaluated by different rules; gather them apart")
        if max(map(abs, problem.operands)) >= ANSWER_LIMIT:
            raise UserError(f"{problem}: an operand has more than 62 bits")
    return solve_arrays(
        np.array([problem.operands for problem in problems], dtype=np.int64),
        np.array([[SYMBOLS.index(o) for o in p.operators] for p in problems], dtype=np.uint8),
        semantics=first.semantics,
        division=first.division,
    )


def evaluate(
    operands: Ints, operators: Codes, semantics: Semantics, division: Division
) -> tuple[Ints, Ints, Ints | None]:
    """Values as reduced fractions (numerator, denominator >= 0) and remainders, all `[n]`.

    A denominator of 0 marks a division by zero. With division by remainder the fraction is the quotient.
    Raises `UserError` if a value could leave 62 bits.
    """
    _refuse_overflow(operands, operators)
    if division == "remainder" and (operators == OVER).any():
        return _with_remainder(operands, operators)
    if operands.shape[1] == 2:
        numerators, denominators = _two_operands(operands[:, 0], operators[:, 0], operands[:, 1])
    else:
        numerators, denominators = _chain(operands, operators, semantics)
    if (operators == OVER).any():
        common = np.gcd(numerators, denominators)
        numerators, denominators = numerators // np.maximum(common, 1), denominators // np.maximum(common, 1)
        numerators, denominators = numerators * np.sign(denominators), abs(denominators)
    return numerators, denominators, None


def _two_operands(a: Ints, operator: Codes, b: Ints) -> tuple[Ints, Ints]:
    values = a + np.where(operator == MINUS, -b, b)
    denominators = np.ones_like(a)
    if (operator >= TIMES).any():
        values = np.where(operator == TIMES, a * b, np.where(operator == OVER, a, values))
        denominators = np.where(operator == OVER, b, denominators)
        values = np.where(operator == VERSUS, np.sign(a - b), values)
    return values, denominators


def _with_remainder(operands: Ints, operators: Codes) -> tuple[Ints, Ints, Ints]:
    assert operands.shape[1] == 2
    a, b, operator = operands[:, 0], operands[:, 1], operators[:, 0]
    divides = operator == OVER
    size = np.where(divides & (b != 0), abs(b), 1)
    remainders = a % size
    quotients = (a - remainders) // size * np.where(b < 0, -1, 1)
    values, _ = _two_operands(a, np.where(divides, PLUS, operator).astype(np.uint8), b)
    denominators = np.where(divides & (b == 0), 0, 1)
    return np.where(divides, quotients, values), denominators, np.where(divides, remainders, -1)


def _chain(operands: Ints, operators: Codes, semantics: Semantics) -> tuple[Ints, Ints]:
    """Fold from the left; under precedence a sum waits in `total` while the current `term` collects factors."""
    total, total_den = np.zeros_like(operands[:, 0]), np.ones_like(operands[:, 0])
    term, term_den = operands[:, 0].copy(), np.ones_like(total)
    for column in range(operators.shape[1]):
        operator, operand = operators[:, column], operands[:, column + 1]
        adds = operator <= MINUS
        signed = np.where(operator == MINUS, -operand, operand)
        scaled = np.where(operator == TIMES, term * operand, term)
        scaled_den = np.where(operator == OVER, term_den * operand, term_den)
        if semantics == "left_to_right":
            term, term_den = np.where(adds, term + signed * term_den, scaled), scaled_den
            continue
        closed, closed_den = total * term_den + term * total_den, total_den * term_den
        total, total_den = np.where(adds, closed, total), np.where(adds, closed_den, total_den)
        term, term_den = np.where(adds, signed, scaled), np.where(adds, 1, scaled_den)
    if semantics == "left_to_right":
        return term, term_den
    return total * term_den + term * total_den, total_den * term_den


def _refuse_overflow(operands: Ints, operators: Codes) -> None:
    reach = max(abs(int(operands.max(initial=0))), abs(int(operands.min(initial=0))), 1)
    k = operands.shape[1]
    products = (operators == TIMES).any() or (k > 2 and (operators == OVER).any())
    bound = k * (reach**k if products else reach)
    if bound >= ANSWER_LIMIT:
        raise UserError(
            f"{k} operands of up to {len(str(reach))} digits can have answers beyond 62 bits; use fewer digits"
        )


def _expression(operands: Ints, operators: Codes) -> str:
    parts = [str(operands[0])]
    for code, operand in zip(operators, operands[1:], strict=True):
        parts += [SYMBOLS[code], str(operand)]
    return "".join(parts)
