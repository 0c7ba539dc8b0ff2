"""A product by the digits of its second factor."""

from __future__ import annotations

from longhand.arithmetic.problem import Problem
from longhand.errors import UserError


def partial_products(problem: Problem) -> list[str]:
    """Return a product for each digit of the second factor, units first, each added to those before.

    123*45 gives `123*5=615 123*40=4920 615+4920=5535`. A sign is left to the answer. A second factor of one digit
    needs no steps. Raises `UserError` for anything but a product of two numbers.
    """
    if problem.operators != ("*",):
        raise UserError(f"{problem}: partial products are for products of two numbers")
    a, b = map(abs, problem.operands)
    steps, total = [], 0
    for place, digit in enumerate(reversed(str(b)) if b > 9 else ""):
        factor = int(digit) * 10**place
        steps.append(f"{a}*{factor}={a * factor}")
        if place:
            steps.append(f"{total}+{a * factor}={total + a * factor}")
        total += a * factor
    return steps
