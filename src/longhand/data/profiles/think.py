"""Profile `think`: sums of several numbers with their worked steps, after math-llm.

The sampling is math-llm's: the count of operands uniform, then the count of digits of each. The splits are not: it
split by row, and up to every test row was in training; here a row is drawn for the split its sum belongs to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count
from typing import Literal

from pydantic import Field

from longhand.arithmetic.problem import Problem
from longhand.arithmetic.splits import Split, SplitConfig, keyed_random
from longhand.data.profiles.profile import GeneratedData, Profile, ProfileOptions, flags, split_sizes
from longhand.data.record import Record, record_of
from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.worked_steps import write_steps

LONGEST_WAIT = 100_000  # draws without a row of the split, after which it has none


class ThinkOptions(ProfileOptions):
    """The options of math-llm's generator, and the choice of worked steps."""

    num_examples: int = Field(10_000, ge=1, description="rows in all splits together (count)")
    max_digits: int = Field(2, ge=1, description="digits of the longest operand (count)")
    max_operands: int = Field(3, ge=2, description="operands of the longest sum (count)")
    seed: int = Field(42, description="seed of the sampling, and of the split")
    train_ratio: float = Field(0.8, description="share of the rows, and of the sums, for training (0..1)")
    val_ratio: float = Field(0.1, description="share of the rows, and of the sums, for validation (0..1)")
    include_cot: bool = Field(True, description="write the worked steps before the answer")
    steps: Literal["columns", "running_sum"] = Field("columns", description="kind of worked steps")
    fixed_length_cot: bool = Field(False, description="pad the steps with <noop> to the length of the longest")
    reversed_format: bool = Field(False, description="write every number units first; without worked steps")
    zero_pad: bool = Field(False, description="pad every number with zeros to the digits of the largest answer")
    begin: bool = Field(False, description="put <begin> in front of every row")


def generate(options: ThinkOptions) -> GeneratedData:
    """Draw rows with replacement, each split from its own sums.

    Raises `UserError` for options that exclude each other, and for so few sums that a split has none.
    """
    sizes = split_sizes(options.num_examples, options.train_ratio, options.val_ratio)
    config = SplitConfig(options.train_ratio, options.val_ratio, options.seed)
    format = _format(options)
    begin = "<begin>" if options.begin else ""
    splits: dict[str, list[Record]] = {}
    for split in ("train", "val", "test"):
        problems = _draws(options, config, split, sizes[split])
        splits[split] = [record_of(problem, format, begin=begin, end="<end>") for problem in problems]
    return GeneratedData(splits, format, options.max_operands)


def _format(options: ThinkOptions) -> Format:
    with_steps = options.include_cot and not options.reversed_format
    if options.fixed_length_cot and not with_steps:
        raise UserError("fixed_length_cot pads worked steps, which reversed_format and no include_cot leave out")
    largest = Problem((10**options.max_digits - 1,) * options.max_operands, ("+",) * (options.max_operands - 1))
    # Nines everywhere give the most digits and a carry in every column, so the longest steps there are.
    longest = len(write_steps(options.steps, largest))
    width = len(largest.answer) if options.zero_pad else None
    return Format(
        reverse_operands=options.reversed_format,
        reverse_answer=options.reversed_format,
        operand_width=width,
        answer_width=width,
        steps=options.steps if with_steps else "none",
        steps_width=longest if options.fixed_length_cot else None,
        begin=options.begin,
    )


def _draws(options: ThinkOptions, config: SplitConfig, split: Split, wanted: int) -> Iterator[Problem]:
    """The first problems of a split's own random sequence that belong to it."""
    homes: dict[tuple[int, ...], Split] = {}
    found = waited = 0
    for index in count():
        if found == wanted:
            return
        if waited == LONGEST_WAIT:
            raise UserError(
                f"among {waited:,} sums of up to {options.max_operands} numbers of up to {options.max_digits} digits "
                f"none falls into {split}; raise its ratio or max_digits"
            )
        operands = _operands(options, keyed_random(options.seed, split, index))
        problem = Problem(operands, ("+",) * (len(operands) - 1))
        fact = tuple(sorted(operands))
        if fact not in homes:
            homes[fact] = config.split_of(problem)
        waited += 1
        if homes[fact] == split:
            found, waited = found + 1, 0
            yield problem


def _operands(options: ThinkOptions, rng: random.Random) -> tuple[int, ...]:
    operands = []
    for _ in range(rng.randint(2, options.max_operands)):
        digits = rng.randint(1, options.max_digits)
        operands.append(rng.randint(10 ** (digits - 1) if digits > 1 else 0, 10**digits - 1))
    return tuple(operands)


THINK = Profile(
    name="think",
    summary="sums of several numbers with worked steps, after math-llm, no sum in two splits",
    options=ThinkOptions,
    generate=generate,
    shape="json",
    aliases=flags(ThinkOptions, out="--output-dir --output_dir"),
)
