"""Rules by which problems of a domain are drawn: which ones come often, and which ones rarely."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Protocol

from longhand.arithmetic.carries import longest_chain
from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError

MAX_DRAWS = 100_000  # before a rule gives up
PATIENCE = 1_000  # draws of operands before other operators are tried


class Task(Protocol):
    """An endless source of problems of one domain."""

    @property
    def domain(self) -> Domain:
        """The domain that every sample lies in."""
        ...

    def sample(self, rng: random.Random) -> Problem:
        """Return one problem; `rng` alone decides which. Raises `UserError` where none is found."""
        ...


@dataclass(frozen=True)
class Uniform:
    """Every problem of the domain equally often."""

    domain: Domain

    def sample(self, rng: random.Random) -> Problem:
        """Draw operators and operands until they make a problem of the domain."""
        for _ in range(MAX_DRAWS):
            problem = _member(self.domain, _any_operands(self.domain, rng), _any_operators(self.domain, rng))
            if problem is not None:
                return problem
        raise _not_found(self.domain, "problem")


@dataclass(frozen=True)
class EvenLengths:
    """Operators equally often, and operands by their number of digits: each equally often.

    Short operands, rare among all problems, come about as often as long ones; only about, since draws that do not
    belong to the domain are left out. A division of two operands draws its divisor this way, and as its dividend
    any number that may be divided by it.
    """

    domain: Domain

    def sample(self, rng: random.Random) -> Problem:
        """Draw operators, then operands until they make a problem of the domain."""
        operators: tuple[str, ...] = ()
        for draw in range(MAX_DRAWS):
            if draw % PATIENCE == 0:
                operators = _any_operators(self.domain, rng)
            problem = _member(self.domain, self._operands(operators, rng), operators)
            if problem is not None:
                return problem
        raise _not_found(self.domain, "problem")

    def _operands(self, operators: tuple[str, ...], rng: random.Random) -> tuple[int, ...]:
        operands = [self._operand(rng) for _ in range(self.domain.n_operands)]
        if operators == ("/",):
            dividends = self.domain.dividends(operands[1])
            if dividends:
                n_steps = (dividends[-1] - dividends[0]) // dividends.step
                operands[0] = dividends[0] + dividends.step * rng.randint(0, n_steps)
        return tuple(operands)

    def _operand(self, rng: random.Random) -> int:
        low, high = self.domain.min_operand, self.domain.max_operand
        nearest = 0 if low <= 0 <= high else min(abs(low), abs(high))
        length = rng.randint(len(str(nearest)), len(str(max(abs(low), abs(high)))))
        least: int = 10 ** (length - 1) if length > 1 else 0
        most: int = 10**length - 1
        first_below, first_above = max(low, -most), max(low, least)
        n_below = max(min(high, -max(least, 1)) - first_below + 1, 0)
        n_above = max(min(high, most) - first_above + 1, 0)
        place = rng.randrange(n_below + n_above)
        return first_below + place if place < n_below else first_above + place - n_below


@dataclass(frozen=True)
class Cascade:
    """Sums and differences in which a carry or a borrow travels through `min_columns` columns or more.

    All of them equally often, such as 99+1 and 100-99 for one column. Raises `UserError` for a domain of more
    than two operands, or without + and -.
    """

    domain: Domain
    min_columns: int = 1

    def __post_init__(self) -> None:
        if self.domain.n_operands != 2 or not set(self.domain.operators) & {"+", "-"}:
            raise UserError(f"cascade draws a+b and a-b, of which there are none in {self.domain}; leave it out")
        if self.min_columns < 1:
            raise UserError(f"min_columns is {self.min_columns}; a carry travels through at least 1")

    def sample(self, rng: random.Random) -> Problem:
        """Draw sums and differences until a carry travels far enough in one."""
        operators = [operator for operator in self.domain.operators if operator in "+-"]
        for _ in range(MAX_DRAWS):
            problem = _member(self.domain, _any_operands(self.domain, rng), (rng.choice(operators),))
            if problem is not None and longest_chain(problem) >= self.min_columns:
                return problem
        raise _not_found(self.domain, f"carry that travels through {self.min_columns} columns")


TASKS: Mapping[str, Callable[[Domain], Task]] = {
    "uniform": Uniform,
    "short": EvenLengths,
    "cascade": Cascade,
}


def task(name: str, domain: Domain) -> Task:
    """Return the rule of this name in `TASKS` for a domain; raises `UserError` for an unknown name."""
    if name not in TASKS:
        close = get_close_matches(name, TASKS, n=1)
        remedy = f"did you mean {close[0]}?" if close else f"choose {', '.join(TASKS)}"
        raise UserError(f"unknown task {name!r}; {remedy}")
    return TASKS[name](domain)


def _any_operands(domain: Domain, rng: random.Random) -> tuple[int, ...]:
    return tuple(rng.randint(domain.min_operand, domain.max_operand) for _ in range(domain.n_operands))


def _any_operators(domain: Domain, rng: random.Random) -> tuple[str, ...]:
    return tuple(rng.choice(domain.operators) for _ in range(domain.n_operands - 1))


def _member(domain: Domain, operands: Sequence[int], operators: tuple[str, ...]) -> Problem | None:
    if ("/", 0) in zip(operators, operands[1:], strict=True):
        return None
    problem = domain.problem(tuple(operands), operators)
    return problem if domain.contains(problem) else None


def _not_found(domain: Domain, what: str) -> UserError:
    return UserError(f"no {what} among {MAX_DRAWS:,} draws from {domain}; widen its operands or operators")
