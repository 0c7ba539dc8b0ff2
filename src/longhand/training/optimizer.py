"""AdamW on all weights at once, with decay on matrices only."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from longhand.models.flat import FlatParameters
from longhand.training.config import TrainingConfig


class AdamW:
    """AdamW (arXiv:1711.05101): a handful of operations on one vector, whatever the number of parameters.

    Matrices and embeddings decay, biases and norm gains do not. `steps` counts the steps taken. The moments `first` and
    `second` are laid out as the weights are.
    """

    def __init__(self, parameters: FlatParameters, config: TrainingConfig) -> None:
        self.parameters = parameters
        self.betas, self.eps, self.weight_decay = config.betas, config.eps, config.weight_decay
        self.steps = 0
        self.first = torch.zeros_like(parameters.weights)
        self.second = torch.zeros_like(parameters.weights)
        self._scratch = torch.empty_like(parameters.weights)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the weights by the gradients as they are now."""
        self.steps += 1
        weights, gradients = self.parameters.weights, self.parameters.gradients
        beta1, beta2 = self.betas
        self.first.lerp_(gradients, 1 - beta1)
        self.second.mul_(beta2).addcmul_(gradients, gradients, value=1 - beta2)
        correction = math.sqrt(1 - beta2**self.steps)
        root = torch.sqrt(self.second, out=self._scratch).div_(correction).add_(self.eps)
        weights[: self.parameters.n_matrices].mul_(1 - learning_rate * self.weight_decay)
        weights.addcdiv_(self.first, root, value=-learning_rate / (1 - beta1**self.steps))

    def state_dict(self) -> dict[str, Any]:
        """What has to be kept to go on: the number of steps and the moments."""
        return {"steps": self.steps, "first": self.first, "second": self.second}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; raises `RuntimeError` if it belongs to other weights."""
        moments: tuple[Tensor, Tensor] = (state["first"], state["second"])
        self.first.copy_(moments[0])
        self.second.copy_(moments[1])
        self.steps = state["steps"]
