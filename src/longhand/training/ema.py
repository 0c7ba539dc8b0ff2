"""A moving average of the weights, which is smoother than the last ones."""

from __future__ import annotations

import copy

import torch
from torch import nn

from longhand.models.flat import FlatParameters


class WeightAverage:
    """An exponential moving average of a model's weights, in float32, as a model of its own.

    After the t-th update the average moves by 1 - min(decay, (1 + t) / (10 + t)) towards the weights, so that the
    initial weights are soon forgotten. `model` is in evaluation mode and shares nothing with the one averaged, whose
    parameters are `trained`.
    """

    def __init__(self, model: nn.Module, trained: FlatParameters, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.model = copy.deepcopy(model).eval().requires_grad_(False)
        self.parameters = FlatParameters.of(self.model)
        self._trained = trained

    @torch.no_grad()
    def update(self) -> None:
        """Move towards the weights as they are now."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.parameters.weights.lerp_(self._trained.weights, 1 - decay)
