"""Who is right: the one judge of every answer."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Protocol

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.long_numbers import parse_int
from longhand.arithmetic.problem import Problem

_WHOLE = re.compile(r"-?[0-9]+", flags=re.ASCII)


class Verdict(StrEnum):
    """What the judge says of one completion; `judge` says when."""

    CORRECT = "correct"
    WRONG = "wrong"
    MALFORMED = "malformed"
    UNFINISHED = "unfinished"
    OUT_OF_RANGE = "out_of_range"


class Answered(Protocol):
    """What the judge looks at: a canonical answer (None if none could be read) and why writing ended."""

    @property
    def answer(self) -> str | None:
        """The canonical answer, or None where the text holds no well-formed one."""
        ...

    @property
    def finish_reason(self) -> str:
        """`stop` when the end mark was written; anything else means that it was not."""
        ...


def judge(problem: Problem, completion: Answered, *, domain: Domain | None = None) -> Verdict:
    """Compare a completion with the exact answer of its problem.

    In this order: a completion without an end mark is unfinished, whatever it says; one without a readable
    answer is malformed; one with the canonical answer is correct; a whole number beyond every answer of `domain`
    is out of range, which is any number where numbers are compared; all else is wrong.
    """
    if completion.finish_reason != "stop":
        return Verdict.UNFINISHED
    if completion.answer is None:
        return Verdict.MALFORMED
    if completion.answer == problem.answer:
        return Verdict.CORRECT
    if domain is not None and _WHOLE.fullmatch(completion.answer):
        if domain.compares:
            return Verdict.OUT_OF_RANGE
        low, high = domain.answer_range()
        if not low <= parse_int(completion.answer) <= high:
            return Verdict.OUT_OF_RANGE
    return Verdict.WRONG
