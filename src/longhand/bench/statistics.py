"""Medians, ratios of what was measured in the same round, and the exponent of a power law."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of some numbers, and the smallest and the largest of them."""

    median: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """The three numbers as JSON data."""
        return {"median": self.median, "low": self.low, "high": self.high}


def spread(numbers: Sequence[float]) -> Spread:
    """Median, minimum and maximum; raises `ValueError` where there are no numbers."""
    return Spread(float(median(numbers)), float(min(numbers)), float(max(numbers)))


def paired_ratios(ours: Mapping[int, float], theirs: Mapping[int, float]) -> list[float]:
    """Ours divided by theirs, of the rounds both have, in order.

    What slows the whole machine for a while slows both of a round, and leaves their ratio alone.
    """
    return [ours[number] / theirs[number] for number in sorted(ours.keys() & theirs.keys())]


def quantile(numbers: Sequence[float], share: float) -> float:
    """The smallest of the numbers that at least this share of them does not exceed (0.99: the 99th percentile)."""
    ordered = sorted(numbers)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def power_law(sizes: Sequence[float], costs: Sequence[float]) -> tuple[float, float]:
    """Exponent and factor of the least-squares line through the logarithms: cost = factor * size ** exponent."""
    x, y = [math.log(size) for size in sizes], [math.log(cost) for cost in costs]
    mean_x, mean_y = sum(x) / len(x), sum(y) / len(y)
    covariance = sum((a - mean_x) * (b - mean_y) for a, b in zip(x, y, strict=True))
    exponent = covariance / sum((a - mean_x) ** 2 for a in x)
    return exponent, math.exp(mean_y - exponent * mean_x)
