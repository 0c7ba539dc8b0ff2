from __future__ import annotations

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from longhand.errors import UserError
from longhand.training.config import TrainingConfig
from longhand.training.run_config import RunConfig, load_run_config
from longhand.training.schedule import make_plan


def rates(rows_per_epoch: int | None = None, **keys: Any) -> list[float]:
    plan = make_plan(TrainingConfig(**keys), rows_per_epoch)
    return [plan.schedule(step) for step in range(plan.total_steps)]


def test_constant_stays_at_the_peak_after_the_warm_up() -> None:
    assert rates(schedule="constant", learning_rate=0.4, warmup_steps=4, max_steps=6) == pytest.approx(
        [0.1, 0.2, 0.3, 0.4, 0.4, 0.4]
    )


@pytest.mark.row("S0-T6")
def test_linear_falls_by_equal_amounts_to_the_floor() -> None:
    assert rates(schedule="linear", learning_rate=1.0, min_lr_ratio=0.2, max_steps=5) == pytest.approx(
        [1.0, 0.8, 0.6, 0.4, 0.2]
    )


@pytest.mark.row("S4-T2")
def test_cosine_is_half_way_in_the_middle_and_ends_at_the_floor() -> None:
    values = rates(schedule="cosine", learning_rate=1.0, min_lr_ratio=0.1, max_steps=101)
    assert values[0] == 1.0
    assert values[50] == pytest.approx(0.55)
    assert values[100] == pytest.approx(0.1)


@given(
    schedule=st.sampled_from(["constant", "linear", "cosine", "flat_cosine"]),
    warmup=st.integers(0, 20),
    total=st.integers(41, 60),
    start=st.floats(0, 1),
    floor=st.sampled_from([0.0, 0.1, 1.0]),
)
def test_a_schedule_rises_to_the_peak_once_and_never_leaves_its_bounds(
    schedule: str, warmup: int, total: int, start: float, floor: float
) -> None:
    ratio = {"warmup_start_ratio": start} if warmup else {}
    floor_key = {} if schedule == "constant" else {"min_lr_ratio": floor}
    values = rates(schedule=schedule, learning_rate=2.0, warmup_steps=warmup, max_steps=total, **ratio, **floor_key)
    rising, falling = values[:warmup], values[max(warmup - 1, 0) :]
    assert all(a <= b * (1 + 1e-9) for a, b in pairwise(rising))
    assert all(a >= b * (1 - 1e-9) for a, b in pairwise(falling))
    assert max(values) == pytest.approx(2.0)
    assert min(falling) >= 2.0 * (floor if floor_key else 1) * (1 - 1e-9)
    if schedule != "constant":
        assert values[-1] == pytest.approx(2.0 * floor)


POC_TRAIN_ROWS = 40_044


def test_epochs_spell_the_three_phases_of_the_sixty_epoch_recipe() -> None:
    # Warm-up from 1e-4 to 1e-3 over 5 epochs, flat to epoch 40, cosine to 1e-5; 313 steps an epoch.
    recipe = {
        "max_epochs": 60, "batch_size": 128, "schedule": "flat_cosine", "learning_rate": 1e-3,
        "warmup_epochs": 5, "warmup_start_ratio": 0.1, "flat_epochs": 40, "min_lr_ratio": 0.01,
    }  # fmt: skip
    values = rates(rows_per_epoch=313 * 128, **recipe)
    assert len(values) == 60 * 313
    assert values[0] == pytest.approx(1e-4, rel=0.01)
    assert [values[5 * 313 - 1], values[20 * 313], values[40 * 313]] == pytest.approx([1e-3] * 3)
    assert 1e-5 < values[50 * 313] < 1e-3
    assert values[-1] == pytest.approx(1e-5)


LOGGED = (
    *(1.00e-4, 3.25e-4, 5.50e-4, 7.75e-4), *[1.00e-3] * 36,
    *(9.94e-4, 9.76e-4, 9.46e-4, 9.05e-4, 8.55e-4, 7.96e-4, 7.30e-4, 6.58e-4, 5.82e-4, 5.05e-4),
    *(4.28e-4, 3.52e-4, 2.80e-4, 2.14e-4, 1.55e-4, 1.05e-4, 6.40e-5, 3.42e-5, 1.61e-5, 1.00e-5),
)  # fmt: skip
"""The learning rates of 60 epochs as math-llm-poc's published log has them, to three digits."""


