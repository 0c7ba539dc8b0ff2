"""Muon: the momentum of each hidden matrix, made orthogonal, is its step."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.training.config import TrainingConfig
from longhand.training.optimizer import AdamW

MOMENTUM = 0.95
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the odd polynomial a x + b x^3 + c x^5, which five times over takes (0, 1] to about [0.7, 1.2]."""
ITERATIONS = 5


class Muon:
    """Muon for the matrices of the blocks, AdamW for embeddings, head, gains and biases.

    Keller Jordan et al. (2024), Muon: An optimizer for hidden layers in neural networks; with Nesterov momentum.
    Queries, keys and values are matrices of their own, and so is each expert. A matrix of r rows and c columns moves by
    `muon_learning_rate` times sqrt(max(1, r / c)), both rates following one schedule.
    """

    def __init__(self, model: Decoder, parameters: FlatParameters, config: TrainingConfig) -> None:
        self.parameters = parameters
        matrices = [name for name in parameters.spans if len(parameters.shapes[name]) > 1]
        hidden = [name for name in matrices if name.startswith(("blocks.", "memory."))]
        begin, end = parameters.spans[hidden[0]][0], max(parameters.spans[name][1] for name in hidden)
        self.hidden = slice(begin, end)
        self.adamw = AdamW(parameters, config, (slice(0, begin), slice(end, parameters.weights.numel())))
        self.ratio = config.muon_learning_rate / config.learning_rate
        self.weight_decay = config.weight_decay
        self.momentum = torch.zeros_like(parameters.weights[self.hidden])
        self._step = torch.zeros_like(self.momentum)
        views = list(_views(model, parameters, hidden, self._step, begin))
        self._groups = _group(views)
        self._tall = [(view, (view.size(0) / view.size(1)) ** 0.5) for view in views if view.size(0) > view.size(1)]

    @property
    def steps(self) -> int:
        """Steps taken."""
        return self.adamw.steps

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the weights by the gradients as they are now."""
        self.adamw.step(learning_rate)
        rate = learning_rate * self.ratio
        weights, gradients = self.parameters.weights[self.hidden], self.parameters.gradients[self.hidden]
        self.momentum.lerp_(gradients, 1 - MOMENTUM)
        torch.lerp(gradients, self.momentum, MOMENTUM, out=self._step)
        for views in self._groups:
            for view, unit in zip(views, orthogonalize(torch.stack(views)), strict=True):
                view.copy_(unit)
        for view, factor in self._tall:
            view.mul_(factor)
        if self.weight_decay:
            weights.mul_(1 - rate * self.weight_decay)
        weights.sub_(self._step, alpha=rate)

    def state_dict(self) -> dict[str, Any]:
        """What has to be kept to go on: AdamW's state and the momentum."""
        return {**self.adamw.state_dict(), "momentum": self.momentum}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned; raises `RuntimeError` if it belongs to other weights."""
        self.adamw.load_state_dict(state)
        self.momentum.copy_(state["momentum"])


def orthogonalize(matrices: Tensor) -> Tensor:
    """Bring the singular values of `matrices` [n, rows, columns] near 1, rows <= columns (Newton-Schulz)."""
    a, b, c = COEFFICIENTS
    x: Tensor = matrices / (matrices.flatten(1).norm(dim=1)[:, None, None] + 1e-7)
    for _ in range(ITERATIONS):
        square = x @ x.mT
        polynomial = torch.baddbmm(square, square, square, beta=b, alpha=c)
        x = torch.baddbmm(x, polynomial, x, beta=a)
    return x


def _views(
    model: Decoder, parameters: FlatParameters, hidden: Iterable[str], vector: Tensor, begin: int
) -> Iterable[Tensor]:
    """The parts of `vector`, which holds the weights from `begin` on, that are one matrix each: [rows, columns]."""
    d_model = model.config.d_model
    for name in hidden:
        start, stop = parameters.spans[name]
        whole = vector[start - begin : stop - begin].view(parameters.shapes[name])
        if name.endswith(".qkv.weight"):
            kv_width = (whole.size(0) - d_model) // 2
            yield from torch.split(whole, [d_model, kv_width, kv_width])
        elif name.endswith((".kv.weight", ".in_proj.weight")):
            yield from whole.chunk(2)
        elif whole.dim() == 3:
            yield from whole
        else:
            yield whole


def _group(views: Iterable[Tensor]) -> list[list[Tensor]]:
    """Matrices of one shape together, lying down, with no more rows than columns: the iteration squares their rows."""
    groups: dict[tuple[int, ...], list[Tensor]] = {}
    for view in views:
        lying = view if view.size(0) <= view.size(1) else view.t()
        groups.setdefault(tuple(lying.shape), []).append(lying)
    return list(groups.values())
