"""Training of a baseline: the batches, labels, optimizer, schedule and average of a recursive head's training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch

from longhand.models.trm_backbone import Backbone
from longhand.olympiad.training.baseline import Baseline, BaselineConfig, build_baseline
from longhand.olympiad.training.batches import BatchSource, DeviceRows, read_group
from longhand.olympiad.training.checkpoint import (
    BASELINE_ABOUT,
    RunState,
    check_backbone,
    describe_backbone,
    read_about,
    read_state,
    save_trm,
)
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.olympiad.training.run_steps import run_steps
from longhand.olympiad.training.trainer import RNG, OnStep, StepReport, check_batches
from longhand.olympiad.training.updates import Updates


class BaselineTrainer:
    """Trains a `Baseline`; `backbone` becomes part of it, so nobody else may use it.

    A step is one of the optimizer, on `accumulate_grad_batches` batches, the last of an epoch being what remains; the
    loss is divided by the number of all their labels. Batches without a label are left out and counted in
    `skipped_batches`. A recursive head takes `n_supervision` such steps on the same batches, so that equal epochs are
    equal examples, not equal steps. Runs resume bit for bit.
    """

    def __init__(
        self, backbone: Backbone, baseline: BaselineConfig, config: RecursiveTrainingConfig, batches: BatchSource
    ) -> None:
        self.config, self.batches = config, batches
        self._described = describe_backbone(backbone)
        self.baseline: Baseline = build_baseline(baseline, backbone, seed=config.seed)
        self.module = self.baseline.backbone.module.train()
        self.updates = Updates(self.baseline.trained, config)
        if config.compile:
            self.module.compile()  # in place: the names of its weights stay as they are
        self.groups_per_epoch = math.ceil(batches.steps_per_epoch / config.accumulate_grad_batches)
        total = self.groups_per_epoch * config.epochs
        self.total_steps = total if config.max_steps is None else min(total, config.max_steps)
        self.schedule = config.plan(self.total_steps)
        self.step = 0
        self.skipped_batches = 0

    @property
    def epoch(self) -> int:
        """The epoch of the next step, counted from 0."""
        return self.step // self.groups_per_epoch

    def run(self, directory: Path | None = None, *, stop_at: int | None = None, on_step: OnStep | None = None) -> None:
        """Train to the end, to step `stop_at`, or until `on_step` says so; see `RecursiveTrainer.run`."""
        end = self.total_steps if stop_at is None else min(stop_at, self.total_steps)
        run_steps(self, self._take_step, end, directory, self.config.save_interval, on_step)

    def _take_step(self) -> StepReport | None:
        group = self._read(self.step)
        n_targets, report = sum(rows.n_targets for rows in group), None
        if group:
            rate, epoch = self.schedule(self.step), self.epoch
            self.updates.forget_gradients()
            loss = sum(self._add_gradients(rows) for rows in group)
            self.updates.check_loss(loss, self.step)
            norm = self.updates.step(rate, n_targets)
            report = StepReport(self.step + 1, epoch, 0, loss / n_targets, n_targets, rate, norm)
        self.step += 1
        return report

    def _add_gradients(self, rows: DeviceRows) -> float:
        with torch.autocast(rows.ids.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
            loss = self.baseline.loss_sum(rows)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.item()

    def _read(self, index: int) -> list[DeviceRows]:
        """The batches of a step that have something to learn."""
        device = self.baseline.backbone.device
        group = read_group(self.batches, index, self.config.accumulate_grad_batches, device)
        self.skipped_batches += sum(not rows.n_targets for rows in group)
        return [rows for rows in group if rows.n_targets]

    def save(self, directory: Path, metrics: dict[str, Any] | None = None) -> None:
        """Write a checkpoint with everything needed to go on, whole or not at all."""
        numbers = {
            "step": self.step,
            "epoch": self.epoch,
            "skipped_batches": self.skipped_batches,
            "steps_per_epoch": self.batches.steps_per_epoch,
            **self.updates.counts(),
        }
        about = {
            "baseline": self.baseline.config.model_dump(mode="json"),
            "training": self.config.model_dump(mode="json"),
            "backbone": self._described,
            "metrics": dict(metrics or {}),
        }
        state = RunState(numbers, {**self.updates.tensors(), RNG: torch.get_rng_state()})
        save_trm(Path(directory), self.updates.evaluated, about, state, BASELINE_ABOUT)

    @classmethod
    def resume(cls, directory: Path, backbone: Backbone, batches: BatchSource) -> BaselineTrainer:
        """The trainer as it was when it was saved, torch's global random state included.

        Raises `UserError` if there is no state, for another backbone, or for batches of another number.
        """
        about = read_about(directory, BASELINE_ABOUT)
        check_backbone(about, backbone, directory)
        state = read_state(directory)
        check_batches(state, batches, directory)
        baseline, config = BaselineConfig(**about["baseline"]), RecursiveTrainingConfig(**about["training"])
        trainer = cls(backbone, baseline, config, batches)
        trainer.updates.restore(state.tensors, state.numbers)
        trainer.step, trainer.skipped_batches = state.numbers["step"], state.numbers["skipped_batches"]
        torch.set_rng_state(state.tensors[RNG])
        return trainer
