"""Arms compared on the same problems: paired bootstrap, McNemar's test, and Holm's correction."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Right = NDArray[np.bool_]
"""Which problems were right, [seeds, problems]; the same problems in the same order for all arms."""


class Interval(NamedTuple):
    """An estimate and the 95 % interval around it."""

    value: float
    low: float
    high: float


class Discordance(NamedTuple):
    """Problems that one arm alone had right, and the chance of such a split, or a more uneven one, among equals."""

    ours: int
    theirs: int
    p: float


def bootstrap(right: Right, resamples: int, seed: int = 0) -> Interval:
    """Share of right answers, with seeds and problems drawn anew, both with replacement.

    With three seeds the interval says how they vary as well as three can say it, which is not well.
    """
    return _resampled(right.astype(np.float64), resamples, seed)


def bootstrap_difference(ours: Right, theirs: Right, resamples: int, seed: int = 0) -> Interval:
    """Difference of the shares of right answers; a draw takes the same seeds and problems of both arms."""
    return _resampled(ours.astype(np.float64) - theirs.astype(np.float64), resamples, seed)


def _resampled(values: NDArray[np.float64], resamples: int, seed: int) -> Interval:
    # Problems on which all seeds did alike are alike: how often each kind is drawn is multinomial, which is the same as
    # drawing problems one by one, and a thousand times as fast.
    generator = np.random.default_rng(seed)
    seeds, problems = values.shape
    kinds, counts = np.unique(values, axis=1, return_counts=True)
    of_problems = generator.multinomial(problems, counts / problems, size=resamples) @ kinds.T / problems
    of_seeds = generator.multinomial(seeds, [1 / seeds] * seeds, size=resamples) / seeds
    low, high = np.quantile((of_problems * of_seeds).sum(1), [0.025, 0.975])
    return Interval(float(values.mean()), float(low), float(high))


def mcnemar(ours: Right, theirs: Right) -> Discordance:
    """McNemar's exact test, two-sided, on all pairs of answers to the same problem by models of the same seed.

    McNemar, "Note on the sampling error of the difference between correlated proportions", Psychometrika 12 (1947);
    the exact form is a binomial test of the pairs in which one alone is right. Answers of several seeds to one problem
    count as pairs of their own.
    """
    a, b = int((ours & ~theirs).sum()), int((theirs & ~ours).sum())
    return Discordance(a, b, binomial_p(a, a + b))


def binomial_p(successes: int, trials: int) -> float:
    """Two-sided p of so many successes in trials of a fair coin; 1 without trials."""
    if trials == 0:
        return 1.0
    few = min(successes, trials - successes)
    # Through logarithms: a coin thrown thousands of times has probabilities no float can hold.
    logs = [math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1) for k in range(few + 1)]
    largest = max(logs)
    log_tail = largest + math.log(sum(math.exp(value - largest) for value in logs)) - trials * math.log(2)
    return min(1.0, 2 * math.exp(log_tail))


def holm(p_values: Sequence[float]) -> list[float]:
    """Corrected p-values, in the order given: Holm's step-down method controls the chance of any false finding.

    Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal of Statistics 6 (1979).
    """
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, largest = [1.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = largest
    return corrected