@pytest.mark.row("S2-T1")
def test_one_rate_per_epoch_is_the_published_schedule() -> None:
    config = load_run_config(Path("configs/poc.yaml")).training
    plan = make_plan(config, POC_TRAIN_ROWS)
    steps_per_epoch = math.ceil(POC_TRAIN_ROWS / config.batch_size)
    assert math.ceil(plan.total_steps / steps_per_epoch) == len(LOGGED)
    assert plan.eval_interval == steps_per_epoch  # so that the row of an evaluation is the row of an epoch
    for epoch, rate in enumerate(LOGGED):
        last = min((epoch + 1) * steps_per_epoch, plan.total_steps) - 1
        assert {f"{plan.schedule(step):.2e}" for step in (epoch * steps_per_epoch, last)} == {f"{rate:.2e}"}


@given(
    schedule=st.sampled_from(["linear", "cosine"]),
    epochs=st.integers(3, 9),
    warmup=st.sampled_from([0, 2, 3]),
    batch_size=st.integers(1, 7),
)
def test_with_epochs_as_unit_the_rate_changes_between_epochs_only(
    schedule: str, epochs: int, warmup: int, batch_size: int
) -> None:
    keys = {"warmup_epochs": warmup, "warmup_start_ratio": 0.5} if warmup else {}
    values = rates(
        20, schedule=schedule, max_epochs=epochs, batch_size=batch_size, schedule_unit="epoch",
        learning_rate=2.0, min_lr_ratio=0.25, **keys,
    )  # fmt: skip
    per_epoch = math.ceil(20 / batch_size)
    of_epoch = [set(values[start : start + per_epoch]) for start in range(0, len(values), per_epoch)]
    assert all(len(found) == 1 for found in of_epoch)
    first, last = of_epoch[0].pop(), of_epoch[-1].pop()
    assert first == pytest.approx(1.0 if warmup else 2.0)
    assert max(values) == pytest.approx(2.0)
    if len(of_epoch) > max(warmup, 1):
        assert last == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"schedule": "constant"}, "no effect on a constant"),
        ({"warmup_steps": 3}, "give whole warmup_epochs"),
        ({"warmup_epochs": 2}, "set it above 0"),
        ({"warmup_epochs": 1, "warmup_start_ratio": 0.5}, "warmup_epochs above 1"),
        ({"warmup_epochs": 2.5, "warmup_start_ratio": 0.5}, "warmup_epochs 2.5 is no whole number"),
        ({"schedule": "flat_cosine"}, "needs flat_epochs"),
        ({"schedule": "flat_cosine", "flat_epochs": 0.5}, "flat_epochs 0.5 is no whole number"),
    ],
)
def test_a_schedule_in_epochs_that_cannot_be_is_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        RunConfig.from_dict({"training": {"schedule_unit": "epoch", **keys}})


def test_a_schedule_in_epochs_needs_epochs() -> None:
    with pytest.raises(UserError, match="schedule_unit counts epochs, but a stream has no end"):
        make_plan(TrainingConfig(schedule_unit="epoch", max_steps=5), None)


def test_flat_fraction_and_flat_epochs_say_the_same_thing() -> None:
    by_share = rates(schedule="flat_cosine", max_steps=120, flat_fraction=0.5)
    by_epoch = rates(schedule="flat_cosine", max_steps=120, flat_epochs=6, rows_per_epoch=10 * 128)
    assert by_share == by_epoch


def test_training_ends_at_the_nearer_of_steps_and_epochs() -> None:
    assert make_plan(TrainingConfig(max_steps=7, max_epochs=1), 1000 * 128).total_steps == 7
    assert make_plan(TrainingConfig(max_steps=7, max_epochs=1), 3 * 128).total_steps == 3


def test_a_started_batch_counts_as_a_step_of_its_epoch() -> None:
    assert make_plan(TrainingConfig(max_epochs=1, batch_size=10, accumulate_grad_batches=2), 41).total_steps == 3


@pytest.mark.parametrize(("check", "steps"), [(1.0, 50), (0.25, 13), (8, 4), (1, 1), (100.0, 50)])
def test_val_check_interval_is_a_share_of_an_epoch_or_a_number_of_batches(check: float, steps: int) -> None:
    config = TrainingConfig(val_check_interval=check, batch_size=10, accumulate_grad_batches=2)
    assert make_plan(config, 1000).eval_interval == steps


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"max_epochs": 1}, "max_epochs counts epochs"),
        ({"warmup_epochs": 1}, "warmup_epochs counts epochs"),
        ({"val_check_interval": 0.5}, "val_check_interval counts epochs"),
        ({"schedule": "flat_cosine", "flat_epochs": 1}, "flat_epochs counts epochs"),
        ({"warmup_steps": 20, "max_steps": 10}, "warm-up of 20 steps is longer than the training of 10"),
        ({"warmup_steps": 8, "max_steps": 10, "schedule": "flat_cosine"}, "before the warm-up ends at 8"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(keys: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        make_plan(TrainingConfig(**keys), None)
