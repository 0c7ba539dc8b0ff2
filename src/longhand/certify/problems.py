"""Problems at random, in the ids of a layout: what a proof is compared with."""

from __future__ import annotations

import random
from typing import NamedTuple

from longhand.arithmetic.problem import COMPARISON
from longhand.text.layouts.base import Layout
from longhand.text.schoolbook import digits_of, write_rows


class Asked(NamedTuple):
    """A problem as it is written: two numbers, zeros in front allowed, and the operator between them."""

    a: str
    operator: str
    b: str

    @property
    def rows(self) -> str:
        """The rows that answer it."""
        return write_rows(digits_of(self.a), self.operator, digits_of(self.b))

    def ids(self, layout: Layout) -> list[int]:
        """The prompt and its rows, without the end mark."""
        text = f"{self.a}{self.operator}{self.b}={self.rows}"
        return [layout.bos, *layout.vocabulary.encode(text)]


def random_problem(operator: str, most_digits: int, rng: random.Random) -> Asked:
    """A problem of numbers of 1 to `most_digits` digits, each length equally often; nothing is divided by 0.

    Half of the comparisons are of numbers that differ in a few of their lowest digits at most, and may be equal.
    """
    a, b = (rng.randrange(10 ** rng.randint(1, most_digits)) for _ in range(2))
    if operator == COMPARISON and rng.random() < 0.5:
        power = 10 ** rng.randrange(4)
        return Asked(str(a), operator, str(a - a % power + b % power))
    return Asked(str(a), operator, str(b or 1))
