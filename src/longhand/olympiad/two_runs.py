"""The score of a contest that asks each problem twice: 1 if both answers are right, half if one is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import sqrt


def two_run_score(first: Sequence[bool], second: Sequence[bool]) -> Fraction:
    """The score of two runs over the same problems: the mean of the numbers each has right."""
    assert len(first) == len(second)
    return Fraction(sum(first) + sum(second), 2)


@dataclass(frozen=True, slots=True)
class ScoreOutlook:
    """What the score will be: `chances[h]` is the chance of h halves of a point, exactly."""

    chances: tuple[Fraction, ...]

    @property
    def expected(self) -> Fraction:
        """The mean, in points: the sum of the chances of the problems, however the two runs hang together."""
        return sum((chance * halves for halves, chance in enumerate(self.chances)), Fraction(0)) / 2

    @property
    def variance(self) -> Fraction:
        """The variance, in points squared."""
        squares = sum((chance * halves * halves for halves, chance in enumerate(self.chances)), Fraction(0)) / 4
        return squares - self.expected**2

    @property
    def sigma(self) -> float:
        """The standard deviation, in points."""
        return sqrt(self.variance)

    def at_least(self, score: Fraction | int) -> Fraction:
        """The chance of a score of at least so many points."""
        return sum((chance for halves, chance in enumerate(self.chances) if halves >= 2 * score), Fraction(0))


def outlook(chances: Sequence[Fraction | float], *, same_in_both_runs: bool = False) -> ScoreOutlook:
    """The distribution of the score when problem i is right with chance p_i in each run, by convolution.

    A Poisson-binomial distribution: of 2n independent halves of a point, or with `same_in_both_runs` (a deterministic
    solver) of n whole points, which has the same mean and twice the variance. A float counts as the fraction it
    is, and nothing is rounded.
    """
    halves = 2 if same_in_both_runs else 1
    numbers, denominator = [1], 1
    for chance in [Fraction(chance) for chance in chances]:
        assert 0 <= chance <= 1, f"{chance} is no probability"
        right, wrong = chance.numerator, chance.denominator - chance.numerator
        for _ in range(2 // halves):
            miss, hit = [*numbers, *[0] * halves], [*[0] * halves, *numbers]
            numbers = [m * wrong + h * right for m, h in zip(miss, hit, strict=True)]
            denominator *= chance.denominator
    return ScoreOutlook(tuple(Fraction(number, denominator) for number in numbers))
