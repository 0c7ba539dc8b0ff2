"""Everything a run needs to go on as if it had never stopped, beside its configuration.

Batches, dropout and the learning rate are functions of the seed and the step, so that the state is: the step,
the weights, the optimizer's moments, the moving average, the sums since the last logged row, and what selection
remembers. No state of a random generator is among it.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from longhand.errors import UserError
from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.runs.checkpoint import TRAINING_STATE
from longhand.runs.manifest import MANIFEST, check_files
from longhand.training.adopt import Adopt
from longhand.training.config import RuntimeConfig, TrainingConfig
from longhand.training.ema import WeightAverage
from longhand.training.engine import NativeEngine, build_engine
from longhand.training.muon import Muon
from longhand.training.objectives import Losses, compiled_losses, next_token_losses
from longhand.training.optimizer import AdamW, Optimizer
from longhand.training.selection import BestCheckpoints, EarlyStopping

STATE_FILE = "state.pt"
STATE_VERSION = 2


@dataclass
class TrainingState:
    """The moving parts of a run. `sums` [3] holds loss, weight and balance loss since the last logged row."""

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

    @property
    def evaluated(self) -> Decoder:
        """The model that is evaluated and saved: the average if there is one."""
        if self.average is None:
            return self.model
        averaged = self.average.model
        assert isinstance(averaged, Decoder)
        return averaged

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
            "best": (self.best.metric, self.best.entries),
            "early": None if self.early is None else (self.early.config.metric, self.early.best, self.early.waited),
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
            self._read_selection(content)
            self.step, self.seconds = content["step"], content["seconds"]
        except (KeyError, RuntimeError, ValueError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise UserError(f"the state in {checkpoint} belongs to another run ({reason})") from error

    def _read_selection(self, content: dict[str, Any]) -> None:
        # Values of one metric say nothing about another: a changed metric begins anew.
        metric, entries = content["best"]
        if metric == self.best.metric:
            self.best.entries = [(value, step) for value, step in entries][: self.best.k]
        if self.early is not None and content["early"] is not None:
            metric, best, waited = content["early"]
            if metric == self.early.config.metric:
                self.early.best, self.early.waited = best, waited


def fresh_state(model: Decoder, config: TrainingConfig, runtime: RuntimeConfig, device: torch.device) -> TrainingState:
    """The state before the first step of a model that lies on `device`.

    Raises `UserError` if `runtime` asks for an engine that cannot compute the model.
    """
    early = config.early_stopping
    parameters = FlatParameters.of(model)
    return TrainingState(
        step=0,
        seconds=0.0,
        model=model,
        parameters=parameters,
        engine=build_engine(model, parameters, config, runtime),
        losses=compiled_losses(device) if runtime.compile else next_token_losses,
        optimizer=_build_optimizer(model, parameters, config),
        average=None if config.ema_decay is None else WeightAverage(model, parameters, config.ema_decay),
        sums=torch.zeros(3, device=device),
        best=BestCheckpoints(config.save_top_k, config.save_metric),
        early=None if early is None else EarlyStopping(early),
    )


def _build_optimizer(model: Decoder, parameters: FlatParameters, config: TrainingConfig) -> Optimizer:
    if config.optimizer == "muon":
        return Muon(model, parameters, config)
    return AdamW(parameters, config) if config.optimizer == "adamw" else Adopt(parameters, config)


def seed_dropout(seed: int, step: int, batch: int, rank: int) -> None:
    """Make dropout a function of these numbers alone: torch's generator is seeded by their hash."""
    digest = hashlib.blake2b(f"{seed}/dropout/{step}/{batch}/{rank}".encode(), digest_size=8).digest()
    torch.manual_seed(int.from_bytes(digest, "little") >> 1)


def _load(checkpoint: Path) -> dict[str, Any]:
    name = f"{TRAINING_STATE}/{STATE_FILE}"
    if not (checkpoint / name).is_file() and (checkpoint / MANIFEST).is_file():
        raise UserError(f"{checkpoint} is a model without a training state; resume from one under checkpoints/")
    check_files(checkpoint, (name,))
    try:
        content = torch.load(checkpoint / name, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise UserError(f"{checkpoint / name} is damaged; resume from another checkpoint") from error
    if not isinstance(content, dict) or content.get("version") != STATE_VERSION:
        raise UserError(f"{checkpoint / name} is of another version of longhand; it cannot be resumed by this one")
    return content
