"""Which problems are hard (a carry has to travel) and which are rare (short operands, the longest divisions)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.problem import SYMBOLS
from longhand.data.problems import MINUS, OVER, TIMES, Ints, ProblemArrays


def carry_travels(arrays: ProblemArrays) -> NDArray[np.bool_]:
    """Whether a carry or a borrow passes through at least one column whose digits sum to 9, `[n]`.

    Of a product: whether 9, the largest carry there is, arises when its rows are added as they are written. A
    difference a-b=c is looked at as the sum c+b=a, which carries exactly where a-b borrows. Numbers of
    opposite sign are the difference of their sizes. Of a division: whether its quotient has a 9, the most rows that
    one digit takes. Problems of more than two operands never qualify.
    """
    if arrays.operands.shape[1] != 2:
        return np.zeros(len(arrays), dtype=np.bool_)
    operator = arrays.operators[:, 0]
    products = np.flatnonzero(operator == TIMES)
    a, b = arrays.operands[:, 0], arrays.operands[:, 1]
    b = np.where(operator == MINUS, -b, b)
    opposite = (a < 0) != (b < 0)
    x, y = abs(a), abs(b)
    x, y = np.where(opposite, abs(x - y), x), np.where(opposite, np.minimum(x, y), y)
    carry = np.zeros(len(arrays), dtype=np.bool_)
    travels = np.zeros(len(arrays), dtype=np.bool_)
    for _ in range(len(str(max(x.max(initial=0), y.max(initial=0))))):
        (x, x_digit), (y, y_digit) = np.divmod(x, 10), np.divmod(y, 10)
        column = x_digit + y_digit
        travels |= carry & (column == 9)
        carry = column + carry >= 10
    travels &= operator <= MINUS
    travels[products] = _carries_nine(*abs(arrays.operands[products]).T)
    divisions = np.flatnonzero(operator == OVER)
    travels[divisions] = _has_nine(np.floor_divide(*abs(arrays.operands[divisions]).T))
    return travels


def _has_nine(numbers: Ints) -> NDArray[np.bool_]:
    """Whether 9 is among the digits of each number."""
    found = np.zeros(len(numbers), dtype=np.bool_)
    for place in range(len(str(numbers.max(initial=0)))):
        found |= numbers // 10**place % 10 == 9
    return found


def _carries_nine(a: Ints, b: Ints) -> NDArray[np.bool_]:
    """Whether 9 is carried while each digit of b times a is added to what there is, units first."""
    found = np.zeros(len(a), dtype=np.bool_)
    n_digits, n_rows = len(str(a.max(initial=0))), len(str(b.max(initial=0)))
    columns = np.zeros((n_digits + n_rows, len(a)), dtype=np.int64)
    for i in range(n_rows):
        carry = np.zeros_like(a)
        for j in range(n_digits):
            product = a // 10**j % 10 * (b // 10**i % 10)
            carry, columns[i + j] = np.divmod(columns[i + j] + product + carry, 10)
            found |= carry == 9
        columns[i + n_digits] = carry
    return found


def length_cells(arrays: ProblemArrays) -> Ints:
    """A number `[n]` per row, equal exactly for rows with the same operators and the same operand lengths."""
    cells = np.zeros(len(arrays), dtype=np.int64)
    for column in range(arrays.operators.shape[1]):
        cells = cells * len(SYMBOLS) + arrays.operators[:, column]
    for column in range(arrays.operands.shape[1]):
        cells = cells * 20 + digit_counts(arrays.operands[:, column])
    return cells


def subtractions(arrays: ProblemArrays) -> Ints:
    """How often a long division subtracts its divisor, `[n]`: the digits of the quotient, summed.

    -1 for other problems, chains of several operators among them.
    """
    counts = np.full(len(arrays), -1, dtype=np.int64)
    if arrays.operands.shape[1] != 2:
        return counts
    divisions = np.flatnonzero(arrays.operators[:, 0] == OVER)
    quotients = np.floor_divide(*abs(arrays.operands[divisions]).T)
    counts[divisions] = 0
    for place in range(len(str(quotients.max(initial=0)))):
        counts[divisions] += quotients // 10**place % 10
    return counts


def digit_counts(numbers: Ints) -> Ints:
    """Decimal digits of each number without its sign, `[n]`; 0 has one."""
    sizes = abs(numbers)
    counts = np.ones(len(numbers), dtype=np.int64)
    for power in range(1, len(str(sizes.max(initial=0)))):
        counts += sizes >= 10**power
    return counts
