"""Adam and SGD on one vector of weights."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from longhand.numpy_gpt.parameters import Floats, Parameters


class Optimizer(Protocol):
    """Moves the weights of a model by their gradients; `moments` are what it remembers of earlier ones."""

    steps: int
    moments: dict[str, Floats]

    def step(self, learning_rate: float) -> None:
        """Move the weights by the gradients as they are now."""
        ...


class Adam:
    """Adam with bias correction (arXiv:1412.6980) and decoupled weight decay (arXiv:1711.05101).

    The first `n_decayed` weights decay; by default those are the matrices.
    """

    def __init__(
        self,
        parameters: Parameters,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        n_decayed: int | None = None,
    ) -> None:
        self.parameters, self.betas, self.eps, self.weight_decay = parameters, betas, eps, weight_decay
        self.n_decayed = parameters.n_matrices if n_decayed is None else n_decayed
        self.steps = 0
        self.moments = {name: np.zeros_like(parameters.vector) for name in ("first", "second")}

    def step(self, learning_rate: float) -> None:
        """Move the weights by the gradients as they are now."""
        self.steps += 1
        weights, gradient = self.parameters.vector, self.parameters.gradient
        beta1, beta2 = self.betas
        first, second = self.moments["first"], self.moments["second"]
        first += (1 - beta1) * (gradient - first)
        second *= beta2
        second += (1 - beta2) * gradient * gradient
        # Both moments start at 0 and are too small at first, by known factors.
        root = np.sqrt(second) / math.sqrt(1 - beta2**self.steps) + self.eps
        weights[: self.n_decayed] *= 1 - learning_rate * self.weight_decay
        weights -= (learning_rate / (1 - beta1**self.steps)) * first / root


class Sgd:
    """Gradient descent, with heavy-ball momentum if `momentum` is above 0 (Polyak, 1964)."""

    def __init__(self, parameters: Parameters, *, momentum: float = 0.0) -> None:
        self.parameters, self.momentum = parameters, momentum
        self.steps = 0
        self.moments = {"velocity": np.zeros_like(parameters.vector)} if momentum else {}

    def step(self, learning_rate: float) -> None:
        """Move the weights by the gradients as they are now."""
        self.steps += 1
        direction = self.parameters.gradient
        if self.momentum:
            velocity = self.moments["velocity"]
            velocity *= self.momentum
            velocity += direction
            direction = velocity
        self.parameters.vector -= learning_rate * direction


def average_and_clip(gradient: Floats, factor: float, largest_norm: float | None) -> float:
    """Multiply a gradient by `factor`, and further where its norm would exceed `largest_norm`.

    Returns the norm before clipping.
    """
    norm = float(np.linalg.norm(gradient)) * factor
    if largest_norm is not None:
        factor *= min(1.0, largest_norm / (norm + 1e-6))
    gradient *= gradient.dtype.type(factor)
    return norm
