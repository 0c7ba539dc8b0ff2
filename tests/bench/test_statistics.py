"""Medians, paired ratios, quantiles and exponents, by numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.bench.result import Cell, Sample
from longhand.bench.statistics import Spread, paired_ratios, power_law, quantile, spread
from longhand.bench.summary import summarize


def test_the_spread_of_a_few_numbers() -> None:
    assert spread([3.0, 1.0, 8.0]) == Spread(3.0, 1.0, 8.0)
    assert spread([4.0, 2.0]) == Spread(3.0, 2.0, 4.0)
    with pytest.raises(ValueError):
        spread([])


def test_ratios_are_taken_within_a_round() -> None:
    assert paired_ratios({0: 10.0, 1: 30.0, 2: 8.0}, {0: 5.0, 1: 3.0, 3: 1.0}) == [2.0, 10.0]


def test_a_quantile_is_one_of_the_numbers() -> None:
    numbers = [float(n) for n in range(1, 201)]
    assert quantile(numbers, 0.5) == 100.0
    assert quantile(numbers, 0.99) == 198.0
    assert quantile([7.0], 0.99) == 7.0


def test_a_power_law_through_points_that_follow_none() -> None:
    # log2 of sizes 0, 1, 2 and of costs 0, 2, 1: slope ((-1)(-1) + 0 + (1)(0)) / 2 = 1/2, mean 1 at size 2.
    exponent, factor = power_law([1, 2, 4], [1, 4, 2])
    assert exponent == pytest.approx(0.5)
    assert factor == pytest.approx(2**0.5)


@given(st.floats(-3, 3), st.floats(1e-6, 1e3))
def test_a_power_law_is_found_again(exponent: float, factor: float) -> None:
    sizes = [1.0, 3.0, 10.0, 64.0]
    found = power_law(sizes, [factor * size**exponent for size in sizes])
    assert found == (pytest.approx(exponent, abs=1e-9), pytest.approx(factor))


def cell(contender: str, seconds: list[float], **settings: object) -> Cell:
    samples = [Sample(number, 2, 2 * wall, wall) for number, wall in enumerate(seconds)]
    return Cell("g", contender, "fp32", settings.pop("kind", "train"), {}, 100, samples=samples, **settings)  # type: ignore[arg-type]


def test_the_rows_of_a_group_by_hand() -> None:
    ours = cell("longhand", [0.1, 0.2, 0.1], flops=1e9, each=[0.3, 0.1, 0.2])
    peer = cell("eager", [0.4, 0.4, 0.5], flops=1e9)
    peak = cell("matrix product", [0.01, 0.02, 0.02], kind="peak", flops=5e8)
    absent = Cell("g", "lightning", "fp32", "train", {}, 100, status="not installed")
    first, second, third, last = summarize([ours, peer, absent, peak], "wall")

    assert first.rate == Spread(1000.0, 500.0, 1000.0)  # 100 examples in 0.1, 0.2, 0.1 s
    assert first.ratio is None
    assert first.share == pytest.approx(0.2)  # 10, 5, 10 GFLOP/s of 50, 25, 25: 0.2, 0.2, 0.4
    assert first.latency == (0.2, 0.3)
    assert second.ratio is not None
    assert (second.ratio.low, second.ratio.median, second.ratio.high) == pytest.approx((2, 4, 5))
    assert second.flops_per_second == pytest.approx(2.5e9)
    assert third.rate is None
    assert third.status == "not installed"
    assert last.ratio is None
    assert last.share is None
    (by_processor, *_) = summarize([ours], "cpu")
    assert by_processor.rate == Spread(2000.0, 1000.0, 2000.0)  # half of the time of the wall, in this example


def test_rounds_that_only_one_has_do_not_count() -> None:
    ours, peer = cell("longhand", [0.1, 0.1]), cell("eager", [0.2])
    assert summarize([ours, peer], "wall")[1].ratio == Spread(2.0, 2.0, 2.0)
    assert math.isclose(ours.samples[0].seconds("wall"), 0.1)
