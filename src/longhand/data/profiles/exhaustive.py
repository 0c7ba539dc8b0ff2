"""Profile `exhaustive`: every problem of a domain once, split by fact."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import Field

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.splits import SplitConfig
from longhand.data.arrays import count_problems, domain_arrays
from longhand.data.keys import below, split_hashes
from longhand.data.profiles.profile import GeneratedData, Profile, ProfileOptions, flags
from longhand.data.record import Record, record_of
from longhand.errors import UserError
from longhand.text.formats import Format

CHUNK = 1 << 16
MOST_ROWS = 50_000_000


class ExhaustiveOptions(ProfileOptions):
    """A domain, and its shares for training, validation and test."""

    operators: tuple[Literal["+", "-", "*", "/"], ...] = Field(("+", "-"), description="operators")
    min: int = Field(0, description="smallest operand")
    max: int = Field(999, description="largest operand")
    operands: int = Field(2, ge=2, description="operands per problem (count)")
    negatives: Literal["allow", "swap", "reject"] = Field(
        "reject", description="problems with a negative answer: keep, ask as b-a, or leave out"
    )
    division: Literal["exact", "remainder"] = Field(
        "exact", description="only divisions that leave nothing, or quotient and remainder (17r3)"
    )
    semantics: Literal["precedence", "left_to_right"] = Field(
        "precedence", description="how several operators are evaluated"
    )
    train_ratio: float = Field(0.8, description="share of the facts for training (0..1)")
    val_ratio: float = Field(0.1, description="share of the facts for validation (0..1); the rest is for testing")
    inverse: bool = Field(True, description="keep a+b=c, c-a=b and c-b=a in one split, not only a+b and b+a")
    seed: int = Field(0, description="seed of the split")


def generate(options: ExhaustiveOptions) -> GeneratedData:
    """Enumerate the domain in its order, each problem for the split of its fact.

    Raises `UserError` for an impossible domain and for one too large to be written down.
    """
    domain = Domain(
        options.operators,
        options.operands,
        options.min,
        options.max,
        options.negatives,
        options.division,
        options.semantics,
    )
    size = count_problems(domain)
    if size > MOST_ROWS:
        raise UserError(f"the domain has {size:,} problems, more than {MOST_ROWS:,} rows; lower max or operands")
    if size == 0:
        raise UserError("the domain has no problem; widen min, max or operators")
    config = SplitConfig(options.train_ratio, options.val_ratio, options.seed, options.inverse)
    first, second = config.thresholds
    format = Format(semantics=options.semantics, division=options.division)
    bounds = {"train": (0, first), "val": (first, second), "test": (second, 1 << 64)}
    splits = {split: _Enumeration(domain, config, *bound, format) for split, bound in bounds.items()}
    return GeneratedData(splits, format, options.operands)


@dataclass(frozen=True, slots=True)
class _Enumeration:
    """The problems of a domain whose hash lies in `[low, high)`, written only as they are asked for."""

    domain: Domain
    config: SplitConfig
    low: int
    high: int
    format: Format

    def __iter__(self) -> Iterator[Record]:
        if self.low == self.high:
            return
        for start in range(0, count_problems(self.domain), CHUNK):
            arrays = domain_arrays(self.domain, start, start + CHUNK)
            hashes = split_hashes(arrays, self.config)
            member = below(hashes, self.high) & ~below(hashes, self.low)
            for problem in arrays.take(np.flatnonzero(member)).problems():
                yield record_of(problem, self.format)


EXHAUSTIVE = Profile(
    name="exhaustive",
    summary="every problem of a domain once, split by fact",
    options=ExhaustiveOptions,
    generate=generate,
    shape="txt",
    aliases=flags(ExhaustiveOptions),
)
