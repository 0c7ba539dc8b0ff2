"""Answers as schoolbooks write them, row by row, so that every token follows from a few others near its column.

All rows are written units first, and nothing but the operands decides how long they are:

* `a+b`: the digits of the sum.
* `a-b`: as many digits as the longer operand has. Where a borrow is left over, the digits are those of
  10**n + a - b; then `~` and the digits of the size of the answer follow: `12-345=766~333`.
* `a*b`: for each digit of b, units first, the digits of a times this digit and all before it, ended by `;`. Each digit
  is followed by the letter of what is carried to the next column, the last one by none: `34*12=8a6a0;8a0b4a0;`.
* `a/b`: try after try, each a row of its own: a type, a letter that counts the tries that went before it, and what
  is left. `S` takes b away at its place; where that borrows, `T` adds it again, and the next row moves one place to the
  right. `#` and the digits of the quotient, the highest first, end the answer; the last `T` row is the remainder.
* `a?b`: for each column of the longer operand how the numbers compare so far, `<`, `=` or `>`; the last sign is the
  answer: `12?7=<>`.

Letters `a` to `j` stand for 0 to 9, so that what is counted cannot be taken for a digit of a number.
"""

from __future__ import annotations

import re

from longhand.arithmetic.long_numbers import write_int
from longhand.arithmetic.problem import COMPARISON, Order, Problem
from longhand.errors import UserError

LETTERS = "abcdefghij"
"""What is carried, and how often was tried: 0 to 9."""

COMPLEMENT, ROW_END, TAKE, RESTORE, QUOTIENT = "~", ";", "S", "T", "#"

_SIGNED = re.compile(r"([0-9]+)(?:~([0-9]+))?", flags=re.ASCII)
_PRODUCT = re.compile(r"(?:(?:[0-9][a-j])+[0-9];)+", flags=re.ASCII)
_COMPARISON = re.compile("[<=>]+")
_DIVISION = re.compile(r"(?:[ST][a-j][0-9]+)*T[a-j]([0-9]+)#([0-9]+)", flags=re.ASCII)


def write_schoolbook(problem: Problem) -> str:
    """The rows of a problem of two numbers of at least 0; raises `UserError` for any other."""
    if len(problem.operands) != 2 or min(problem.operands) < 0:
        raise UserError(f"{problem}: schoolbook rows are for two operands of at least 0")
    a, b = problem.operands
    return write_rows(digits_of(write_int(a)), problem.operators[0], digits_of(write_int(b)))


def write_rows(a: list[int], operator: str, b: list[int]) -> str:
    """The rows of two numbers given as digits, units first; zeros in front of a number count as digits of it."""
    if operator == "+":
        return _sum(a, b)
    if operator == "-":
        return _difference(a, b)
    if operator == "*":
        return _product(a, b)
    if operator == COMPARISON:
        return _comparison(a, b)
    if not any(b):
        raise UserError("there is no dividing by 0")
    return _division(a, b)


def digits_of(number: str) -> list[int]:
    """The digits of a written number, units first, zeros in front among them."""
    return [int(digit) for digit in reversed(number)]


def read_schoolbook(text: str) -> str | None:
    """The canonical answer that rows end in, or None if they are not well formed; no step is checked."""
    division = _DIVISION.fullmatch(text)
    if division is not None:
        return f"{_strip(division[2])}r{_strip(division[1][::-1])}"
    if _PRODUCT.fullmatch(text):
        return _strip(text[:-1].rpartition(ROW_END)[2][::2][::-1])
    if _COMPARISON.fullmatch(text):
        return text[-1]
    signed = _SIGNED.fullmatch(text)
    if signed is None:
        return None
    digits, size = signed.groups()
    if size is None:
        return _strip(digits[::-1])
    number = _strip(size[::-1])
    return None if number == "0" or len(size) != len(digits) else f"-{number}"


