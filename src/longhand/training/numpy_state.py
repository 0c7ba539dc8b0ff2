"""The moving parts of a run that NumPy computes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from safetensors import SafetensorError, safe_open

from longhand.data.batches import Batch
from longhand.errors import UserError
from longhand.numpy_gpt.loss import add_gradients
from longhand.numpy_gpt.model import NumpyGPT
from longhand.numpy_gpt.optimizers import Adam, Optimizer, Sgd, average_and_clip
from longhand.numpy_gpt.parameters import Floats, Parameters, weight_shapes
from longhand.training.config import TrainingConfig
from longhand.training.selection import BestCheckpoints, EarlyStopping, read_selection, write_selection
from longhand.training.state_file import state_file

STATE_FILE = "state.safetensors"
STATE_VERSION = 1


@dataclass
class NumpyState:
    """What `training.state.TrainingState` is where torch computes.

    `sums` [2] holds loss and weight since the last logged row.
    """

    config: TrainingConfig
    step: int
    seconds: float
    model: NumpyGPT
    optimizer: Optimizer
    average: NumpyGPT | None
    average_updates: int
    sums: Floats
    grad_norm: float
    best: BestCheckpoints
    early: EarlyStopping | None

    @property
    def evaluated(self) -> NumpyGPT:
        """The model that is evaluated and saved: the average if there is one."""
        return self.model if self.average is None else self.average

    @property
    def num_parameters(self) -> int:
        """Trainable numbers, tied weights counted once."""
        return self.model.parameters.vector.size

    def take_step(self, micro_batches: Sequence[Batch], learning_rate: float, *, wants_stop: bool = False) -> bool:
        """Move the weights by the gradient of the mean loss over all tokens that count; returns `wants_stop`."""
        parameters = self.model.parameters
        parameters.gradient[...] = 0
        scale = 1 / self.config.examples_per_step  # keeps the sums of gradients small until their weight is known
        loss = sum(add_gradients(self.model, rows, scale) for rows in micro_batches)
        weight = float(sum(rows.weights.sum() for rows in micro_batches))
        self.grad_norm = average_and_clip(parameters.gradient, 1 / (scale * weight), self.config.grad_clip)
        self.optimizer.step(learning_rate)
        self._move_average()
        self.sums += (loss, weight)
        self.step += 1
        return wants_stop

    @property
    def proof(self) -> None:
        """None: the models of this engine have no windows."""

    def prove(self) -> dict[str, Any]:
        """Nothing: the models of this engine have no windows."""
        return {}

    def totals(self) -> tuple[float, float, float]:
        """Loss, weight and (none) balance loss, summed since the last logged row."""
        loss, weight = self.sums.tolist()
        return loss, weight, 0.0

    def start_row(self) -> None:
        """Begin these sums anew."""
        self.sums[...] = 0

    def weights(self) -> dict[str, Floats]:
        """Those of the evaluated model by name, for its checkpoint."""
        return self.evaluated.parameters.weights

    def describe(self, longest: int) -> dict[str, str | int]:
        """What computes, for the log and the checkpoint."""
        return {"processes": 1, "precision": "fp32", "engine": f"numpy ({np.__version__})"}

    def write(self, folder: Path) -> None:
        """Write the state into a `training_state` folder: arrays, and the rest as JSON in their header."""
        arrays = {
            "weights": self.model.parameters.vector,
            "sums": self.sums,
            **{f"moments.{name}": moment for name, moment in self.optimizer.moments.items()},
        }
        if self.average is not None:
            arrays["average"] = self.average.parameters.vector
        rest = {
            "version": STATE_VERSION,
            "step": self.step,
            "seconds": self.seconds,
            "optimizer": self.config.optimizer,
            "optimizer_steps": self.optimizer.steps,
            "average_updates": self.average_updates,
            **write_selection(self.best, self.early),
        }
        (folder / STATE_FILE).write_bytes(safetensors.numpy.save(arrays, {"state": json.dumps(rest)}))

    def read(self, checkpoint: Path) -> None:
        """Take over the state saved in a checkpoint directory.

        Settings of the optimizer stay as configured; an average that was not kept before starts from the weights.
        Raises `UserError` if there is no state, it is damaged, or it belongs to another model or engine.
        """
        arrays, rest = _load(checkpoint)
        moments = {f"moments.{name}": moment for name, moment in self.optimizer.moments.items()}
        try:
            if rest["optimizer"] != self.config.optimizer:
                raise ValueError(f"its optimizer is {rest['optimizer']}, not {self.config.optimizer}")
            targets = {"weights": self.model.parameters.vector, "sums": self.sums, **moments}
            if self.average is not None:
                arrays.setdefault("average", arrays["weights"])
                targets["average"] = self.average.parameters.vector
            for name, target in targets.items():
                target[...] = arrays[name]
            self.optimizer.steps, self.average_updates = rest["optimizer_steps"], rest["average_updates"]
            read_selection(self.best, self.early, rest)
            self.step, self.seconds = rest["step"], rest["seconds"]
        except (KeyError, ValueError, TypeError) as error:
            raise UserError(f"the state in {checkpoint} belongs to another run ({error})") from error

    def _move_average(self) -> None:
        """As `training.ema.WeightAverage` does."""
        if self.average is None:
            return
        assert self.config.ema_decay is not None
        self.average_updates += 1
        decay = min(self.config.ema_decay, (1 + self.average_updates) / (10 + self.average_updates))
        averaged = self.average.parameters.vector
        averaged += averaged.dtype.type(1 - decay) * (self.model.parameters.vector - averaged)


def fresh_numpy_state(model: NumpyGPT, config: TrainingConfig) -> NumpyState:
    """The state before the first step of a model."""
    parameters, early = model.parameters, config.early_stopping
    average = None
    if config.ema_decay is not None:
        average = NumpyGPT(model.config, Parameters(weight_shapes(model.config, model.vocab_size)))
        average.parameters.vector[...] = parameters.vector
    return NumpyState(
        config=config,
        step=0,
        seconds=0.0,
        model=model,
        optimizer=_build_optimizer(parameters, config),
        average=average,
        average_updates=0,
        sums=np.zeros(2),
        grad_norm=0.0,
        best=BestCheckpoints(config.save_top_k, config.save_metric),
        early=None if early is None else EarlyStopping(early),
    )


def _build_optimizer(parameters: Parameters, config: TrainingConfig) -> Optimizer:
    if config.optimizer == "sgd":
        return Sgd(parameters, momentum=config.momentum)
    return Adam(
        parameters,
        betas=config.betas,
        eps=config.eps,
        weight_decay=config.weight_decay,
        n_decayed=parameters.vector.size if config.decay_vectors else None,
    )


def _load(checkpoint: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    path = state_file(checkpoint, STATE_FILE)
    try:
        with safe_open(path, framework="numpy") as file:
            arrays = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - it is no mapping
            rest = json.loads((file.metadata() or {})["state"])
    except (OSError, SafetensorError, ValueError, KeyError) as error:
        raise UserError(f"{path} is damaged; resume from another checkpoint") from error
    if not isinstance(rest, dict) or rest.get("version") != STATE_VERSION:
        raise UserError(f"{path} is of another version of longhand; it cannot be resumed by this one")
    return arrays, rest
