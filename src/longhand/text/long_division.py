"""Long division, one digit of the dividend at a time."""

from __future__ import annotations

from longhand.arithmetic.problem import Problem
from longhand.errors import UserError


def long_division(problem: Problem) -> list[str]:
    """Return one step per digit of the dividend: bring it down beside the remainder, divide, keep the remainder.

    951/11 gives `9/11=0r9 95/11=8r7 71/11=6r5`: the quotient is read downwards, the remainder is the last one. The
    sign of an exact quotient is left to the answer. A dividend of one digit needs no steps. Raises `UserError` for
    anything but a division of two numbers, and for a negative dividend in a division with remainder, whose answer
    is not that of its digits.
    """
    if problem.operators != ("/",):
        raise UserError(f"{problem}: long division is for a/b")
    if problem.division == "remainder" and problem.operands[0] < 0:
        raise UserError(f"{problem}: long division with remainder is for a/b with a >= 0")
    dividend, divisor = map(abs, problem.operands)
    steps, remainder = [], 0
    for digit in str(dividend) if dividend > 9 else "":
        part = 10 * remainder + int(digit)
        remainder = part % divisor
        steps.append(f"{part}/{divisor}={part // divisor}r{remainder}")
    return steps
