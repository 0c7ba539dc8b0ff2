"""Whether two answers are the same: by value, exactly, and never by how they are written.

Where conventions differ one is taken and stands here:

- `10,5` is two numbers, neither 105 nor 10.5; `1,234` is one, and in brackets, `(1,234)`, two.
- Nothing is rounded: 2.5 is not 2, 0.33 is not 1/3, and `0.333...` is no number.
- Units are ignored, so that 5 cm is 5 m; `5 million` is 5,000,000.
- 50% is 50, like a unit, unless `percent="hundredth"` makes it 1/2.
- A solution set has no order: `1, 2` is `{2, 1}`. A pair has one.
- What is no number is compared by its spelling: `x^{2}+1` is `x^2+1` and not `1+x^2`.
"""

from __future__ import annotations

from fractions import Fraction

from longhand.olympiad.answers.parse import Percent, parse
from longhand.olympiad.answers.value import Answer, Number


def same(a: str | int | Fraction | Answer, b: str | int | Fraction | Answer, percent: Percent = "unit") -> bool:
    """Whether two answers say the same; texts are those of answers, not texts that contain one."""
    return as_answer(a, percent) == as_answer(b, percent)


def as_answer(answer: str | int | Fraction | Answer, percent: Percent = "unit") -> Answer:
    """The answer that a text or a number is."""
    if isinstance(answer, str):
        return parse(answer, percent)
    return Number(Fraction(answer)) if isinstance(answer, int | Fraction) else answer
