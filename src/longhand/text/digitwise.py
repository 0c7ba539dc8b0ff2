"""Differences, products and divisions in steps of a few digits, each decided by a few digits nearby."""

from __future__ import annotations

from longhand.arithmetic.problem import COMPARISON, Problem
from longhand.errors import UserError

PLACES = "sthWai"
"""Marks of singles, tens, hundreds and so on: letters that the unified vocabulary has anyway."""

BORROW, NO_BORROW = "-", "."


def digitwise(problem: Problem, width: int | None = None) -> list[str]:
    """Return rows of digits, units first, of two operands written with `width` digits (default: those of the wider).

    a-b is one row: the digits of the difference, then `-` if a borrow is left over, else `.`. A number below 0 is
    then known by its complement: 187-503 gives `486-`, and the answer is -(1000-684).

    a*b is one step per pair of digits, all digits of a for each digit of b: three sums of two digits each, units
    first. The first is the product of the pair; the second is what the column holds so far and the last carry; the
    third is the sum of both, a digit that comes into the column and one that is carried: 12*34 gives
    `800080 400040 604001 301040`. No sum is of more than two numbers, so none needs a case that hardly ever arises.

    a/b is schoolbook division in which every try is written. For each place of a there is a row that brings down its
    digit beside the remainder and names the place (`s`ingles, `t`ens, `h`undreds), and then the divisor is taken
    away as often as it goes: a row ends with `.` and the count, the one that goes too far with `-` and the last
    count, a digit of the quotient. The last row but one holds the remainder: 75/32 gives
    `70t0 57-0 57s0 34.1 11.2 97-2`. The mark in each row is what tells one digit of a row from the next.

    Sums need no steps. Raises `UserError` for negative operands, more than two of them, comparisons, and more digits
    than there are marks for places.
    """
    if len(problem.operands) != 2 or min(problem.operands) < 0:
        raise UserError(f"{problem}: steps digit by digit are for two operands of at least 0")
    a, b = problem.operands
    digits = max(len(str(max(a, b))), width or 1)
    operator = problem.operators[0]
    if operator == COMPARISON:
        raise UserError(f"{problem}: steps digit by digit are for + - * and /")
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
            product, held = _digit(a, j) * _digit(b, i), columns[i + j] + carry
            steps.append("".join(_units_first(number, 2) for number in (product, held, product + held)))
            carry, columns[i + j] = divmod(product + held, 10)
        columns[i + digits] = carry
    return steps


def _division(a: int, b: int, digits: int) -> list[str]:
    steps, remainder = [], 0
    for place in reversed(range(digits)):
        remainder = 10 * remainder + _digit(a, place)
        steps.append(f"{_units_first(remainder, digits)}{PLACES[place]}0")
        quotient = remainder // b
        for count in range(1, quotient + 1):
            remainder -= b
            steps.append(f"{_units_first(remainder, digits)}{NO_BORROW}{count}")
        steps.append(f"{_subtract(remainder, b, digits)[0]}{BORROW}{quotient}")
    return steps


def _digit(number: int, place: int) -> int:
    return number // int(10**place) % 10


def _units_first(number: int, digits: int) -> str:
    return str(number).zfill(digits)[::-1]
