"""Training, validation and test problems, told apart by a hash of the problem itself."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from longhand.arithmetic.canonical import canonical_key
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError

Split = Literal["train", "val", "test"]

MASK64 = (1 << 64) - 1
GAMMA = 0x9E3779B97F4A7C15
MULTIPLIER_1 = 0xBF58476D1CE4E5B9
MULTIPLIER_2 = 0x94D049BB133111EB


def mix64(word: int) -> int:
    """The finaliser of splitmix64 (Steele, Lea & Flood 2014): a bijection of 64-bit words that scatters bits."""
    word = ((word ^ (word >> 30)) * MULTIPLIER_1) & MASK64
    word = ((word ^ (word >> 27)) * MULTIPLIER_2) & MASK64
    return word ^ (word >> 31)


def split_hash(key: Iterable[int], seed: int) -> int:
    """Return a 64-bit hash of a key: `h = mix64(seed + GAMMA)`, then `h = mix64((h ^ word) + GAMMA)` per word.

    An integer from -2**63 to 2**63 - 1 is one word, its two's complement; a longer one is its 64-bit limbs,
    lowest first, the highest sign-extended. All arithmetic is modulo 2**64, so NumPy's uint64 does the same.
    """
    state = mix64((seed + GAMMA) & MASK64)
    for number in key:
        while True:
            state = mix64(((state ^ (number & MASK64)) + GAMMA) & MASK64)
            if -(1 << 63) <= number < 1 << 63:
                break
            number >>= 64
    return state


@dataclass(frozen=True, slots=True)
class SplitConfig:
    """Shares of the problem families in training and validation; the rest is the test split.

    With `inverse` a family holds a+b=c, b+a=c, c-a=b and c-b=a; without it only commuted twins. Raises
    `UserError` for shares outside 0..1 or above 1 together.
    """

    train: float = 0.8
    val: float = 0.1
    seed: int = 0
    inverse: bool = True

    def __post_init__(self) -> None:
        if not (0 <= self.train <= 1 and 0 <= self.val <= 1 and self.train + self.val <= 1 + 1e-9):
            raise UserError(
                f"train {self.train:g} and val {self.val:g} are not shares of one whole; "
                "each lies between 0 and 1, and together they do not pass 1"
            )

    @property
    def thresholds(self) -> tuple[int, int]:
        """Hashes below the first are training, below the second validation, the rest test (of 2**64)."""
        return round(self.train * 2**64), round(min(self.train + self.val, 1.0) * 2**64)

    def split_of(self, problem: Problem) -> Split:
        """The split this problem, its commuted twin and (with `inverse`) its inverse facts belong to."""
        hashed = split_hash(canonical_key(problem, inverse=self.inverse), self.seed)
        train, val = self.thresholds
        return "train" if hashed < train else "val" if hashed < val else "test"


def keyed_random(seed: int, split: str, index: int) -> random.Random:
    """A generator of its own for each (seed, split, index), so that neighbouring seeds share nothing."""
    return random.Random(f"{seed}/{split}/{index}")
