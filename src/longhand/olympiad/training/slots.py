"""Training of whole answers: a batch of slots, each with an example of its own and as many steps as it needs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longhand.data.keyed import keyed_generator
from longhand.errors import UserError
from longhand.models.trm_config import TrmConfig
from longhand.models.whole_answer import WholeAnswerModel, build_whole_answer
from longhand.olympiad.training.checkpoint import RunState, load_weights, read_about, read_state, save_trm
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.olympiad.training.run_steps import run_steps
from longhand.olympiad.training.updates import Updates

EXPLORED = 0.1
"""How often a slot is forced to a random least number of steps, so that the halting head sees what more would do."""
HALT_WEIGHT = 0.5
"""Weight of the halting head's loss, per row, beside that of the tokens, per label."""


class ExampleSource(Protocol):
    """Examples by number, counted from 0, without an end."""

    def __getitem__(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Ids and labels [T] of an example, of the same length for all: the same whenever it is asked for."""
        ...


class FixedExamples:
    """Rows in memory, `ids` and `labels` [n, T], over and over, in another order each time."""

    def __init__(self, ids: NDArray[np.int64], labels: NDArray[np.int64], *, seed: int) -> None:
        if not len(ids):
            raise UserError("there are no examples to train on; give at least one")
        self.ids, self.labels, self.seed = ids, labels, seed
        self._epoch, self._order = -1, np.zeros(0, dtype=np.int64)

    def __getitem__(self, index: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        epoch, place = divmod(index, len(self.ids))
        if epoch != self._epoch:
            self._epoch, self._order = epoch, _order(self.seed, epoch, len(self.ids))
        return self.ids[self._order[place]], self.labels[self._order[place]]


def _order(seed: int, epoch: int, n: int) -> NDArray[np.int64]:
    return keyed_generator(seed, "examples", epoch).permutation(n)


@dataclass(frozen=True, slots=True)
class SlotReport:
    """One optimizer step: losses per label and per row, how many slots were right, and how many ended."""

    step: int
    loss: float
    halt_loss: float
    right: int
    ended: int
    learning_rate: float
    grad_norm: float


class SlotTrainer:
    """Trains a `WholeAnswerModel` for `max_steps` optimizer steps on `n_slots` examples at a time.

    A slot is given a new example when the halting head says that it is right, or after `n_supervision` steps; with a
    chance of `EXPLORED` in each step only after a random number of them, from 2 up (without halting: always after all
    steps). Its example, states and count are all a slot is; the other slots go on. Runs resume bit for bit.
    """

    def __init__(
        self,
        trm: TrmConfig,
        vocab_size: int,
        config: RecursiveTrainingConfig,
        examples: ExampleSource,
        *,
        n_slots: int,
        device: str | torch.device = "cpu",
    ) -> None:
        if config.max_steps is None or config.epochs != 1 or config.accumulate_grad_batches != 1:
            raise UserError("slots are trained for max_steps, without epochs and accumulate_grad_batches; set it alone")
        if n_slots < 1:
            raise UserError(f"n_slots is {n_slots}; give at least 1")
        self.trm, self.config, self.examples, self.n_slots = trm, config, examples, n_slots
        self.model: WholeAnswerModel = build_whole_answer(trm, vocab_size, seed=config.seed).to(device)
        self.updates = Updates(self.model, config)
        if config.compile:
            self.model.recursion.net.compile()  # in place: the names of its weights stay as they are
        self.total_steps = config.max_steps
        self.schedule = config.plan(self.total_steps)
        self.step = 0
        self._chance = torch.Generator().manual_seed(config.seed)
        self._next = n_slots  # the first example that no slot has had
        self._shown = torch.arange(n_slots)  # which example is in which slot
        self._steps = torch.zeros(n_slots, dtype=torch.int64)  # that it has had
        first = [examples[index] for index in range(n_slots)]
        self._ids, self._labels = (
            torch.from_numpy(np.stack([e[i] for e in first])).to(self.model.device) for i in (0, 1)
        )
        with torch.no_grad():
            self._y, self._z = (state.detach().clone() for state in self.model.start(self._ids))

    @property
    def evaluated(self) -> WholeAnswerModel:
        """The model that is evaluated and saved: the average of the weights if one is kept."""
        model = self.updates.evaluated
        assert isinstance(model, WholeAnswerModel)
        return model

    @property
    def examples_seen(self) -> int:
        """Examples that slots were given."""
        return self._next

    def run(
        self,
        directory: Path | None = None,
        *,
        stop_at: int | None = None,
        on_step: Callable[[SlotReport], bool | None] | None = None,
    ) -> None:
        """Train to the end, to step `stop_at`, or until `on_step` says so; save when it stops, and as configured."""
        end = self.total_steps if stop_at is None else min(stop_at, self.total_steps)
        run_steps(self, self._take_step, end, directory, self.config.save_interval, on_step)

    def _take_step(self) -> SlotReport:
        self.updates.forget_gradients()
        device = self.model.device.type
        with torch.autocast(device, torch.bfloat16, enabled=self.config.precision == "bf16"):
            done = self.model.step(self._ids, self._y, self._z, self._labels)
            # Both as means, one over labels and one over rows.
            loss = done.loss_sum / max(1, done.n_places) + HALT_WEIGHT * done.halt_loss / self.n_slots
        value = float(loss.detach())
        self.updates.check_loss(value, self.step)
        loss.backward()  # type: ignore[no-untyped-call]
        rate = self.schedule(self.step)
        norm = self.updates.step(rate, 1)
        self.step += 1
        self._y, self._z = done.y, done.z
        self._steps += 1
        ended = self._ended(None if done.halt is None else done.halt.cpu())
        self._refill(ended)
        return SlotReport(
            self.step,
            float(done.loss_sum.detach()) / max(1, done.n_places),
            float(done.halt_loss.detach()) / self.n_slots,
            int(done.right.sum()),
            int(ended.sum()),
            rate,
            norm,
        )

    def _ended(self, halt: Tensor | None) -> Tensor:
        """Which slots [n_slots] are to be given a new example."""
        out_of_steps = self._steps >= self.trm.n_supervision
        if halt is None:
            return out_of_steps
        explores = torch.rand(self.n_slots, generator=self._chance) < EXPLORED
        least = torch.randint(2, max(2, self.trm.n_supervision) + 1, (self.n_slots,), generator=self._chance)
        return out_of_steps | ((halt > 0) & (self._steps >= least * explores))

    @torch.no_grad()
    def _refill(self, ended: Tensor) -> None:
        start_y, start_z = self.model.start(self._ids[:1])
        for slot in ended.nonzero()[:, 0].tolist():
            self._show(slot, self._next)
            self._next += 1
            self._steps[slot] = 0
            self._y[slot], self._z[slot] = start_y[0].to(self._y.dtype), start_z[0].to(self._z.dtype)

    def _show(self, slot: int, example: int) -> None:
        ids, labels = self.examples[example]
        self._shown[slot] = example
        self._ids[slot], self._labels[slot] = torch.from_numpy(ids), torch.from_numpy(labels)

    def save(self, directory: Path, metrics: dict[str, Any] | None = None) -> None:
        """Write a checkpoint with everything needed to go on, whole or not at all."""
        numbers = {"step": self.step, "next": self._next, "n_slots": self.n_slots, **self.updates.counts()}
        tensors = {
            **self.updates.tensors(),
            "slots.shown": self._shown,
            "slots.steps": self._steps,
            "slots.y": self._y,
            "slots.z": self._z,
            "chance": self._chance.get_state(),
            "torch_rng": torch.get_rng_state(),
        }
        about = {
            "trm": self.trm.model_dump(mode="json"),
            "training": self.config.model_dump(mode="json"),
            "backbone": None,
            "vocab_size": self.model.vocab_size,
            "metrics": dict(metrics or {}),
        }
        save_trm(Path(directory), self.evaluated, about, RunState(numbers, tensors))

    @classmethod
    def resume(cls, directory: Path, examples: ExampleSource, *, device: str | torch.device = "cpu") -> SlotTrainer:
        """The trainer as it was when it was saved, torch's global random state included."""
        about, state = _read_own(directory), read_state(directory)
        numbers, tensors = state.numbers, state.tensors
        trainer = cls(
            TrmConfig(**about["trm"]),
            about["vocab_size"],
            RecursiveTrainingConfig(**about["training"]),
            examples,
            n_slots=numbers["n_slots"],
            device=device,
        )
        trainer.updates.restore(tensors, numbers)
        trainer.step, trainer._next = numbers["step"], numbers["next"]
        for slot, example in enumerate(tensors["slots.shown"].tolist()):
            trainer._show(slot, example)
        trainer._steps = tensors["slots.steps"]
        trainer._y, trainer._z = (tensors[f"slots.{name}"].to(trainer.model.device) for name in ("y", "z"))
        trainer._chance.set_state(tensors["chance"])
        torch.set_rng_state(tensors["torch_rng"])
        return trainer


def load_whole_answer(directory: Path) -> WholeAnswerModel:
    """The model in a checkpoint, in evaluation mode; raises `UserError` for what is missing, damaged or a head."""
    about = _read_own(directory)
    model = build_whole_answer(TrmConfig(**about["trm"]), about["vocab_size"], seed=0)
    load_weights(directory, model)
    return model.eval()


def _read_own(directory: Path) -> dict[str, Any]:
    about = read_about(directory)
    if about.get("backbone") is not None:
        raise UserError(f"{directory} holds a head on a backbone, not a model of whole answers")
    return about
