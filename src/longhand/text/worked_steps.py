"""The steps on paper: what a worked answer says between `<think>` and `</think>`.

Each kind of steps is a function from a problem to its list of steps. A step is an equation without spaces; steps
are joined by one space. Checking needs nothing else: a step is right if it is the one the rule writes there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from longhand.arithmetic.problem import Problem
from longhand.errors import UserError


@dataclass(frozen=True, slots=True)
class StepReport:
    """How many steps were written, how many of them are right, and the index of the first wrong or missing one."""

    n_steps: int
    n_true: int
    first_wrong: int | None

    @property
    def all_true(self) -> bool:
        """Whether every step that had to be written was, and is right."""
        return self.first_wrong is None


def columns(problem: Problem) -> list[str]:
    """Sums and differences column by column, units first: `8+9=17 5+8+1=14 6+1+1=8` (system 000).

    A carry is the last addend of its column, a missing digit is 0. A column that borrows adds ten to its first number, and the borrow it
    owes is the last number taken away: 503-187 gives `13-7=6 10-8-1=1 5-1-1=3`. One column needs no steps. Raises
    `UserError` for other operators and for negative numbers.
    """
    operators = set(problem.operators)
    if operators == {"+"} and min(problem.operands) >= 0:
        return _sum_columns(problem.operands)
    if problem.operators == ("-",) and problem.operands[0] >= problem.operands[1] >= 0:
        return _difference_columns(*problem.operands)
    raise UserError(f"{problem}: steps by columns are for sums, and for a-b with a >= b, of numbers of at least 0")


def _sum_columns(operands: tuple[int, ...]) -> list[str]:
    width = max(len(str(operand)) for operand in operands)
    if width == 1:
        return []
    steps, carry = [], 0
    for column in range(width):
        addends = [operand // 10**column % 10 for operand in operands] + ([carry] if carry else [])
        total = sum(addends)
        steps.append(f"{'+'.join(map(str, addends))}={total}")
        carry = total // 10
    return steps


def _difference_columns(a: int, b: int) -> list[str]:
    width = len(str(a))
    if width == 1:
        return []
    steps, borrow = [], 0
    for column in range(width):
        above, below = a // 10**column % 10, b // 10**column % 10
        owes = above < below + borrow
        taken = f"-{borrow}" if borrow else ""
        steps.append(f"{above + 10 * owes}-{below}{taken}={above + 10 * owes - below - borrow}")
        borrow = int(owes)
    return steps


def running_sum(problem: Problem) -> list[str]:
    """One chain that folds a sum from the left, numbers with their digits reversed: `3+5+2=8+2=01`.

    This is how the later versions of system 000 reason. Raises `UserError` for anything but a sum.
    """
    if set(problem.operators) != {"+"} or min(problem.operands) < 0:
        raise UserError(f"{problem}: a running sum is for sums of numbers of at least 0")
    remaining, links = list(problem.operands), list[str]()
    while True:
        links.append("+".join(str(number)[::-1] for number in remaining))
        if len(remaining) == 1:
            return ["=".join(links)]
        remaining[:2] = [remaining[0] + remaining[1]]


def partial_products(problem: Problem) -> list[str]:
    """A product by the digits of its second factor, units first, added up as they come.

    123*45 gives `123*5=615 123*40=4920 615+4920=5535`. One digit needs no steps. Raises `UserError` for anything
    but a product of two numbers of at least 0.
    """
    if problem.operators != ("*",) or min(problem.operands) < 0:
        raise UserError(f"{problem}: partial products are for products of two numbers of at least 0")
    a, b = problem.operands
    if len(str(b)) == 1:
        return []
    steps, total = [], 0
    for place, digit in enumerate(reversed(str(b))):
        part = int(digit) * 10**place
        steps.append(f"{a}*{part}={a * part}")
        if place:
            steps.append(f"{total}+{a * part}={total + a * part}")
        total += a * part
    return steps


def long_division(problem: Problem) -> list[str]:
    """Long division, one step per digit of the dividend: bring the digit down, divide, keep the remainder.

    951/11 gives `9/11=0r9 95/11=8r7 71/11=6r5`. Raises `UserError` for anything but a division of two numbers of
    at least 0.
    """
    if problem.operators != ("/",) or min(problem.operands) < 0:
        raise UserError(f"{problem}: long division is for a/b of numbers of at least 0")
    dividend, divisor = problem.operands
    steps, remainder = [], 0
    for digit in str(dividend):
        part = 10 * remainder + int(digit)
        remainder = part % divisor
        steps.append(f"{part}/{divisor}={part // divisor}r{remainder}")
    return steps


WORKED_STEPS: Mapping[str, Callable[[Problem], list[str]]] = {
    "columns": columns,
    "running_sum": running_sum,
    "partial_products": partial_products,
    "long_division": long_division,
}


def write_steps(kind: str, problem: Problem) -> str:
    """Return the worked steps of a problem joined by spaces; empty for the kind `none` and where none are needed."""
    return "" if kind == "none" else " ".join(WORKED_STEPS[kind](problem))


def check_steps(kind: str, problem: Problem, text: str) -> StepReport:
    """Compare written steps with those the rule gives, one by one; padding and outer spaces do not count."""
    wanted = write_steps(kind, problem).split()
    written = text.replace("<noop>", " ").split()
    right = [step == want for step, want in zip(written, wanted, strict=False)]
    wrong = [index for index, ok in enumerate(right) if not ok]
    if not wrong and len(written) != len(wanted):
        wrong = [min(len(written), len(wanted))]
    return StepReport(len(written), sum(right), wrong[0] if wrong else None)


def step_is_true(step: str) -> bool:
    """Whether an equation such as `8+9=17`, `9/11=0r9` or `13-7=6` holds, whatever problem it belongs to."""
    from longhand.arithmetic.expression import parse_expression

    left, equals, right = step.rpartition("=")
    if not equals:
        return False
    try:
        problem = parse_expression(left, division="remainder" if "r" in right else "exact")
    except UserError:
        return False
    value = problem.value
    return right == (str(value) if not isinstance(value, Fraction) else problem.answer)
