"""Right, wrong or no answer, with every problem counted: what could not be read stays in the denominator."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal

from longhand.olympiad.answers.extract import STRICT, Rule, extract
from longhand.olympiad.answers.parse import Percent, parse
from longhand.olympiad.answers.value import Number


@dataclass(frozen=True, slots=True)
class Grade:
    """What became of one text: the verdict, the rule that found its answer, and whether both sides are numbers."""

    verdict: Literal["right", "wrong", "missing"]
    rule: Rule | None
    is_numeric: bool
    truth_is_numeric: bool


def grade(text: str, truth: str, rules: tuple[Rule, ...] = STRICT, percent: Percent = "unit") -> Grade:
    """Compare the answer of `text` with `truth`, which is an answer and nothing else."""
    wanted, found = parse(truth, percent), extract(text, rules, percent)
    truth_is_numeric = isinstance(wanted, Number)
    if found is None:
        return Grade("missing", None, False, truth_is_numeric)
    verdict: Literal["right", "wrong"] = "right" if found.answer == wanted else "wrong"
    return Grade(verdict, found.rule, isinstance(found.answer, Number), truth_is_numeric)


@dataclass(slots=True)
class Tally:
    """Grades added up. `total` counts all of them, whatever they say."""

    total: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    rules: Counter[str] = field(default_factory=Counter)
    not_numeric: int = 0
    truths_not_numeric: int = 0

    def add(self, grade: Grade) -> None:
        """Count one more."""
        self.total += 1
        self.verdicts[grade.verdict] += 1
        if grade.rule is not None:
            self.rules[grade.rule] += 1
            self.not_numeric += not grade.is_numeric
        self.truths_not_numeric += not grade.truth_is_numeric

    @property
    def accuracy(self) -> Fraction:
        """The share of all problems that are right; 0 of none is 0."""
        return Fraction(self.verdicts["right"], self.total) if self.total else Fraction(0)
