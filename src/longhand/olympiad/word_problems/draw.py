"""What is drawn for a story; free numbers come from the part of their range that belongs to the split.

Only how long a story is, and with which bank note somebody pays, is drawn alike for every split.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, TypeVar

from longhand.olympiad.word_problems.quantity import Quantity, unit
from longhand.olympiad.word_problems.words import PEOPLE, Person

T = TypeVar("T")
Range = Literal["low", "high"]

_LOW_SHARE = 0.7  # of the numbers a slot can have, the smaller ones, are for training


class Redraw(Exception):  # noqa: N818  (a signal, not an error)
    """These numbers do not make a sensible story; draw again."""


@dataclass(slots=True)
class Draw:
    """A stream of choices. `range` decides from which part of its range every number comes.

    Only `random.random` is used, whose values for a seed Python promises to keep.
    """

    random: random.Random
    range: Range

    def number(self, low: int, high: int, of: str = "", step: int = 1) -> Quantity:
        """A whole number from `low` to `high` in steps, both included, as a quantity."""
        return self.one_of(range(low, high + 1, step), of)

    def quarters(self, low: int, high: int, of: str = "dollar") -> Quantity:
        """A multiple of a quarter from `low` to `high`: prices such as 2.75."""
        return Quantity(self.one_of(range(4 * low, 4 * high + 1)).value / 4, unit(of))

    def one_of(self, numbers: Sequence[int], of: str = "") -> Quantity:
        """One of these numbers, which are in order: the first ones for training, the others for testing."""
        cut = min(max(1, int(len(numbers) * _LOW_SHARE)), len(numbers) - 1)
        allowed = numbers[:cut] if self.range == "low" else numbers[cut:]
        return Quantity(Fraction(self.pick(allowed)), unit(of))

    def pick(self, things: Sequence[T]) -> T:
        """Any of these words or forms, in every split."""
        return things[int(self.random.random() * len(things))]

    def several(self, things: Sequence[T], count: int) -> list[T]:
        """So many different ones of these."""
        left = list(things)
        return [left.pop(int(self.random.random() * len(left))) for _ in range(count)]

    def people(self, count: int) -> list[Person]:
        """So many different people."""
        return self.several(PEOPLE, count)

    def length(self, low: int, high: int) -> int:
        """How long a story is: not an operand, so every split has all lengths."""
        return low + int(self.random.random() * (high - low + 1))

    def need(self, condition: bool) -> None:
        """Draw everything again unless `condition` holds."""
        if not condition:
            raise Redraw


def draw_for(seed: int, split: str, index: int, range: Range) -> Draw:
    """The draws of problem `index`, a function of seed, split and index alone."""
    digest = hashlib.blake2b(f"{seed}/{split}/{index}".encode(), digest_size=8).digest()
    return Draw(random.Random(int.from_bytes(digest, "little")), range)
