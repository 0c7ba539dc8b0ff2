"""A sum folded from the left, with the digits of every number reversed."""

from __future__ import annotations

from longhand.arithmetic.problem import Problem
from longhand.errors import UserError


def running_sum(problem: Problem) -> list[str]:
    """Return the links of a chain in which the first two numbers become their sum: `3+5+2`, `8+2`, `01`.

    Joined by `=` they are the later worked steps of system 000: 99+21 gives `99+12=021`. Raises `UserError` for
    anything but a sum of numbers of at least 0.
    """
    if set(problem.operators) != {"+"} or min(problem.operands) < 0:
        raise UserError(f"{problem}: a running sum is for sums of numbers of at least 0")
    total, *remaining = problem.operands
    links = [_link([total, *remaining])]
    while remaining:
        total += remaining.pop(0)
        links.append(_link([total, *remaining]))
    return links


def _link(numbers: list[int]) -> str:
    return "+".join(str(number)[::-1] for number in numbers)
