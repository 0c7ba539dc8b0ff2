"""Carries and borrows: what makes a sum or a difference hard."""

from __future__ import annotations

from itertools import zip_longest

from longhand.arithmetic.problem import Problem
from longhand.errors import UserError


def carries(a: int, b: int) -> tuple[int, ...]:
    """Return the carry (0 or 1) out of each column of `a+b`, units first, one per digit of the longer operand.

    Raises `UserError` for a negative operand.
    """
    out: list[int] = []
    for x, y in _columns(a, b):
        out.append((x + y + (out[-1] if out else 0)) // 10)
    return tuple(out)


def borrows(a: int, b: int) -> tuple[int, ...]:
    """Return the borrow (0 or 1) out of each column of `a-b`, units first, one per digit of the longer operand.

    `a-b` borrows exactly where `(a-b)+b` carries. Where a < b it is `b-a` that is worked out on paper. Raises
    `UserError` for a negative operand.
    """
    _refuse_negative(a, b)
    flags = carries(abs(a - b), min(a, b))
    return flags + (0,) * (len(str(max(a, b))) - len(flags))


def n_carries(a: int, b: int) -> int:
    """Return how many columns of `a+b` carry: 1 for 5+5, 2 for 55+55 and for 99+1."""
    return sum(carries(a, b))


def n_borrows(a: int, b: int) -> int:
    """Return how many columns of `a-b` borrow: 1 for 15-6, 2 for 100-1 and for 100-99."""
    return sum(borrows(a, b))


def carry_chain(a: int, b: int) -> int:
    """Return the most columns that one carry of `a+b` travels through: 0 for 55+55, 1 for 99+1, 2 for 999+1.

    A carry travels through a column whose own digits sum to 9: that column carries because, and only because,
    the one before it did. Raises `UserError` for a negative operand.
    """
    longest = run = arriving = 0
    for (x, y), leaving in zip(_columns(a, b), carries(a, b), strict=True):
        run = run + 1 if arriving and x + y == 9 else 0
        longest = max(longest, run)
        arriving = leaving
    return longest


def borrow_chain(a: int, b: int) -> int:
    """Return the most columns that one borrow of `a-b` travels through: 0 for 55-6, 1 for 100-1 and for 100-99.

    It is the carry chain of `(a-b)+b`: a borrow travels through the zeros of the larger number. Where a < b it
    is `b-a` that is meant. Raises `UserError` for a negative operand.
    """
    _refuse_negative(a, b)
    return carry_chain(abs(a - b), min(a, b))


def longest_chain(problem: Problem) -> int:
    """Return the carry or borrow chain of a sum or difference of two operands; 0 for every other problem.

    Negative operands are worked out as on paper: `5+-3` as 5-3, and `-5-3` as -(5+3).
    """
    if problem.operators not in (("+",), ("-",)):
        return 0
    a, b = problem.operands
    same_sign = (a < 0) == (b < 0)
    adds = same_sign if problem.operators == ("+",) else not same_sign
    return carry_chain(abs(a), abs(b)) if adds else borrow_chain(abs(a), abs(b))


def _columns(a: int, b: int) -> list[tuple[int, int]]:
    """Pairs of digits, units first; the missing digits of the shorter number are 0."""
    _refuse_negative(a, b)
    return list(zip_longest(map(int, reversed(str(a))), map(int, reversed(str(b))), fillvalue=0))


def _refuse_negative(a: int, b: int) -> None:
    if min(a, b) < 0:
        raise UserError(f"{a} and {b} have no columns to work in; give numbers of at least 0")
