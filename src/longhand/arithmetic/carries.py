"""Carries and borrows, column by column: what makes a sum hard."""

from __future__ import annotations

from longhand.errors import UserError


def carries(a: int, b: int) -> tuple[int, ...]:
    """Return the carry out of each column of `a+b`, units first, for as many columns as the longer operand has.

    Raises `UserError` for negative operands.
    """
    if min(a, b) < 0:
        raise UserError(f"carries of {a}+{b} are not defined; give operands of at least 0")
    out = []
    carry = 0
    for column in range(max(len(str(a)), len(str(b)))):
        carry = (a // 10**column % 10 + b // 10**column % 10 + carry) // 10
        out.append(carry)
    return tuple(out)


def borrows(a: int, b: int) -> tuple[int, ...]:
    """Return the borrow out of each column of `a-b` for a >= b >= 0, units first.

    A borrow of `a-b` happens exactly where `(a-b)+b` carries. Raises `UserError` for a < b.
    """
    if a < b:
        raise UserError(f"borrows of {a}-{b} are not defined; give the larger operand first")
    return carries(a - b, b)


def longest_cascade(a: int, b: int) -> int:
    """Return the longest run of columns of `a+b` whose digits sum to 9 and that pass a carry on.

    This is how far one carry travels beyond the column after the one that made it: 0 for 5+5, 1 for 95+5, 2 for 995+5.
    """
    longest = run = carry = 0
    for column, out in enumerate(carries(a, b)):
        passes = a // 10**column % 10 + b // 10**column % 10 == 9 and carry == 1
        run = run + 1 if passes else 0
        longest = max(longest, run)
        carry = out
    return longest
