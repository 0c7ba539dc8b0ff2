"""All weights of a model in one block of memory, and their gradients in another."""

from __future__ import annotations

from itertools import pairwise
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

_ALIGNMENT = 16  # numbers; every parameter begins at a multiple, where a vector register is loaded fastest


class FlatParameters:
    """The parameters of `model` as views of one vector: matrices first, then gains and biases.

    What is done to all of them is then one operation: a step of the optimizer, a sum over processes, a norm. The model
    is changed in place; its parameters keep their names, shapes and values. Gradients accumulate into `gradients` as
    long as nobody sets a parameter's `.grad` to None. All parameters have to be of one type and on one device.
    """

    def __init__(self, model: nn.Module) -> None:
        named = list(model.named_parameters())
        ordered = [pair for pair in named if pair[1].dim() >= 2] + [pair for pair in named if pair[1].dim() < 2]
        self.spans: dict[str, tuple[int, int]] = {}
        self.n_matrices = end = 0  # numbers in matrices, with the gaps between them
        for name, parameter in ordered:
            self.spans[name] = (end, end + parameter.numel())
            end += -(-parameter.numel() // _ALIGNMENT) * _ALIGNMENT
            if parameter.dim() >= 2:
                self.n_matrices = end
        self.weights = torch.zeros(end, device=ordered[0][1].device, dtype=ordered[0][1].dtype)
        self.gradients = torch.zeros_like(self.weights)
        self.shapes = {name: parameter.shape for name, parameter in ordered}
        self._first = ordered[0][1]
        with torch.no_grad():
            for name, parameter in ordered:
                view = self.view(self.weights, name)
                view.copy_(parameter)
                parameter.data = view
                if parameter.requires_grad:
                    parameter.grad = self.view(self.gradients, name)

    @classmethod
    def of(cls, model: nn.Module) -> FlatParameters:
        """Those of a model that has them already, unless it was moved or converted since; or else new ones."""
        kept = _of_models.get(model)
        if kept is None or kept._first.data_ptr() != kept.weights.data_ptr():
            kept = _of_models[model] = cls(model)
        return kept

    def view(self, vector: Tensor, *names: str) -> Tensor:
        """The part of `vector`, laid out as the weights are, that belongs to a parameter, in its shape.

        Several neighbours of equal shape but for the first dimension come as one, stacked along it. Raises
        `ValueError` if they are no neighbours.
        """
        spans = [self.spans[name] for name in names]
        if any(before[1] != after[0] for before, after in pairwise(spans)):
            raise ValueError(f"{', '.join(names)} do not lie side by side")
        return vector[spans[0][0] : spans[-1][1]].view(-1, *self.shapes[names[0]][1:])


_of_models: WeakKeyDictionary[nn.Module, FlatParameters] = WeakKeyDictionary()
