"""Profile `mathqa`: the corpus of LLM-Math-Solver, half expressions, half questions.

The order of random draws is part of the promise: all lines together, in order, are LLM-Math-Solver's corpus.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from longhand.arithmetic.problem import Problem
from longhand.arithmetic.splits import SplitConfig
from longhand.data.profiles.profile import GeneratedData, Profile, ProfileOptions, flags
from longhand.data.record import Record, record_of
from longhand.text.formats import Format

LARGEST = 99


class MathqaOptions(ProfileOptions):
    """The options of LLM-Math-Solver's generator, and how to keep training and test problems apart."""

    n: int = Field(500_000, ge=1, description="rows in all splits together (count); only 50,100 can be different")
    seed: int = Field(0, description="seed of the sampling, and of the split")
    split: Literal["key", "none"] = Field(
        "key",
        description="split by problem, so that no fact is in two splits, or write the corpus as one file",
    )
    train_ratio: float = Field(0.8, description="share of the facts for training (0..1)")
    val_ratio: float = Field(0.1, description="share of the facts for validation (0..1); the rest is for testing")


def generate(options: MathqaOptions) -> GeneratedData:
    """Draw rows with replacement and give each to the split of its fact; the order of the corpus is kept."""
    config = SplitConfig(options.train_ratio, options.val_ratio, options.seed)
    splits: dict[str, list[Record]] = {"train": [], "val": [], "test": []} if options.split == "key" else {"all": []}
    drawn: dict[tuple[int, str, int, int], tuple[str, Record]] = {}
    formats = (Format(), Format(style="question"))
    for fact in _draws(options):
        if fact not in drawn:
            a, operator, b, style = fact
            problem = Problem((a, b), (operator,))
            home: str = config.split_of(problem) if options.split == "key" else "all"
            drawn[fact] = home, record_of(problem, formats[style])
        home, record = drawn[fact]
        splits[home].append(record)
    return GeneratedData(splits, formats[0])


def _draws(options: MathqaOptions) -> Iterator[tuple[int, str, int, int]]:
    rng = random.Random(options.seed)
    for _ in range(options.n):
        operator = rng.choice("+-*")
        a, b = rng.randint(0, LARGEST), rng.randint(0, LARGEST)
        if operator == "-":
            a, b = max(a, b), min(a, b)
        yield a, operator, b, rng.choice((0, 1))


MATHQA = Profile(
    name="mathqa",
    summary="0..99, + - *, half expressions, half questions: the corpus of LLM-Math-Solver, split by fact",
    options=MathqaOptions,
    generate=generate,
    shape="txt",
    aliases=flags(MathqaOptions),
)
