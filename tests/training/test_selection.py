from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.training.config import EarlyStoppingConfig, is_better
from longhand.training.selection import BestCheckpoints, EarlyStopping


def test_losses_fall_and_accuracies_rise() -> None:
    assert is_better("val_loss", 1.0, 2.0)
    assert is_better("val_exact_match", 2.0, 1.0)
    assert not is_better("val_loss", 1.0, 1.0)
    assert not is_better("val_loss", 1.0, 1.05, by=0.1)


@given(values=st.lists(st.integers(0, 5), min_size=1, max_size=12), k=st.integers(0, 4))
def test_the_best_are_those_of_a_stable_sort_with_the_later_first(values: list[int], k: int) -> None:
    best = BestCheckpoints(k, "val_loss")
    for step, value in enumerate(values):
        taken = best.offer(step, {"val_loss": value})
        assert taken == (step in best.steps)
    ranked = sorted(range(len(values)), key=lambda step: (values[step], -step))
    assert best.steps == ranked[:k]


def test_of_equal_exact_matches_the_later_step_is_best() -> None:
    best = BestCheckpoints(1, "val_exact_match")
    for step in (1, 2, 3):
        assert best.offer(step, {"val_exact_match": 1.0})
    assert best.steps == [3]


@pytest.mark.row("S2-T1")
@pytest.mark.parametrize(
    ("losses", "over"),
    [
        ([3, 2, 1, 0.5], [False] * 4),
        ([3, 3, 3], [False, False, True]),
        ([3, 4, 2.95, 2.91], [False, False, True, True]),
    ],
)
def test_patience_counts_evaluations_without_a_large_enough_improvement(losses: list[float], over: list[bool]) -> None:
    early = EarlyStopping(EarlyStoppingConfig(patience=2, min_delta=0.1))
    seen = []
    for loss in losses:
        early.note({"val_loss": loss})
        seen.append(early.is_over)
    assert seen == over
