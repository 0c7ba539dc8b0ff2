"""Training, validation and test problems, told apart by a hash of the problem itself."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from longhand.arithmetic.canonical import canonical_key, is_basic_fact
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError

Split = Literal["train", "val", "test"]

# splitmix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
MASK64 = 2**64 - 1
GAMMA = 0x9E3779B97F4A7C15
MULTIPLIER_1 = 0xBF58476D1CE4E5B9
MULTIPLIER_2 = 0x94D049BB133111EB

_ROUNDING = 1e-9  # shares such as 0.7 and 0.3 sum to 1 only up to rounding


def mix64(word: int) -> int:
    """The finaliser of splitmix64: a bijection of 64-bit words in which every bit depends on every bit."""
    word = ((word ^ (word >> 30)) * MULTIPLIER_1) & MASK64
    word = ((word ^ (word >> 27)) * MULTIPLIER_2) & MASK64
    return word ^ (word >> 31)


def split_hash(key: Iterable[int], seed: int) -> int:
    """Return a hash of a key, uniform in [0, 2**64) and the same on every machine.

    All arithmetic is modulo 2**64: `h = mix64(seed + GAMMA)`, then `h = mix64((h ^ word) + GAMMA)` for each word
    of the key. An integer from -2**63 to 2**63 - 1 is one word, its two's complement; a longer one is several,
    its 64-bit limbs from the lowest to the highest, which carries the sign.
    """
    state = mix64((seed + GAMMA) & MASK64)
    for number in key:
        state = mix64(((state ^ (number & MASK64)) + GAMMA) & MASK64)
        while not -(2**63) <= number < 2**63:
            number >>= 64
            state = mix64(((state ^ (number & MASK64)) + GAMMA) & MASK64)
    return state


@dataclass(frozen=True)
class SplitConfig:
    """Which share of the problems is for training and which for validation; the rest is the test split.

    Problems with the same canonical key always fall into the same split. With `inverse` that keeps `a+b=c`,
    `b+a=c`, `c-a=b` and `c-b=a` together, without it the first two. With `train_basic_facts` the facts of two digits
    are training problems, whatever the hash says. Raises `UserError` for impossible shares.
    """

    train: float = 0.8
    val: float = 0.1
    seed: int = 0
    inverse: bool = True
    train_basic_facts: bool = False

    def __post_init__(self) -> None:
        for name, share in (("train", self.train), ("val", self.val)):
            if not 0 <= share <= 1:
                raise UserError(f"{name} is {share:g}; a share lies between 0 and 1")
        if self.train + self.val > 1 + _ROUNDING:
            raise UserError(f"train {self.train:g} and val {self.val:g} pass 1 together; lower one of them")

    @property
    def test(self) -> float:
        """The share that is left for the test split."""
        rest = 1 - self.train - self.val
        return rest if rest > _ROUNDING else 0.0

    @cached_property
    def thresholds(self) -> tuple[int, int]:
        """Hashes below the first are training, from there to below the second validation, the others test."""
        train = round(self.train * 2**64)
        return train, round((self.train + self.val) * 2**64) if self.test else 2**64

    def split_of(self, problem: Problem) -> Split:
        """Return the split of a problem and of everything that shares its key."""
        if self.train_basic_facts and is_basic_fact(problem, inverse=self.inverse):
            return "train"
        hashed = split_hash(canonical_key(problem, inverse=self.inverse), self.seed)
        train, val = self.thresholds
        return "train" if hashed < train else "val" if hashed < val else "test"


def keyed_random(seed: int, split: str, index: int) -> random.Random:
    """Return a generator of its own for each (seed, split, index).

    Its seed is the text `"{seed}/{split}/{index}"`. Sums such as `seed + index` would give neighbouring seeds
    nearly all their samples in common.
    """
    return random.Random(f"{seed}/{split}/{index}")
