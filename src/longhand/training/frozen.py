"""Weights that stay as they begin while the others learn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatchcase

import torch

from longhand.errors import UserError
from longhand.models.flat import FlatParameters


class FrozenWeights:
    """The weights of `parameters` whose names match one of `patterns`, in which `*` stands for anything.

    Raises `UserError` for a pattern that matches none, and if nothing is left to learn.
    """

    def __init__(self, parameters: FlatParameters, patterns: Sequence[str]) -> None:
        self.names = [name for name in parameters.spans if any(fnmatchcase(name, each) for each in patterns)]
        for each in patterns:
            if not any(fnmatchcase(name, each) for name in self.names):
                raise UserError(
                    f"training.freeze {each!r} names no weight of this model; its weights are"
                    f" {', '.join(sorted(parameters.spans))}"
                )
        if len(self.names) == len(parameters.spans):
            raise UserError("training.freeze leaves no weight to learn; name fewer")
        self._parameters = parameters
        self._spans = [slice(*parameters.spans[name]) for name in self.names]

    def forget_gradients(self) -> None:
        """Their gradients count neither in the norm nor in the moments."""
        for span in self._spans:
            self._parameters.gradients[span] = 0

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever a step of an optimizer does to them, decay included, is undone."""
        weights = self._parameters.weights
        before = [weights[span].clone() for span in self._spans]
        yield
        with torch.no_grad():
            for span, values in zip(self._spans, before, strict=True):
                weights[span] = values
