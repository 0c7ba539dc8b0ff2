"""Profile `poc`: the sums and differences of math-llm-poc, stratified by the length of the answer.

The order of random draws is part of the promise: with seed 42 the three files are math-llm-poc's, byte for byte.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

from pydantic import Field

from longhand.arithmetic.problem import Problem
from longhand.data.profiles.profile import GeneratedData, Profile, ProfileOptions, flags
from longhand.data.record import Record, record_of
from longhand.text.formats import Format

LARGEST = 999
TRIES_PER_ROW = 60

Fact = tuple[int, str, int]


class Stratum(NamedTuple):
    """Rows wanted with one operator and answers from `low` to `high`."""

    operator: str
    low: int
    high: int
    wanted: int


def _strata(operator: str, *wanted: int) -> list[Stratum]:
    """Strata by digits of the answer: 1, 2, 3 and, for sums, 4."""
    bounds = ((0, 9), (10, 99), (100, 999), (1000, 2 * LARGEST))
    return [Stratum(operator, *bound, rows) for bound, rows in zip(bounds, wanted, strict=False)]


# In the order in which they are drawn: a row that an earlier split holds cannot be in a later one.
PLAN: tuple[tuple[str, list[Stratum]], ...] = (
    ("train", _strata("+", 44, 2000, 9000, 9000)),
    ("train", _strata("-", 3000, 5000, 12000)),
    ("val", _strata("+", 5, 200, 1100, 1200)),
    ("test", _strata("+", 6, 200, 1100, 1200)),
    ("val", _strata("-", 100, 500, 1900)),
    ("test", _strata("-", 100, 500, 1900)),
)


class PocOptions(ProfileOptions):
    """The only choice the published generator leaves is the seed."""

    seed: int = Field(42, description="seed of the sampling; 42 gives the published files")


def generate(options: PocOptions) -> GeneratedData:
    """Draw 40,044 training, 5,005 validation and 5,006 test rows, no problem twice."""
    rng = random.Random(options.seed)
    seen: set[Fact] = set()
    facts: dict[str, list[Fact]] = {"train": [], "val": [], "test": []}
    for split, strata in PLAN:
        for stratum in strata:
            listed = stratum.high <= 99
            facts[split] += (_choose if listed else _sample)(stratum, seen, rng)
    for rows in facts.values():
        rng.shuffle(rows)
    format = Format()
    return GeneratedData({split: [_record(fact, format) for fact in rows] for split, rows in facts.items()}, format)


def _choose(stratum: Stratum, seen: set[Fact], rng: random.Random) -> list[Fact]:
    """Shuffle every fact of a small stratum that is still free, and take as many as are wanted."""
    free = [fact for fact in _facts(stratum) if fact not in seen]
    rng.shuffle(free)
    chosen = free[: stratum.wanted]
    seen.update(chosen)
    return chosen


def _sample(stratum: Stratum, seen: set[Fact], rng: random.Random) -> list[Fact]:
    """Draw pairs of operands until enough new facts have an answer in the stratum."""
    chosen: list[Fact] = []
    for _ in range(stratum.wanted * TRIES_PER_ROW):
        if len(chosen) == stratum.wanted:
            break
        a, b = rng.randint(0, LARGEST), rng.randint(0, LARGEST)
        if stratum.operator == "-":
            a, b = max(a, b), min(a, b)
        fact = (a, stratum.operator, b)
        answer = a + b if stratum.operator == "+" else a - b
        if stratum.low <= answer <= stratum.high and fact not in seen:
            seen.add(fact)
            chosen.append(fact)
    return chosen


def _facts(stratum: Stratum) -> Iterator[Fact]:
    """Every fact of a stratum, by answer, then by first operand."""
    for answer in range(stratum.low, stratum.high + 1):
        if stratum.operator == "+":
            firsts = range(max(0, answer - LARGEST), min(answer, LARGEST) + 1)
        else:
            firsts = range(answer, LARGEST + 1)
        for a in firsts:
            yield a, stratum.operator, abs(answer - a)


def _record(fact: Fact, format: Format) -> Record:
    a, operator, b = fact
    return record_of(Problem((a, b), (operator,)), format)


POC = Profile(
    name="poc",
    summary="0..999, + and -, stratified by answer length: the published CSV files of math-llm-poc",
    options=PocOptions,
    generate=generate,
    shape="csv",
    aliases=flags(PocOptions),
)
