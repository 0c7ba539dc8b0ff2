"""A set of problems: what a model is for, and what it is checked on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from itertools import product
from math import ceil, comb, floor
from typing import Any, Literal

from longhand.arithmetic.counting import count_signed_sums, count_values, reach
from longhand.arithmetic.pairs import Pairs
from longhand.arithmetic.problem import (
    COMPARISON,
    OPERATORS,
    SYMBOLS,
    Division,
    Order,
    Problem,
    QuotientRemainder,
    Semantics,
    Value,
)
from longhand.errors import UserError

Negatives = Literal["allow", "swap", "reject"]


@dataclass(frozen=True)
class Domain:
    """All problems of `n_operands` integers from `min_operand` to `max_operand` joined by `operators`.

    `negatives` decides about answers (or quotients) below 0: `allow` keeps these problems, `reject` leaves them
    out, `swap` asks `a-b` as `b-a` (two operands only), which comes to the same set as `reject`. Exact division
    keeps only problems with a whole answer; nothing is divided by 0. Comparisons have a domain of their own. The
    defaults are the 1,500,500 sums and differences of three digits. Raises `UserError` for impossible values.
    """

    operators: tuple[str, ...] = ("+", "-")
    n_operands: int = 2
    min_operand: int = 0
    max_operand: int = 999
    negatives: Negatives = "reject"
    division: Division = "exact"
    semantics: Semantics = "precedence"

    def __post_init__(self) -> None:
        for name in ("n_operands", "min_operand", "max_operand"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise UserError(f"{name} is {value!r}; give a whole number")
        for name, allowed in (
            ("negatives", ("allow", "swap", "reject")),
            ("division", ("exact", "remainder")),
            ("semantics", ("precedence", "left_to_right")),
        ):
            if getattr(self, name) not in allowed:
                raise UserError(f"{name} {getattr(self, name)!r} is unknown; choose {', '.join(allowed)}")
        if not isinstance(self.operators, (tuple, list, str)) or not self.operators:
            raise UserError(f"operators {self.operators!r}: give at least one of {' '.join(SYMBOLS)}")
        object.__setattr__(self, "operators", tuple(self.operators))
        for operator in self.operators:
            if operator not in SYMBOLS:
                raise UserError(f"unknown operator {operator!r}; known are {' '.join(SYMBOLS)}")
            if self.operators.count(operator) > 1:
                raise UserError(f"operator {operator!r} is given twice; give each once")
        if self.n_operands < 2:
            raise UserError(f"n_operands is {self.n_operands}; a problem has at least 2")
        if self.min_operand > self.max_operand:
            raise UserError(f"min_operand {self.min_operand} is above max_operand {self.max_operand}")
        if self.n_operands > 2 and self.negatives == "swap":
            raise UserError("negatives: swap exchanges two operands; choose allow or reject for more")
        if self.n_operands > 2 and self.division == "remainder" and "/" in self.operators:
            raise UserError("division: remainder takes two operands; choose exact for more")
        if self.compares and len(self.operators) > 1:
            raise UserError(f"operators {' '.join(self.operators)}: {COMPARISON} goes with no other; give it alone")
        if self.compares and self.n_operands > 2:
            raise UserError(f"n_operands is {self.n_operands}; a comparison takes 2")

    @property
    def compares(self) -> bool:
        """Whether its problems are comparisons, whose answers are no numbers."""
        return COMPARISON in self.operators

    def problem(self, operands: tuple[int, ...], operators: tuple[str, ...]) -> Problem:
        """Return these numbers and operators as a problem under the rules of the domain, whether in it or not."""
        return Problem(operands, operators, self.semantics, self.division)

    def contains(self, problem: Problem) -> bool:
        """Whether the problem is one of the domain, as it is written.

        A problem that names other rules belongs if they make no difference to its answer.
        """
        operands, operators = problem.operands, problem.operators
        if len(operands) != self.n_operands or not self._operators.issuperset(operators):
            return False
        if not self.min_operand <= min(operands) <= max(operands) <= self.max_operand:
            return False
        value = problem.value
        as_here = (problem.semantics, problem.division) == (self.semantics, self.division)
        return (as_here or value == self.problem(operands, operators).value) and self._admits(value)

    def dividends(self, divisor: int) -> range:
        """Return the `a` for which `a/divisor` is a problem of a domain of two operands, ascending."""
        if "/" not in self.operators or not self.min_operand <= divisor <= self.max_operand:
            return range(0)
        return self._pairs.dividends(divisor)

    def __iter__(self) -> Iterator[Problem]:
        """Every problem of the domain once.

        The order is that of nested loops, the last one fastest: over each operator in the given order, then over
        each operand in ascending order, leaving out what does not belong.
        """
        numbers = range(self.min_operand, self.max_operand + 1)
        for operators in product(self.operators, repeat=self.n_operands - 1):
            for operands in _tuples(numbers, self.n_operands):
                if ("/", 0) in zip(operators, operands[1:], strict=True):
                    continue
                problem = self.problem(operands, operators)
                if self._admits(problem.value):
                    yield problem

    def _admits(self, value: Value) -> bool:
        if isinstance(value, QuotientRemainder):
            return self._negative or value.quotient >= 0
        return isinstance(value, Order) or (isinstance(value, int) and (self._negative or value >= 0))

    @cached_property
    def size(self) -> int:
        """The number of problems.

        For two operands, for sums and differences of any number of operands, and where nothing is left out, this
        is a formula (for division, one term for each divisor). Otherwise the values of all problems are counted,
        which takes seconds for three two-digit operands and every operator.
        """
        low, high, k = self.min_operand, self.max_operand, self.n_operands
        if k == 2:
            return sum(self._pairs.count(operator) for operator in self.operators)
        if "/" not in self.operators and (self._negative or (low >= 0 and "-" not in self.operators)):
            total: int = (high - low + 1) ** k * len(self.operators) ** (k - 1)
            return total
        if set(self.operators) <= {"+", "-"}:
            n_minuses = range(k)
            if len(self.operators) == 1:
                n_minuses = range(1) if self.operators == ("+",) else range(k - 1, k)
            return sum(comb(k - 1, n) * count_signed_sums(k - n, n, low, high) for n in n_minuses)
        numbers = range(low, high + 1)
        counts = count_values(numbers, k, self.operators, left_to_right=self.semantics == "left_to_right")
        return sum(n for value, n in counts.items() if value.denominator == 1 and (self._negative or value >= 0))

    def answer_range(self) -> tuple[int, int]:
        """Return the smallest and the largest answer (quotient, with remainders) of the domain's problems.

        Both are answers for two operands; for more, no answer lies outside them. Raises `UserError` for a domain
        without problems, and for one of comparisons.
        """
        if self.compares:
            raise UserError(f"a{COMPARISON}b is answered by no number; answers have a range with {' '.join(OPERATORS)}")
        if self._answer_range is None:
            raise UserError(f"no problem lies in the domain {self}; widen its operands or operators")
        return self._answer_range

    @property
    def max_answer_digits(self) -> int:
        """Digits of the longest answer (quotient, with remainders), without a sign."""
        return max(len(str(abs(bound))) for bound in self.answer_range())

    def to_dict(self) -> dict[str, Any]:
        """The domain as JSON data."""
        return {**asdict(self), "operators": list(self.operators)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Domain:
        """Read what `to_dict` wrote; raises `UserError` for an unknown key or an impossible value."""
        known = [field.name for field in fields(cls)]
        for key in data:
            if key not in known:
                raise UserError(f"unknown key {key!r} in a domain; known are {', '.join(known)}")
        return cls(**data)

    @cached_property
    def _operators(self) -> frozenset[str]:
        return frozenset(self.operators)

    @property
    def _negative(self) -> bool:
        return self.negatives == "allow"

    @cached_property
    def _pairs(self) -> Pairs:
        return Pairs(self.min_operand, self.max_operand, self.division == "exact", self._negative)

    @cached_property
    def _answer_range(self) -> tuple[int, int] | None:
        if self.n_operands == 2:
            ranges = [self._pairs.answer_range(operator) for operator in self.operators]
            ends = [end for answers in ranges if answers is not None for end in answers]
            return (min(ends), max(ends)) if ends else None
        interval = reach(
            self.min_operand,
            self.max_operand,
            self.n_operands,
            self.operators,
            left_to_right=self.semantics == "left_to_right",
        )
        if interval is None:
            return None
        least, most = ceil(interval[0]), floor(interval[1])
        least = least if self._negative else max(least, 0)
        return (least, most) if least <= most else None


def _tuples(numbers: range, length: int) -> Iterator[tuple[int, ...]]:
    """What `itertools.product` yields, without holding the numbers in memory: a domain may be huge."""
    if length == 1:
        for number in numbers:
            yield (number,)
    else:
        for first in numbers:
            for rest in _tuples(numbers, length - 1):
                yield (first, *rest)
