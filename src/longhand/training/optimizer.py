"""AdamW on all weights at once."""

from __future__ import annotations

import math
from typing import Any, Protocol

import torch

from longhand.models.flat import FlatParameters
from longhand.training.config import TrainingConfig


class Optimizer(Protocol):
    """Moves the weights of a model by their gradients."""

    @property
    def steps(self) -> int:
        """Steps taken."""
        ...

    def step(self, learning_rate: float) -> None:
        """Move the weights by the gradients as they are now."""
        ...

    def state_dict(self) -> dict[str, Any]:
        """What has to be kept to go on."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; raises `RuntimeError` if it belongs to other weights."""
        ...


class AdamW:
    """AdamW (arXiv:1711.05101): a handful of operations on one vector, whatever the number of parameters.

    Matrices and embeddings decay; biases and norm gains only with `decay_vectors`. It moves the weights of `parts`
    (default: all), slices of the vector they lie in; the moments `first` and `second` are laid out as the weights are.
    """

    def __init__(
        self, parameters: FlatParameters, config: TrainingConfig, parts: tuple[slice, ...] = (slice(None),)
    ) -> None:
        self.parameters, self.parts = parameters, parts
        self.betas, self.eps, self.weight_decay = config.betas, config.eps, config.weight_decay
        self._n_decayed = parameters.weights.numel() if config.decay_vectors else parameters.n_matrices
        self.steps = 0
        self.first = torch.zeros_like(parameters.weights)
        self.second = torch.zeros_like(parameters.weights)
        self._scratch = torch.empty_like(parameters.weights)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the weights by the gradients as they are now."""
        self.steps += 1
        beta1, beta2 = self.betas
        correction = math.sqrt(1 - beta2**self.steps)
        for part in self.parts:
            weights, gradients = self.parameters.weights[part], self.parameters.gradients[part]
            first, second = self.first[part], self.second[part]
            first.lerp_(gradients, 1 - beta1)
            second.mul_(beta2).addcmul_(gradients, gradients, value=1 - beta2)
            root = torch.sqrt(second, out=self._scratch[part]).div_(correction).add_(self.eps)
            if self.weight_decay:
                decayed = self._n_decayed - (part.start or 0)
                weights[: max(decayed, 0)].mul_(1 - learning_rate * self.weight_decay)
            weights.addcdiv_(first, root, value=-learning_rate / (1 - beta1**self.steps))

    def state_dict(self) -> dict[str, Any]:
        """What has to be kept to go on: the number of steps and the moments."""
        return {"steps": self.steps, "first": self.first, "second": self.second}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; raises `RuntimeError` if it belongs to other weights."""
        self.first.copy_(state["first"])
        self.second.copy_(state["second"])
        self.steps = state["steps"]
