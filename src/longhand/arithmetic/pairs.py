"""Problems of two operands: how many there are for each operator, and between which answers."""

from __future__ import annotations

from dataclasses import dataclass

from longhand.arithmetic.counting import count_signed_sums
from longhand.arithmetic.problem import COMPARISON


@dataclass(frozen=True, slots=True)
class Pairs:
    """All `a operator b` with a and b of low..high that have an answer.

    `exact` asks for whole answers of divisions, else they have a remainder; unless `negative`, answers (or
    quotients) below 0 are left out.
    """

    low: int
    high: int
    exact: bool
    negative: bool

    def count(self, operator: str) -> int:
        """The number of pairs; in closed form, except for a division, which takes a step for each divisor."""
        low, high = self.low, self.high
        n = high - low + 1
        if operator == "/":
            return sum(len(self.dividends(divisor)) for divisor in range(low, high + 1))
        if self.negative or operator == COMPARISON:
            return n * n
        if operator == "*":
            n_below, n_above = max(min(high, -1) - low + 1, 0), max(high - max(low, 1) + 1, 0)
            return n * n - 2 * n_below * n_above
        return count_signed_sums(2, 0, low, high) if operator == "+" else count_signed_sums(1, 1, low, high)

    def answer_range(self, operator: str) -> tuple[int, int] | None:
        """The smallest and the largest answer (or quotient), None where no pair has one; not for comparisons."""
        low, high = self.low, self.high
        match operator:
            case "+":
                answers = [2 * low, 2 * high]
            case "-":
                answers = [low - high, high - low]
            case "*":
                answers = [low * low, low * high, high * high]
            case _:  # a quotient is extreme where its divisor is: at the ends of the range, or next to 0
                divisors = [b for b in (low, -1, 1, high) if low <= b <= high]
                answers = [(a - a % abs(b)) // b for b in divisors for a in _ends(self.dividends(b))]
        if not answers or (max(answers) < 0 and not self.negative):
            return None
        # Where answers of both signs occur, so does 0.
        return (min(answers) if self.negative else max(min(answers), 0)), max(answers)

    def dividends(self, divisor: int) -> range:
        """The numbers that may be divided by `divisor`, ascending; none by 0."""
        low, high = self.low, self.high
        if divisor == 0:
            return range(0)
        size = abs(divisor)
        if not self.negative and divisor > 0:
            low = max(low, 0)
        elif not self.negative:
            high = min(high, size - 1)  # with remainder, 0 to size - 1 have quotient 0
        return range(-(-low // size) * size, high + 1, size) if self.exact else range(low, high + 1)


def _ends(numbers: range) -> tuple[int, ...]:
    return (numbers[0], numbers[-1]) if numbers else ()
