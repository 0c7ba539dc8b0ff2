"""The steps on paper: what a worked answer says between `<think>` and `</think>`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from longhand.arithmetic.problem import Problem
from longhand.text.columns import columns
from longhand.text.long_division import long_division
from longhand.text.partial_products import partial_products
from longhand.text.running_sum import running_sum

Steps = Literal["none", "columns", "running_sum", "partial_products", "long_division"]

NOOP = "<noop>"  # fills steps up to a fixed length


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


@dataclass(frozen=True, slots=True)
class WorkedSteps:
    """A way to work on paper: the steps of a problem, and what stands between two of them.

    `steps` raises `UserError` for a problem it is not for. `longest(n_digits, n_operands)` is a problem whose
    steps no problem of so many operands with at most so many digits exceeds in length.
    """

    steps: Callable[[Problem], list[str]]
    separator: str
    longest: Callable[[int, int], Problem]

    def write(self, problem: Problem) -> str:
        """Return the steps as one string; empty where none are needed."""
        return self.separator.join(self.steps(problem))

    def check(self, problem: Problem, text: str) -> StepReport:
        """Compare written steps with those the rule gives, place by place; <noop>s at the end do not count.

        A true equation that is not the step which belongs in its place is wrong.
        """
        while text.endswith(NOOP):
            text = text.removesuffix(NOOP)
        written, wanted = text.split(self.separator) if text else [], self.steps(problem)
        right = [step == want for step, want in zip(written, wanted, strict=False)]
        if all(right):
            first_wrong = None if len(written) == len(wanted) else len(right)
        else:
            first_wrong = right.index(False)
        return StepReport(len(written), sum(right), first_wrong)


def _nines(n_digits: int, n_operands: int, operator: str = "+") -> Problem:
    """The most digits, and a carry in every column."""
    return Problem((10**n_digits - 1,) * n_operands, (operator,) * (n_operands - 1))


def _eights_by_nines(n_digits: int) -> Problem:
    """Every part is smaller than the divisor, so that every remainder has as many digits as its part."""
    return Problem((8 * (10**n_digits // 9), 10**n_digits - 1), ("/",))


WORKED_STEPS: Mapping[str, WorkedSteps] = {
    "none": WorkedSteps(lambda _: [], " ", _nines),
    "columns": WorkedSteps(columns, " ", _nines),
    "running_sum": WorkedSteps(running_sum, "=", _nines),
    "partial_products": WorkedSteps(partial_products, " ", lambda n_digits, _: _nines(n_digits, 2, "*")),
    "long_division": WorkedSteps(long_division, " ", lambda n_digits, _: _eights_by_nines(n_digits)),
}


def write_steps(kind: str, problem: Problem) -> str:
    """Return the worked steps of a problem as one string; empty where none are needed."""
    return WORKED_STEPS[kind].write(problem)


def check_steps(kind: str, problem: Problem, text: str) -> StepReport:
    """Compare written steps with those the rule gives, place by place."""
    return WORKED_STEPS[kind].check(problem, text)
