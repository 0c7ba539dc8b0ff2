"""The steps on paper: what a worked answer says between `<think>` and `</think>`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Literal

from longhand.arithmetic.problem import Problem
from longhand.text.columns import columns
from longhand.text.digitwise import digitwise
from longhand.text.long_division import long_division
from longhand.text.partial_products import partial_products
from longhand.text.running_sum import running_sum

Steps = Literal["none", "columns", "running_sum", "partial_products", "long_division", "digitwise"]

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

    `steps(problem, width)` raises `UserError` for a problem it is not for; `width` is the digits that operands are
    filled to, which matters where steps are of fixed length. `longest(n_digits, n_operands, operators)` is a problem
    whose steps no problem of so many operands with at most so many digits, joined by such operators, exceeds in
    length.
    """

    steps: Callable[[Problem, int | None], list[str]]
    separator: str
    longest: Callable[[int, int, Collection[str]], Problem]

    def write(self, problem: Problem, width: int | None = None) -> str:
        """Return the steps as one string; empty where none are needed."""
        return self.separator.join(self.steps(problem, width))

    def check(self, problem: Problem, text: str, width: int | None = None) -> StepReport:
        """Compare written steps with those the rule gives, place by place; <noop>s at the end do not count.

        A true equation that is not the step which belongs in its place is wrong.
        """
        while text.endswith(NOOP):
            text = text.removesuffix(NOOP)
        wanted = self.steps(problem, width)
        written = self._cut(text, wanted)
        right = [step == want for step, want in zip(written, wanted, strict=False)]
        if all(right):
            first_wrong = None if len(written) == len(wanted) else len(right)
        else:
            first_wrong = right.index(False)
        return StepReport(len(written), sum(right), first_wrong)

    def _cut(self, text: str, wanted: list[str]) -> list[str]:
        """The written steps; without a separator those of one problem are all of one length."""
        if self.separator:
            return text.split(self.separator) if text else []
        length = len(wanted[0]) if wanted else max(len(text), 1)
        return [text[start : start + length] for start in range(0, len(text), length)]


def _sum_of_nines(n_digits: int, n_operands: int, _: Collection[str]) -> Problem:
    """The most digits, and a carry in every column."""
    return Problem((10**n_digits - 1,) * n_operands, ("+",) * (n_operands - 1))


def _product_of_nines(n_digits: int, *_: object) -> Problem:
    return Problem((10**n_digits - 1,) * 2, ("*",))


def _eights_by_nines(n_digits: int, *_: object) -> Problem:
    """Every part is smaller than the divisor, so that every remainder has as many digits as its part."""
    return Problem((8 * (10**n_digits // 9), 10**n_digits - 1), ("/",))


def _most_digitwise(n_digits: int, _: int, operators: Collection[str]) -> Problem:
    """By 1 every digit of the quotient is a 9, and takes nine rows; steps of other operators have one length each."""
    possible = [Problem((10**n_digits - 1, 1), (operator,)) for operator in operators]
    return max(possible, key=lambda problem: len("".join(digitwise(problem, n_digits))))


WORKED_STEPS: Mapping[str, WorkedSteps] = {
    "none": WorkedSteps(lambda problem, width: [], " ", _sum_of_nines),
    "columns": WorkedSteps(lambda problem, width: columns(problem), " ", _sum_of_nines),
    "running_sum": WorkedSteps(lambda problem, width: running_sum(problem), "=", _sum_of_nines),
    "partial_products": WorkedSteps(lambda problem, width: partial_products(problem), " ", _product_of_nines),
    "long_division": WorkedSteps(lambda problem, width: long_division(problem), " ", _eights_by_nines),
    "digitwise": WorkedSteps(digitwise, "", _most_digitwise),
}


def write_steps(kind: str, problem: Problem, width: int | None = None) -> str:
    """Return the worked steps of a problem as one string; empty where none are needed."""
    return WORKED_STEPS[kind].write(problem, width)


def check_steps(kind: str, problem: Problem, text: str, width: int | None = None) -> StepReport:
    """Compare written steps with those the rule gives, place by place."""
    return WORKED_STEPS[kind].check(problem, text, width)
