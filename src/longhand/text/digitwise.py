"""Differences, products and divisions in steps of a few digits, each decided by a few digits nearby."""

from __future__ import annotations

from longhand.arithmetic.problem import Problem
from longhand.errors import UserError

PLACES = "sthWai"
"""Marks of singles, tens, hundreds and so on: letters that the unified vocabulary has anyway."""

BORROW, NO_BORROW = "-", "."


def digitwise(problem: Problem, width: int | None = None) -> list[str]:
    """Return rows of digits, units first, of two operands written with `width` digits (default: those of the wider).

    a-b is one row: the digits of the difference, then `-` if a borrow is left over, else `.`. A number below 0 is
    then known by its complement: 187-503 gives `486-`, and the answer is -(1000-684).

    a*b is one step per pair of digits, all digits of a for each digit of b: the two digits of their product, then the
    digit that comes into the column and the digit that is carried, when what the column holds so far, the product and
    the last carry are added: 12*34 gives `8080 4040 6001 3040`.

    a/b is schoolbook division in which every try is written. For each place of a there is a row that brings down its
    digit beside the remainder and names the place (`s`ingles, `t`ens, `h`undreds), and then the divisor is taken
    away as often as it goes: a row ends with the count, the one that goes too far with `-`. The counts are the digits
    of the quotient, and the last row but one holds the remainder: 75/32 gives `70t 57- 57s 341 112 97-`.

    Sums need no steps. Raises `UserError` for negative operands, more than two of them, and more digits than there
    are marks for places.
    """
    if len(problem.operands) != 2 or min(problem.operands) < 0:
        raise UserError(f"{problem}: steps digit by digit are for two operands of at least 0")
    a, b = problem.operands
    digits = max(len(str(max(a, b))), width or 1)
    operator = problem.operators[0]
    if operator == "+":
        return []
    if operator == "-":
        difference, borrow = _subtract(a, b, digits)
        return [difference + (BORROW if borrow else NO_BORROW)]
    if operator == "*":
        return _product(a, b, digits)
    if digits > len(PLACES):
        raise UserError(f"{problem}: steps digit by digit divide numbers of up to {len(PLACES)} digits, not {digits}")
    return _division(a, b, digits)


def _subtract(a: int, b: int, digits: int) -> tuple[str, bool]:
    return _units_first((a - b) % 10**digits, digits), a < b


def _product(a: int, b: int, digits: int) -> list[str]:
    steps = []
    columns = [0] * (2 * digits)
    for i in range(digits):
        carry = 0
        for j in range(digits):
            product = _digit(a, j) * _digit(b, i)
            carry, columns[i + j] = divmod(columns[i + j] + product + carry, 10)
            steps.append(f"{product % 10}{product // 10}{columns[i + j]}{carry}")
        columns[i + digits] = carry
    return steps


def _division(a: int, b: int, digits: int) -> list[str]:
    steps, remainder = [], 0
    for place in reversed(range(digits)):
        remainder = 10 * remainder + _digit(a, place)
        steps.append(_units_first(remainder, digits) + PLACES[place])
        for count in range(1, 10):
            if remainder < b:
                break
            remainder -= b
            steps.append(f"{_units_first(remainder, digits)}{count}")
        steps.append(_subtract(remainder, b, digits)[0] + BORROW)
    return steps


def _digit(number: int, place: int) -> int:
    return number // int(10**place) % 10


def _units_first(number: int, digits: int) -> str:
    return str(number).zfill(digits)[::-1]
