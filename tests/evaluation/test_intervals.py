from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.evaluation.intervals import wilson_interval


@pytest.mark.parametrize(
    ("right", "total", "low", "high"),
    [  # from published tables of the score interval, 95 %
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
    ],
)
def test_known_intervals(right: int, total: int, low: float, high: float) -> None:
    assert wilson_interval(right, total) == pytest.approx((low, high), abs=5e-5)


def test_all_right_of_a_sample_is_not_certainty_and_nothing_asked_is_nothing_known() -> None:
    low, high = wilson_interval(5006, 5006)
    assert low == pytest.approx(0.99923, abs=1e-5)
    assert high == 1.0
    assert wilson_interval(0, 0) == (0.0, 1.0)


@given(st.integers(1, 10**6), st.floats(0, 1), st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_it_holds_the_share_is_symmetric_and_widens_with_confidence(
    total: int, share: float, confidence: float
) -> None:
    right = round(share * total)
    low, high = wilson_interval(right, total, confidence)
    assert 0 <= low <= right / total <= high <= 1
    assert low < high
    mirrored = wilson_interval(total - right, total, confidence)
    assert mirrored == pytest.approx((1 - high, 1 - low))
    wide = wilson_interval(right, total, 0.999)
    assert wide[0] <= low
    assert high <= wide[1]
