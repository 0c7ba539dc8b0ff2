"""The learning rate as a function of the step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal

from longhand.errors import UserError
from longhand.training.config import DEFAULT_EVAL_INTERVAL, DEFAULT_STEPS, TrainingConfig

Shape = Literal["constant", "linear", "cosine", "flat_cosine"]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Linear warm-up to `peak`, then flat to `decay_start`, then a fall to `floor` at `total_steps`.

    `shape` is the shape of the fall: a line, half a cosine, or none. Lengths are in units of `steps_per_unit`
    optimizer steps, over which the rate stays. The rate of unit 0 lies one part of the warm-up above `start`, so that
    no step is wasted on a rate of zero.
    """

    shape: Shape
    peak: float
    start: float
    floor: float
    warmup: int
    decay_start: int
    total: int
    steps_per_unit: int = 1

    def __call__(self, step: int) -> float:
        """The learning rate of step `step`, counted from 0."""
        unit = step // self.steps_per_unit
        if unit < self.warmup:
            return self.start + (self.peak - self.start) * (unit + 1) / self.warmup
        if self.shape == "constant" or unit < self.decay_start:
            return self.peak
        last = max(self.total - 1, self.decay_start + 1)
        progress = min((unit - self.decay_start) / (last - self.decay_start), 1.0)
        share = 1 - progress if self.shape == "linear" else 0.5 * (1 + math.cos(math.pi * progress))
        return self.floor + (self.peak - self.floor) * share


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration in optimizer steps, whether it was written in steps or in epochs.

    `steps_per_epoch` counts a started batch as a step of its epoch; it is None for data without an end.
    """

    total_steps: int
    eval_interval: int
    schedule: Schedule
    steps_per_epoch: int | None


def make_plan(config: TrainingConfig, rows_per_epoch: int | None) -> Plan:
    """Resolve epochs and shares to steps; `rows_per_epoch` is None for data without an end.

    Raises `UserError` for epochs where there are none, and for a warm-up that outlasts the training.
    """
    total = config.max_steps
    if config.max_epochs is not None:
        epochs = _steps(config, config.max_epochs, rows_per_epoch, "max_epochs")
        total = epochs if total is None else min(total, epochs)
    total = max(1, DEFAULT_STEPS if total is None else total)
    warmup = config.warmup_steps
    if config.warmup_epochs is not None:
        warmup = _steps(config, config.warmup_epochs, rows_per_epoch, "warmup_epochs")
    if warmup > total:
        raise UserError(
            f"the warm-up of {warmup} steps is longer than the training of {total}; lower training.warmup_steps"
        )
    decay_start = warmup
    if config.schedule == "flat_cosine":
        decay_start = round((0.5 if config.flat_fraction is None else config.flat_fraction) * total)
        if config.flat_epochs is not None:
            decay_start = _steps(config, config.flat_epochs, rows_per_epoch, "flat_epochs")
        if decay_start < warmup:
            raise UserError(
                f"the learning rate would fall from step {decay_start}, before the warm-up ends at {warmup};"
                " raise training.flat_fraction or shorten the warm-up"
            )
    peak = config.learning_rate
    schedule = Schedule(
        shape=config.schedule,
        peak=peak,
        start=peak * config.warmup_start_ratio,
        floor=peak * config.min_lr_ratio,
        warmup=warmup,
        decay_start=decay_start,
        total=total,
    )
    if config.schedule_unit == "epoch":
        schedule = _in_epochs(config, schedule, _steps(config, 1, rows_per_epoch, "schedule_unit"))
    steps_per_epoch = None if rows_per_epoch is None else _steps(config, 1, rows_per_epoch, "max_epochs")
    return Plan(total, _eval_interval(config, rows_per_epoch), schedule, steps_per_epoch)


def _in_epochs(config: TrainingConfig, by_step: Schedule, steps_per_epoch: int) -> Schedule:
    """The same phases with one rate per epoch.

    The first epoch has the rate of `start`, the last of the warm-up the peak; epoch `flat_epochs` is the last before
    the fall, and the last of all has the rate of `floor`.
    """
    warmup = int(config.warmup_epochs or 0)
    start = by_step.start
    if warmup > 1:
        start -= (by_step.peak - start) / (warmup - 1)  # one epoch before the first
    return replace(
        by_step,
        start=start,
        warmup=warmup,
        decay_start=max(int(config.flat_epochs or warmup) - 1, 0),
        total=math.ceil(by_step.total / steps_per_epoch),
        steps_per_unit=steps_per_epoch,
    )


def _eval_interval(config: TrainingConfig, rows_per_epoch: int | None) -> int:
    check = config.val_check_interval
    if check is None:
        return config.eval_interval or DEFAULT_EVAL_INTERVAL
    if isinstance(check, float) and check <= 1:
        return max(1, _steps(config, check, rows_per_epoch, "val_check_interval"))
    return max(1, round(check) // config.accumulate_grad_batches)


def _steps(config: TrainingConfig, epochs: float, rows_per_epoch: int | None, key: str) -> int:
    if rows_per_epoch is None:
        raise UserError(f"training.{key} counts epochs, but a stream has no end; count steps instead")
    return math.ceil(round(epochs * rows_per_epoch / config.examples_per_step, 6))
