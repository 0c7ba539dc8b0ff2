"""Everything a run needs to go on as if it had never stopped, beside its configuration.

Batches, dropout, shifted places and the learning rate are functions of the seed and the step, so that the state is:
the step, the weights, the optimizer's moments, the moving average, the sums since the last logged row, and what
selection remembers. No state of a random generator is among it.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longhand.data.batches import Batch
from longhand.errors import UserError
from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.models.slot_attention import WindowedDecoder
from longhand.training.adopt import Adopt
from longhand.training.config import RuntimeConfig, TrainingConfig
from longhand.training.distributed import Group
from longhand.training.ema import WeightAverage
from longhand.training.engine import NativeEngine, build_engine, describe
from longhand.training.frozen import FrozenWeights
from longhand.training.muon import Muon
from longhand.training.objectives import Losses, compiled_losses, next_token_losses
from longhand.training.optimizer import AdamW, Optimizer
from longhand.training.proof import Proof
from longhand.training.selection import BestCheckpoints, EarlyStopping, read_selection, write_selection
from longhand.training.state_file import state_file
from longhand.training.step import take_step

STATE_FILE = "state.pt"
STATE_VERSION = 2


@dataclass
class TrainingState:
    """The moving parts of a run. `sums` [3] holds loss, weight and balance loss since the last logged row."""

    config: TrainingConfig
    runtime: RuntimeConfig
    group: Group
    step: int
    seconds: float
    model: Decoder
    parameters: FlatParameters
    engine: NativeEngine | None
    losses: Losses
    optimizer: Optimizer
    average: WeightAverage | None
    sums: Tensor
    best: BestCheckpoints
    early: EarlyStopping | None
    last_norm: Tensor
    proof: Proof | None = None
    frozen: FrozenWeights | None = None

    @property
    def evaluated(self) -> Decoder:
        """The model that is evaluated and saved: the average if there is one."""
        if self.average is None:
            return self.model
        averaged = self.average.model
        assert isinstance(averaged, Decoder)
        return averaged

    @property
    def num_parameters(self) -> int:
        """Trainable numbers, tied weights counted once."""
        return self.model.num_parameters()

    @property
    def grad_norm(self) -> float:
        """Norm of the last gradient before clipping."""
        return self.last_norm.item()

    def take_step(self, micro_batches: Sequence[Batch], learning_rate: float, *, wants_stop: bool = False) -> bool:
        """Move the weights by a gradient; returns whether any process wants to stop."""
        self.last_norm, interrupted = take_step(
            self, micro_batches, self.config, learning_rate, self.group, wants_stop=wants_stop
        )
        return interrupted

    def totals(self) -> tuple[float, float, float]:
        """Loss, weight and balance loss, summed since the last logged row."""
        loss, weight, balance = self.sums.tolist()
        return loss, weight, balance

    def start_row(self) -> None:
        """Begin these sums anew."""
        self.sums.zero_()

    def weights(self) -> dict[str, NDArray[np.floating[Any]]]:
        """Those of the evaluated model by name, for its checkpoint."""
        return {name: weight.cpu().numpy() for name, weight in self.evaluated.state_dict().items()}

    def describe(self, longest: int) -> dict[str, str | int]:
        """What was chosen where the configuration left it open, for rows of `longest` tokens."""
        return describe(self.model, self.engine, self.config, self.runtime, self.group.world, longest)

    def prove(self) -> dict[str, Any]:
        """What of the windows of its layout the evaluated model gets wrong, if that is asked for."""
        if self.proof is None:
            return {}
        assert isinstance(self.evaluated, WindowedDecoder)
        return self.proof.measure(self.evaluated)

    def write(self, folder: Path) -> None:
        """Write the state into a `training_state` folder."""
        content = {
            "version": STATE_VERSION,
            "step": self.step,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "average": None if self.average is None else self.average.model.state_dict(),
            "average_updates": 0 if self.average is None else self.average.updates,
            "sums": self.sums,
            "proof": None if self.proof is None else _tensors(self.proof.to_dict()),
            **write_selection(self.best, self.early),
        }
        # Through memory: a full disk then is an OSError with its reason, not an error of the serialiser.
        buffer = io.BytesIO()
        torch.save(content, buffer)
        (folder / STATE_FILE).write_bytes(buffer.getbuffer())

    def read(self, checkpoint: Path) -> None:
        """Take over the state saved in a checkpoint directory.

        Settings of the optimizer stay as configured; an average that was not kept before starts from the weights.
        Raises `UserError` if there is no state, it is damaged, or it belongs to another model.
        """
        content = _load(checkpoint)
        try:
            self.model.load_state_dict(content["model"])
            self.optimizer.load_state_dict(content["optimizer"])
            if self.average is not None:
                self.average.model.load_state_dict(content["average"] or content["model"])
                self.average.updates = content["average_updates"]
            self.sums.copy_(content["sums"])
            read_selection(self.best, self.early, content)
            if self.proof is not None and content.get("proof") is not None:
                self.proof.restore({name: value.numpy() for name, value in content["proof"].items()})
            self.step, self.seconds = content["step"], content["seconds"]
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"the state in {checkpoint} belongs to another run ({reason})") from error


def fresh_state(model: Decoder, config: TrainingConfig, runtime: RuntimeConfig, group: Group) -> TrainingState:
    """The state before the first step of a model that lies on the device of its `group`.

    Raises `UserError` if `runtime` asks for an engine that cannot compute the model.
    """
    early = config.early_stopping
    parameters = FlatParameters.of(model)
    return TrainingState(
        config=config,
        runtime=runtime,
        group=group,
        step=0,
        seconds=0.0,
        model=model,
        parameters=parameters,
        engine=build_engine(model, parameters, config, runtime),
        losses=compiled_losses(group.device) if runtime.compile else next_token_losses,
        optimizer=_build_optimizer(model, parameters, config),
        average=None if config.ema_decay is None else WeightAverage(model, parameters, config.ema_decay),
        sums=torch.zeros(3, device=group.device),
        best=BestCheckpoints(config.save_top_k, config.save_metric),
        early=None if early is None else EarlyStopping(early),
        last_norm=torch.zeros(()),
        proof=_build_proof(config, model),
        frozen=FrozenWeights(parameters, config.freeze) if config.freeze else None,
    )


def _build_proof(config: TrainingConfig, model: Decoder) -> Proof | None:
    if config.proof is None:
        return None
    if not isinstance(model, WindowedDecoder):
        raise UserError(
            f"training.proof is for windowed models, whose windows can be listed; model.name is {model.config.name}"
        )
    return Proof(config.proof, model, config.seed)


def _build_optimizer(model: Decoder, parameters: FlatParameters, config: TrainingConfig) -> Optimizer:
    if config.optimizer == "sgd":
        raise UserError("training.optimizer sgd is for the numpy engine; set runtime.engine: numpy, or use adamw")
    if config.optimizer == "muon":
        return Muon(model, parameters, config)
    return AdamW(parameters, config) if config.optimizer == "adamw" else Adopt(parameters, config)


def _tensors(arrays: dict[str, NDArray[Any]]) -> dict[str, Tensor]:
    return {name: torch.from_numpy(array) for name, array in arrays.items()}


def _load(checkpoint: Path) -> dict[str, Any]:
    path = state_file(checkpoint, STATE_FILE)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise UserError(f"{path} is damaged; resume from another checkpoint") from error
    if not isinstance(content, dict) or content.get("version") != STATE_VERSION:
        raise UserError(f"{path} is of another version of longhand; it cannot be resumed by this one")
    return content