def longest_schoolbook(operator: str, n_digits: int) -> int:
    """Characters that no problem exceeds whose operands have at most so many digits."""
    return longest_rows(operator, n_digits, 1 if operator == "/" else n_digits)


def longest_rows(operator: str, n_a: int, n_b: int) -> int:
    """Characters that no problem exceeds whose operands have `n_a` and `n_b` digits."""
    width = max(n_a, n_b)
    if operator == "+":
        return width + 1
    if operator == "-":
        return 2 * width + 1
    if operator == "*":
        return n_b * (2 * n_a + n_b + 1)
    if operator == COMPARISON:
        return width
    shifts = max(n_a - n_b, 0) + 1
    return shifts * (11 * (width + 2) + 1) + 1  # of each at most ten rows that take away and one that restores


def _sum(a: list[int], b: list[int]) -> str:
    written, carry = [], 0
    for k in range(max(len(a), len(b))):
        carry, digit = divmod(_at(a, k) + _at(b, k) + carry, 10)
        written.append(digit)
    return _join(written + [1] * carry)


def _difference(a: list[int], b: list[int]) -> str:
    written, borrow = [], 0
    for k in range(max(len(a), len(b))):
        borrow, digit = _borrowing(_at(a, k) - _at(b, k) - borrow)
        written.append(digit)
    if not borrow:
        return _join(written)
    size, borrow = [], 0
    for digit in written:
        borrow, complement = _borrowing(-digit - borrow)
        size.append(complement)
    return f"{_join(written)}{COMPLEMENT}{_join(size)}"


def _product(a: list[int], b: list[int]) -> str:
    rows, above = [], [0] * len(a)
    for i, factor in enumerate(b):
        row, letters, carry = [], [], 0
        for j in range(len(a) + i):
            digit = a[j - i] if j >= i else 0
            carry, column = divmod(_at(above, j) + digit * factor + carry, 10)
            row.append(column)
            letters.append(LETTERS[carry])
        rows.append("".join(f"{d}{c}" for d, c in zip(row, letters, strict=True)) + f"{carry}{ROW_END}")
        above = [*row, carry]
    return "".join(rows)


def _comparison(a: list[int], b: list[int]) -> str:
    written, order = [], Order.EQUAL
    for k in range(max(len(a), len(b))):
        x, y = _at(a, k), _at(b, k)
        if x != y:
            order = Order.LESS if x < y else Order.GREATER
        written.append(order)
    return "".join(written)


def _division(a: list[int], b: list[int]) -> str:
    width = max(len(a), len(b))
    left = [*a, *[0] * (width - len(a))]
    rows, counts = [], []
    for shift in reversed(range(max(len(a) - len(b), 0) + 1)):
        count, borrow = -1, 0
        while not borrow:
            count += 1
            borrow, left = _take(left, b, shift)
            rows.append(f"{TAKE}{LETTERS[count]}{_join(left)}")
        left = _restore(left, b, shift)
        rows.append(f"{RESTORE}{LETTERS[count]}{_join(left)}")
        counts.append(count)
    return f"{''.join(rows)}{QUOTIENT}{_join(counts)}"


def _take(left: list[int], b: list[int], shift: int) -> tuple[int, list[int]]:
    borrow, taken = 0, []
    for j, digit in enumerate(left):
        borrow, column = _borrowing(digit - _at(b, j - shift) - borrow)
        taken.append(column)
    return borrow, taken


def _restore(left: list[int], b: list[int], shift: int) -> list[int]:
    carry, restored = 0, []
    for j, digit in enumerate(left):
        carry, column = divmod(digit + _at(b, j - shift) + carry, 10)
        restored.append(column)
    return restored


def _borrowing(column: int) -> tuple[int, int]:
    return (1, column + 10) if column < 0 else (0, column)


def _at(digits: list[int], k: int) -> int:
    return digits[k] if 0 <= k < len(digits) else 0


def _join(digits: list[int]) -> str:
    return "".join(map(str, digits))


def _strip(digits: str) -> str:
    return digits.lstrip("0") or "0"
