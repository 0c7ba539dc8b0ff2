"""A set of problems: what a model is for, and what it is checked on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from typing import Any, Literal

from longhand.arithmetic.problem import OPERATORS, Division, Problem, Semantics
from longhand.errors import UserError

Negatives = Literal["allow", "swap", "reject"]


@dataclass(frozen=True)
class Domain:
    """All problems with `n_operands` integers from `min_operand` to `max_operand` and these operators.

    `negatives` says what happens to problems with a negative answer: `allow` keeps them, `reject` leaves them
    out, `swap` asks `a-b` as `b-a` (two operands only), which gives the same set as `reject`. With exact
    division only problems with a whole answer belong; division by zero never does. The order of iteration is
    operator-major: for each choice of operators (in the given order, the last fastest), for each choice of
    operands (the last fastest), skipping what does not belong.
    """

    operators: tuple[str, ...] = ("+", "-")
    n_operands: int = 2
    min_operand: int = 0
    max_operand: int = 999
    negatives: Negatives = "reject"
    division: Division = "exact"
    semantics: Semantics = "precedence"

    def __post_init__(self) -> None:
        object.__setattr__(self, "operators", tuple(self.operators))
        if not self.operators or len(set(self.operators)) != len(self.operators):
            raise UserError(f"operators {' '.join(self.operators)!r}: give each once, and at least one")
        for operator in self.operators:
            if operator not in OPERATORS:
                raise UserError(f"unknown operator {operator!r}; known are {' '.join(OPERATORS)}")
        if self.n_operands < 2:
            raise UserError(f"n_operands {self.n_operands} is too few; a problem has at least 2")
        if self.min_operand > self.max_operand:
            raise UserError(f"min_operand {self.min_operand} is above max_operand {self.max_operand}")
        for name, value, allowed in (
            ("negatives", self.negatives, ("allow", "swap", "reject")),
            ("division", self.division, ("exact", "remainder")),
            ("semantics", self.semantics, ("precedence", "left_to_right")),
        ):
            if value not in allowed:
                raise UserError(f"{name} {value!r} is unknown; choose {', '.join(allowed)}")
        if self.negatives == "swap" and self.n_operands > 2:
            raise UserError("negatives: swap exchanges two operands; choose allow or reject for more")
        if self.division == "remainder" and "/" in self.operators and self.n_operands > 2:
            raise UserError("division with remainder takes two operands; choose exact for more")

    def contains(self, problem: Problem) -> bool:
        """Whether the problem belongs to the domain as it is written."""
        if len(problem.operands) != self.n_operands or not set(problem.operators) <= set(self.operators):
            return False
        if not all(self.min_operand <= operand <= self.max_operand for operand in problem.operands):
            return False
        if "/" in problem.operators and problem.division != self.division:
            return False
        if len(set(problem.operators)) > 1 and problem.semantics != self.semantics:
            return False
        value = problem.value
        if isinstance(value, tuple):
            return self.negatives == "allow" or value.quotient >= 0
        return (isinstance(value, int) or "/" not in problem.operators) and (self.negatives == "allow" or value >= 0)

    def problem(self, operands: tuple[int, ...], operators: tuple[str, ...]) -> Problem:
        """The problem with these numbers under the domain's rules of evaluation."""
        return Problem(operands, operators, self.semantics, self.division)

    def __iter__(self) -> Iterator[Problem]:
        """Every problem of the domain once, in the documented order."""
        numbers = range(self.min_operand, self.max_operand + 1)
        for operators in product(self.operators, repeat=self.n_operands - 1):
            for operands in product(numbers, repeat=self.n_operands):
                try:
                    problem = self.problem(operands, operators)
                except UserError:  # division by zero
                    continue
                if self.contains(problem):
                    yield problem

    @cached_property
    def size(self) -> int:
        """The number of problems in the domain.

        In closed form for two operands and + - *; counted otherwise, which takes as long as iterating.
        """
        if self.n_operands > 2:
            return sum(1 for _ in self)
        return sum(self._count(operator) for operator in self.operators)

    def _count(self, operator: str) -> int:
        low, high = self.min_operand, self.max_operand
        n = high - low + 1
        negative_allowed = self.negatives == "allow"
        if operator == "-":
            return n * n if negative_allowed else n * (n + 1) // 2
        if operator in "+*" and (negative_allowed or low >= 0):
            return n * n
        if operator == "/" and low >= 0:
            first = max(low, 1)
            if self.division == "remainder":
                return n * max(high - first + 1, 0)
            # Multiples of each divisor between low and high, zero among them when low is zero.
            return sum(high // b - (low - 1) // b for b in range(first, high + 1))
        one = Domain((operator,), 2, low, high, self.negatives, self.division, self.semantics)
        return sum(1 for _ in one)

    def answer_range(self) -> tuple[int, int]:
        """The smallest and the largest whole number that can be an answer (the quotient, with remainders).

        For more than two operands the bounds are safe rather than tight.
        """
        low, high = self.min_operand, self.max_operand
        reach = max(abs(low), abs(high))
        if self.n_operands > 2:
            bound = reach**self.n_operands if "*" in self.operators else reach * self.n_operands
            bound = max(bound, reach)
            return (-bound if self.negatives == "allow" else 0), bound
        least: list[int] = []
        most: list[int] = []
        for operator in self.operators:
            if operator == "+":
                least, most = [*least, 2 * low], [*most, 2 * high]
            elif operator == "-":
                least, most = [*least, low - high], [*most, high - low]
            elif operator == "*":
                corners = [low * low, low * high, high * high]
                least, most = [*least, min(corners)], [*most, max(corners)]
            else:
                least, most = [*least, -reach if low < 0 else 0], [*most, reach]
        return (min(least) if self.negatives == "allow" else max(0, min(least))), max(most)

    @property
    def max_answer_digits(self) -> int:
        """Digits of the longest answer, without a sign."""
        return max(len(str(abs(bound))) for bound in self.answer_range())

    def to_dict(self) -> dict[str, Any]:
        """The domain as JSON data."""
        return {**asdict(self), "operators": list(self.operators)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Domain:
        """Read what `to_dict` wrote; raises `UserError` for an unknown key or an impossible value."""
        unknown = set(data) - set(cls.__dataclass_fields__)
        if unknown:
            raise UserError(
                f"unknown key {min(unknown)!r} in a domain; known are {', '.join(cls.__dataclass_fields__)}"
            )
        return cls(**{**data, "operators": tuple(data.get("operators", ("+", "-")))})
