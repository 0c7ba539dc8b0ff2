"""Weights in training: their optimizer, their average, and what has to be kept to go on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.flat import FlatParameters
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.training.ema import WeightAverage
from longhand.training.optimizer import AdamW
from longhand.training.step import average_and_clip_


class Updates:
    """Moves all weights of a model, which are float32 whatever it computes in, and averages them."""

    def __init__(self, model: nn.Module, config: RecursiveTrainingConfig) -> None:
        self.model, self.config = model, config
        self.flat = FlatParameters.of(model)
        self.optimizer = AdamW(self.flat, config.adamw())
        self.average = None if config.ema_decay is None else WeightAverage(model, self.flat, config.ema_decay)

    @property
    def evaluated(self) -> nn.Module:
        """The model that is evaluated and saved: the average if there is one."""
        return self.model if self.average is None else self.average.model

    def check_loss(self, loss: float, step: int) -> None:
        """Raise `UserError` for the loss of step `step`, counted from 0, if it is not finite."""
        if not math.isfinite(loss):
            raise UserError(
                f"the loss was no longer finite at step {step + 1:,}; lower learning_rate"
                f" ({self.config.learning_rate:g}) or lengthen the warm-up"
            )

    def forget_gradients(self) -> None:
        """Begin a sum of gradients."""
        self.flat.gradients.zero_()

    def step(self, learning_rate: float, n_targets: float) -> float:
        """Move the weights by the summed gradients divided by `n_targets`; returns their norm before clipping."""
        factor = torch.tensor(1 / n_targets, device=self.flat.gradients.device)
        norm = float(average_and_clip_(self.flat.gradients, factor, self.config.grad_clip))
        self.optimizer.step(learning_rate)
        if self.average is not None:
            self.average.update()
        return norm

    def counts(self) -> dict[str, int]:
        """How often weights and average were moved."""
        return {"updates": self.optimizer.steps, "averaged": 0 if self.average is None else self.average.updates}

    def tensors(self) -> dict[str, Tensor]:
        """Weights, moments and average by name: what has to be kept to go on."""
        kept = {f"weights.{name}": tensor for name, tensor in self.model.state_dict().items()}
        kept |= {"first": self.optimizer.first, "second": self.optimizer.second}
        if self.average is not None:
            kept |= {f"average.{name}": tensor for name, tensor in self.average.model.state_dict().items()}
        return kept

    def restore(self, tensors: Mapping[str, Tensor], counts: Mapping[str, Any]) -> None:
        """Take over what `tensors` and `counts` returned; raises `UserError` if it belongs to another model."""
        try:
            self.model.load_state_dict(_below(tensors, "weights."))
            state = {"steps": int(counts["updates"]), "first": tensors["first"], "second": tensors["second"]}
            self.optimizer.load_state_dict(state)
            if self.average is not None:
                self.average.model.load_state_dict(_below(tensors, "average."))
                self.average.updates = int(counts["averaged"])
        except (KeyError, RuntimeError) as error:
            raise UserError(f"the state belongs to another run ({str(error).splitlines()[0]})") from error


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
