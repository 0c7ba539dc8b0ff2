"""Sums and differences column by column, units first."""

from __future__ import annotations

from longhand.arithmetic.problem import Problem
from longhand.errors import UserError


def columns(problem: Problem) -> list[str]:
    """Return one step per column, units first: 658+189 gives `8+9=17 5+8+1=14 6+1+1=8`.

    A missing digit is 0, and a carry is the last addend of its column. A column that has to borrow begins with ten
    more, and what it owes is the last number taken away from the next: 503-187 gives `13-7=6 10-8-1=1 5-1-1=3`.
    Signs are left to the answer, as on paper: 187-503 has the steps of 503-187, and 5+-3 those of 5-3. One column
    needs no steps. Raises `UserError` for anything but a sum of numbers of at least 0, a+b, or a-b.
    """
    if len(problem.operands) == 2 and problem.operators[0] in "+-":
        a, b = problem.operands
        if (problem.operators[0] == "+") == ((a < 0) == (b < 0)):
            return _sum((abs(a), abs(b)))
        return _difference(max(abs(a), abs(b)), min(abs(a), abs(b)))
    if set(problem.operators) == {"+"} and min(problem.operands) >= 0:
        return _sum(problem.operands)
    raise UserError(f"{problem}: steps by columns are for a+b, a-b, and sums of numbers of at least 0")


def _sum(operands: tuple[int, ...]) -> list[str]:
    width = len(str(max(operands)))
    steps, carry = [], 0
    for column in range(width if width > 1 else 0):
        addends = [operand // 10**column % 10 for operand in operands] + ([carry] if carry else [])
        steps.append(f"{'+'.join(map(str, addends))}={sum(addends)}")
        carry = sum(addends) // 10
    return steps


def _difference(a: int, b: int) -> list[str]:
    width = len(str(a))
    steps, owed = [], 0
    for column in range(width if width > 1 else 0):
        above, below = a // 10**column % 10, b // 10**column % 10
        borrowed = int(above < below + owed)
        above += 10 * borrowed
        steps.append(f"{above}-{below}{f'-{owed}' if owed else ''}={above - below - owed}")
        owed = borrowed
    return steps
