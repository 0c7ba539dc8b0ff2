"""Profile `mini`: uniform operands and chosen operators, as MiniLanguageModels draws them.

The order of random draws is part of the promise: the default options give the published files, byte for byte.
"""

from __future__ import annotations

import random
from typing import Literal

from pydantic import Field

from longhand.arithmetic.problem import Problem, Semantics
from longhand.data.profiles.profile import GeneratedData, Profile, ProfileOptions, flags, split_sizes
from longhand.data.record import record_of
from longhand.errors import UserError
from longhand.text.formats import Format

TRIES_PER_ROW = 10


class MiniOptions(ProfileOptions):
    """The options of MiniLanguageModels' generator."""

    n_samples: int = Field(70_000, ge=1, description="different problems wanted (count)")
    operands: int = Field(2, ge=2, description="operands per problem (count)")
    min: int = Field(0, description="smallest operand")
    max: int = Field(999, description="largest operand")
    ops: tuple[Literal["+", "-", "*", "/"], ...] = Field(("+",), min_length=1, description="operators to choose from")
    seed: int = Field(0, description="seed of the sampling; 0 gives the published files")
    train_ratio: float = Field(0.8, description="share of the rows for training (0..1)")
    val_ratio: float = Field(0.1, description="share of the rows for validation (0..1); the rest is for testing")


def generate(options: MiniOptions) -> GeneratedData:
    """Draw different problems, shuffle them and cut them into splits.

    Several operators are evaluated from left to right, as the published generator does; a warning says how many rows
    would have another answer under ordinary precedence. Raises `UserError` for an empty range of operands.
    """
    if options.min > options.max:
        raise UserError(f"min {options.min} is above max {options.max}; no operand lies between them")
    sizes = split_sizes(options.n_samples, options.train_ratio, options.val_ratio)
    rng = random.Random(options.seed)
    # Two operands have one reading; only longer problems need to say theirs.
    semantics: Semantics = "precedence" if options.operands == 2 else "left_to_right"
    found: dict[tuple[tuple[int, ...], tuple[str, ...]], Problem] = {}
    tries = options.n_samples * TRIES_PER_ROW
    while len(found) < options.n_samples and tries:
        operands, operators = _draw(options, rng)
        found.setdefault((operands, operators), Problem(operands, operators, semantics))
        tries -= 1
    problems = list(found.values())
    rng.shuffle(problems)
    sizes = split_sizes(len(problems), options.train_ratio, options.val_ratio)
    format = Format(semantics=semantics)
    rows = iter([record_of(problem, format, begin="<bos>", end="<eos>") for problem in problems])
    splits = {split: [next(rows) for _ in range(size)] for split, size in sizes.items()}
    return GeneratedData(splits, format, options.operands, tuple(_warnings(options, problems)))


def _draw(options: MiniOptions, rng: random.Random) -> tuple[tuple[int, ...], tuple[str, ...]]:
    operands = [rng.randint(options.min, options.max)]
    operators = []
    total = operands[0]
    for _ in range(options.operands - 1):
        operator = rng.choice(options.ops)
        operand = _divisor(total, options, rng) if operator == "/" else rng.randint(options.min, options.max)
        total = {"+": int.__add__, "-": int.__sub__, "*": int.__mul__, "/": int.__floordiv__}[operator](total, operand)
        operators.append(operator)
        operands.append(operand)
    return tuple(operands), tuple(operators)


def _divisor(total: int, options: MiniOptions, rng: random.Random) -> int:
    """A divisor of the running total among the positive operands; 1 if there is none."""
    smallest = max(1, options.min)
    if total == 0:
        return rng.randint(smallest, max(1, options.max))
    divisors = [divisor for divisor in range(smallest, options.max + 1) if total % divisor == 0]
    return rng.choice(divisors) if divisors else 1


def _warnings(options: MiniOptions, problems: list[Problem]) -> list[str]:
    warnings = []
    if len(problems) < options.n_samples:
        warnings.append(
            f"only {len(problems):,} different problems were found in {options.n_samples * TRIES_PER_ROW:,} draws, "
            f"of {options.n_samples:,} asked for; widen min, max, operands or ops for more"
        )
    other = sum(_differs(problem) for problem in problems)
    if other:
        warnings.append(
            f"{other:,} of {len(problems):,} problems are answered from left to right, as MiniLanguageModels does, "
            "and have another answer under ordinary precedence"
        )
    return warnings


def _differs(problem: Problem) -> bool:
    usual = Problem(problem.operands, problem.operators)
    return usual.value != problem.value


MINI = Profile(
    name="mini",
    summary="uniform operands and chosen operators: the published JSONL files of MiniLanguageModels",
    options=MiniOptions,
    generate=generate,
    shape="jsonl",
    aliases=flags(MiniOptions, out="--out_dir", operands="--N", min="--A", max="--B"),
)
