"""Answers of a contest in which every answer is a whole number of up to five digits."""

from __future__ import annotations

from fractions import Fraction

from longhand.olympiad.answers.parse import parse
from longhand.olympiad.answers.value import Number

LARGEST = 99_999
"""The largest answer of AIMO's third contest; the smallest is 0."""


def contest_integer(text: str) -> int | None:
    """The whole number from 0 to `LARGEST` that an answer is, or None: nothing is rounded, cut off or clamped.

    `text` is the answer alone, such as what `extract` found. `2^{10}` and `10/2` are whole numbers, 2.5 is none.
    """
    answer = parse(text)
    return as_contest_integer(answer.value) if isinstance(answer, Number) else None


def as_contest_integer(value: Fraction) -> int | None:
    """The value itself if a contest could have it for an answer, or None."""
    return value.numerator if value.denominator == 1 and 0 <= value <= LARGEST else None
