"""Comparisons in pairs, against values known from elsewhere."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.recipes.recursion.comparison import binomial_p, bootstrap, bootstrap_difference, holm, mcnemar


def test_mcnemar_of_the_textbook() -> None:
    # Agresti, "Categorical Data Analysis", approval of a president asked twice: 150 changed one way, 86 the other.
    ours = np.array([[True] * 150 + [False] * 86 + [True] * 794 + [False] * 570])
    theirs = np.array([[False] * 150 + [True] * 86 + [True] * 794 + [False] * 570])
    split = mcnemar(ours, theirs)
    assert (split.ours, split.theirs) == (150, 86)
    assert split.p == pytest.approx(3.7161e-05, rel=1e-3)


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_binomial_p_is_the_sum_of_its_tail(a: int, b: int) -> None:
    n = a + b
    exact = min(1.0, 2 * sum(comb(n, k) for k in range(min(a, b) + 1)) / 2**n) if n else 1.0
    assert binomial_p(a, n) == pytest.approx(exact)
    assert binomial_p(a, n) == binomial_p(b, n)


def test_a_p_smaller_than_any_float_is_zero_and_no_error() -> None:
    assert binomial_p(0, 24_000) == 0.0


def test_holm_of_the_textbook() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([]) == []


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_keeps_the_order_and_lies_between_the_p_and_bonferroni(p: list[float]) -> None:
    corrected = holm(p)
    assert all(raw <= new <= min(1.0, len(p) * raw) + 1e-12 for raw, new in zip(p, corrected, strict=True))
    order = np.argsort(p, kind="stable")
    assert list(np.array(corrected)[order]) == sorted(corrected)


def test_intervals_of_one_seed_are_those_of_a_share() -> None:
    right = np.zeros((1, 2000), dtype=bool)
    right[:, :1200] = True
    found = bootstrap(right, 2000)
    assert found.value == 0.6
    assert found.low == pytest.approx(0.6 - 1.96 * (0.24 / 2000) ** 0.5, abs=0.004)
    assert found.high == pytest.approx(0.6 + 1.96 * (0.24 / 2000) ** 0.5, abs=0.004)


def test_a_difference_is_taken_in_pairs_and_between_the_same_seeds() -> None:
    generator = np.random.default_rng(1)
    theirs = generator.random((3, 1000)) < np.array([[0.2], [0.5], [0.8]])
    ours = theirs | (generator.random((3, 1000)) < 0.1)
    difference = bootstrap_difference(ours, theirs, 1000)
    assert 0 < difference.low < difference.value < difference.high
    # The seeds differ by 60 points and the pairs by a few: apart, nothing could be said.
    assert difference.high - difference.low < 0.1
    assert bootstrap(ours, 1000).high - bootstrap(ours, 1000).low > 0.3
    assert bootstrap_difference(ours, ours, 50) == (0.0, 0.0, 0.0)
