"""Deep supervision of a recursive head: several optimizer steps per batch, from where the last one left the states."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longhand.errors import UserError
from longhand.models.trm import RecursiveHead, build_head
from longhand.models.trm_backbone import Backbone
from longhand.models.trm_config import TrmConfig
from longhand.olympiad.training.batches import BatchSource, DeviceRows, read_group
from longhand.olympiad.training.checkpoint import (
    RunState,
    check_backbone,
    describe_backbone,
    read_about,
    read_state,
    save_trm,
)
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.olympiad.training.run_steps import run_steps
from longhand.olympiad.training.updates import Updates

RNG = "torch_rng"


@dataclass(frozen=True, slots=True)
class StepReport:
    """One optimizer step: its number from 1, the step of the supervision from 0, and what was measured.

    `loss` is in nats per label, `grad_norm` that of the mean gradient before clipping.
    """

    step: int
    epoch: int
    supervision_step: int
    loss: float
    n_targets: int
    learning_rate: float
    grad_norm: float


OnStep = Callable[[StepReport], bool | None]
"""Called after every step; training pauses when it returns true."""


@dataclass(slots=True)
class _Member:
    """A batch of a group: read by the backbone once, its states carried from step to step."""

    rows: DeviceRows
    x: Tensor
    y: Tensor
    z: Tensor


class RecursiveTrainer:
    """Trains a recursive head on a backbone that is never changed.

    Batches are taken in groups of `accumulate_grad_batches`, the last of an epoch being what remains. Each group gets
    `n_supervision` optimizer steps; in one step all its batches see the same weights, and the sum of their losses is
    divided by the number of all their labels. Batches without a label are left out and counted in `skipped_batches`; a
    group of such takes its steps in the schedule and none of the optimizer.

    A run is a function of its configurations, its batches and its backbone: `resume` goes on where `save` was asked,
    in the middle of a group too, and gives the same bits.
    """

    def __init__(
        self, backbone: Backbone, trm: TrmConfig, config: RecursiveTrainingConfig, batches: BatchSource
    ) -> None:
        self.backbone, self.trm, self.config, self.batches = backbone, trm, config, batches
        self.head: RecursiveHead = build_head(trm, backbone, seed=config.seed)
        self.updates = Updates(self.head, config)
        if config.compile:
            self.head.recursion.net.compile()  # in place: the names of its weights stay as they are
        self.groups_per_epoch = math.ceil(batches.steps_per_epoch / config.accumulate_grad_batches)
        total = self.groups_per_epoch * config.epochs * trm.n_supervision
        self.total_steps = total if config.max_steps is None else min(total, config.max_steps)
        self.schedule = config.plan(self.total_steps)
        self.step = 0
        self.skipped_batches = 0
        self._group: list[_Member] | None = None
        self._described = describe_backbone(backbone)

    @property
    def evaluated(self) -> RecursiveHead:
        """The head that is evaluated and saved: the average of the weights if one is kept."""
        head = self.updates.evaluated
        assert isinstance(head, RecursiveHead)
        return head

    @property
    def epoch(self) -> int:
        """The epoch of the next step, counted from 0."""
        return self.step // self.trm.n_supervision // self.groups_per_epoch

    def run(self, directory: Path | None = None, *, stop_at: int | None = None, on_step: OnStep | None = None) -> None:
        """Train to the end, to step `stop_at`, or until `on_step` says so.

        States are saved to `directory` every `save_interval` steps and when the run stops. Raises `UserError` for a
        loss that is no longer finite.
        """
        end = self.total_steps if stop_at is None else min(stop_at, self.total_steps)
        run_steps(self, self._take_step, end, directory, self.config.save_interval, on_step)

    def _take_step(self) -> StepReport | None:
        """One step of the supervision of the current group; None where it has nothing to learn from."""
        index, supervision_step = divmod(self.step, self.trm.n_supervision)
        if self._group is None:
            self._group = self._open(index)
        group, n_targets = self._group, sum(member.rows.n_targets for member in self._group)
        report = None
        if group:
            rate, epoch = self.schedule(self.step), self.epoch
            loss = self._add_gradients(group)
            self.updates.check_loss(loss, self.step)
            norm = self.updates.step(rate, n_targets)
            report = StepReport(self.step + 1, epoch, supervision_step, loss / n_targets, n_targets, rate, norm)
        self.step += 1
        if self.step % self.trm.n_supervision == 0:
            self._group = None
        return report

    def _add_gradients(self, group: list[_Member]) -> float:
        self.updates.forget_gradients()
        loss = 0.0
        for member in group:
            with torch.autocast(member.x.device.type, torch.bfloat16, enabled=self.config.precision == "bf16"):
                done = self.head.step(member.x, member.y, member.z, member.rows.labels, member.rows.mask)
            done.loss_sum.backward()  # type: ignore[no-untyped-call]
            loss += done.loss_sum.item()
            member.y, member.z = done.y, done.z
        return loss

    def _open(self, index: int, *, count: bool = True) -> list[_Member]:
        """Read the batches of a group, counted from 0 over all epochs."""
        members = []
        for rows in read_group(self.batches, index, self.config.accumulate_grad_batches, self.backbone.device):
            if not rows.n_targets:
                self.skipped_batches += count
                continue
            x = self.head.prepare(self.backbone.hidden(rows.ids, rows.mask))
            with torch.no_grad() if self.trm.start != "learned" else torch.enable_grad():
                members.append(_Member(rows, x, *self.head.start(x)))
        return members

    def save(self, directory: Path, metrics: dict[str, Any] | None = None) -> None:
        """Write a checkpoint with everything needed to go on, whole or not at all."""
        numbers = {
            "step": self.step,
            "epoch": self.epoch,
            "skipped_batches": self.skipped_batches,
            "steps_per_epoch": self.batches.steps_per_epoch,
            "carried": None if self._group is None else len(self._group),
            **self.updates.counts(),
        }
        tensors = {**self.updates.tensors(), RNG: torch.get_rng_state()}
        for i, member in enumerate(self._group or ()):
            tensors |= {f"carry.{i}.y": member.y, f"carry.{i}.z": member.z}
        about = {
            "trm": self.trm.model_dump(mode="json"),
            "training": self.config.model_dump(mode="json"),
            "backbone": self._described,
            "metrics": dict(metrics or {}),
        }
        save_trm(Path(directory), self.evaluated, about, RunState(numbers, tensors))

    @classmethod
    def resume(cls, directory: Path, backbone: Backbone, batches: BatchSource) -> RecursiveTrainer:
        """The trainer as it was when it was saved, torch's global random state included.

        Raises `UserError` if there is no state, for another backbone, or for batches of another number.
        """
        about = read_about(directory)
        check_backbone(about, backbone, directory)
        state = read_state(directory)
        numbers, tensors = state.numbers, state.tensors
        check_batches(state, batches, directory)
        trainer = cls(backbone, TrmConfig(**about["trm"]), RecursiveTrainingConfig(**about["training"]), batches)
        trainer.updates.restore(tensors, numbers)
        trainer.step, trainer.skipped_batches = numbers["step"], numbers["skipped_batches"]
        if numbers["carried"] is not None:
            trainer._group = trainer._open(trainer.step // trainer.trm.n_supervision, count=False)
            for i, member in enumerate(trainer._group):
                member.y = tensors[f"carry.{i}.y"].to(member.x.device)
                member.z = tensors[f"carry.{i}.z"].to(member.x.device)
        torch.set_rng_state(tensors[RNG])
        return trainer


def check_batches(state: RunState, batches: BatchSource, directory: Path) -> None:
    """Raise `UserError` unless there are as many batches in an epoch as when a run was saved."""
    before = state.numbers["steps_per_epoch"]
    if before != batches.steps_per_epoch:
        raise UserError(
            f"{directory} was trained on {before} batches per epoch, and these are {batches.steps_per_epoch};"
            " give the data it was trained on"
        )
