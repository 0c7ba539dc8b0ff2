"""The steps of `text.digitwise` for many problems of one operator at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from longhand.data.problems import MINUS, OVER, PLUS, Ints, ProblemArrays
from longhand.text.digitwise import BORROW, NO_BORROW, PLACES

Characters = NDArray[np.uint8]

ALPHABET = f"0123456789{BORROW}{NO_BORROW}{PLACES}"
_ZERO = ord("0")


def digitwise_characters(arrays: ProblemArrays, width: int) -> tuple[Characters, Ints]:
    """Return the steps as ASCII codes [n, longest], and their lengths [n].

    Operands are two, all of at least 0 and of at most `width` digits, and the operator is the same in every row.
    """
    operator = arrays.operators[0, 0]
    a, b = arrays.operands.T
    n = len(arrays)
    if operator == PLUS:
        return np.zeros((n, 0), dtype=np.uint8), np.zeros(n, dtype=np.int64)
    if operator == MINUS:
        signs = np.where(a < b, ord(BORROW), ord(NO_BORROW))
        steps = np.column_stack([_digits((a - b) % 10**width, width), signs])
    elif operator == OVER:
        return _division(a, b, width)
    else:
        steps = _product(a, b, width)
    return steps.astype(np.uint8), np.full(n, steps.shape[1])


def count_steps(arrays: ProblemArrays, width: int) -> Ints:
    """How many steps each problem takes, [n]; the operators may differ."""
    a, b = arrays.operands.T
    quotients = a // np.maximum(b, 1)
    tries = 2 * width + _sum_of_digits(quotients, width)
    operator = arrays.operators[:, 0]
    return np.select([operator == PLUS, operator == MINUS, operator == OVER], [0, 1, tries], width * width)


def _sum_of_digits(numbers: Ints, width: int) -> Ints:
    return sum((numbers // 10**place % 10 for place in range(width)), np.zeros_like(numbers))


def _digits(numbers: Ints, width: int) -> Ints:
    """ASCII codes [n, width], units first."""
    digits: Ints = numbers[:, None] // 10 ** np.arange(width) % 10 + _ZERO
    return digits


def _product(a: Ints, b: Ints, width: int) -> Ints:
    steps = []
    columns = np.zeros((2 * width, len(a)), dtype=np.int64)
    for i in range(width):
        carry = np.zeros_like(a)
        for j in range(width):
            product = a // 10**j % 10 * (b // 10**i % 10)
            held = columns[i + j] + carry
            carry, columns[i + j] = np.divmod(product + held, 10)
            digits = (product % 10, product // 10, held % 10, held // 10, columns[i + j], carry)
            steps += [digit + _ZERO for digit in digits]
        columns[i + width] = carry
    return np.column_stack(steps)


def _division(a: Ints, b: Ints, width: int) -> tuple[Characters, Ints]:
    row = width + 2
    lengths = row * (2 * width + _sum_of_digits(a // b, width))
    steps = np.zeros((len(a), int(lengths.max(initial=0))), dtype=np.uint8)
    page, starts = steps.reshape(-1), np.arange(len(a)) * steps.shape[1]
    remainder = np.zeros_like(a)
    at = starts.copy()

    def write(rows: Ints, numbers: Ints, mark: str, count: Ints | int) -> None:
        page[at[rows, None] + np.arange(width)] = _digits(numbers, width)
        page[at[rows] + width] = ord(mark)
        page[at[rows] + width + 1] = count + _ZERO
        at[rows] += row

    everywhere = np.arange(len(a))
    for place in reversed(range(width)):
        remainder = 10 * remainder + a // 10**place % 10
        quotient = remainder // b
        write(everywhere, remainder, PLACES[place], 0)
        for count in range(1, int(quotient.max(initial=0)) + 1):
            goes = np.flatnonzero(quotient >= count)
            remainder[goes] -= b[goes]
            write(goes, remainder[goes], NO_BORROW, count)
        write(everywhere, (remainder - b) % 10**width, BORROW, quotient)
    return steps, lengths
