"""The weights of a decoder as the fused pass reads them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters

UPWARDS = {"relu": ("up",), "gelu": ("up",), "swiglu": ("gate", "up")}
"""The matrices of each kind of MLP that read the residual stream; they are multiplied as one."""


@dataclass(slots=True)
class FusedLayer:
    """The weights of one block, and where their gradients go."""

    weights: dict[str, Tensor]  # matrices in the type of the products
    vectors: dict[str, int]  # addresses of float32 gains and biases, 0 where there is none
    gradients: dict[str, Tensor]  # of matrices, in the type of the products
    slopes: dict[str, int]  # addresses of the float32 gradients of gains and biases


class FusedWeights:
    """Views of a model's flat parameters, or of their rounded copy, by what they do.

    With bfloat16 products matrices are read from the copy, and their gradients come rounded; gains, biases and
    embeddings are read and learn in float32.
    """

    def __init__(self, model: Decoder, parameters: FlatParameters, dtype: torch.dtype, kernels: Any) -> None:
        self.parameters, self.kernels = parameters, kernels
        self.width, self.mlp = model.config.d_model, model.config.mlp
        self.is_rounded = dtype == torch.bfloat16
        if self.is_rounded:
            self.rounded = torch.empty_like(parameters.weights, dtype=torch.bfloat16)
            self.rounded_gradients = torch.zeros_like(self.rounded)
        else:
            self.rounded, self.rounded_gradients = parameters.weights, parameters.gradients
        self.layers = [self._layer(f"blocks.{i}.") for i in range(model.config.n_layers)]
        self.norm, self.d_norm = self._vectors("norm."), self._vectors("norm.", parameters.gradients)
        head = "embedding.weight" if model.head is None else "head.weight"
        self.head, self.d_head = self._matrix(head), self._matrix(head, of_gradients=True)
        self.refresh()

    def refresh(self) -> None:
        """Take over the weights as they are now."""
        if self.is_rounded:
            weights = self.parameters.weights
            self.kernels.round_to_bfloat16(weights.numel(), weights.data_ptr(), self.rounded.data_ptr())

    def collect_gradients(self) -> None:
        """Add the gradients of the matrices, rounded as products are, to those of the parameters."""
        if self.is_rounded:
            gradients, rounded = self.parameters.gradients, self.rounded_gradients
            self.kernels.add_bfloat16(self.parameters.n_matrices, rounded.data_ptr(), gradients.data_ptr())

    def _layer(self, prefix: str) -> FusedLayer:
        names = {
            "qkv": ("attention.qkv.weight",),
            "out": ("attention.out.weight",),
            "up": tuple(f"mlp.{name}.weight" for name in UPWARDS[self.mlp]),
            "down": ("mlp.down.weight",),
        }
        bias = f"{prefix}attention.qkv.bias"
        parts: list[dict[str, Tensor]] = []
        for of_gradients in (False, True):
            matrices = {
                key: self._matrix(*(prefix + name for name in value), of_gradients=of_gradients)
                for key, value in names.items()
            }
            matrices |= {"q": matrices["qkv"][: self.width], "kv": matrices["qkv"][self.width :]}
            if bias in self.parameters.spans:
                vector = self.parameters.gradients if of_gradients else self.rounded
                matrices["qkv.bias"] = self.parameters.view(vector, bias)
            parts.append(matrices)
        return FusedLayer(parts[0], self._vectors(prefix), parts[1], self._vectors(prefix, self.parameters.gradients))

    def _matrix(self, *names: str, of_gradients: bool = False) -> Tensor:
        return self.parameters.view(self.rounded_gradients if of_gradients else self.rounded, *names)

    def _vectors(self, prefix: str, vector: Tensor | None = None) -> dict[str, int]:
        """Addresses of the gains and biases below `prefix` in `vector` (default: the weights), 0 where none is."""
        vector = self.parameters.weights if vector is None else vector
        up = f"{prefix}mlp.{UPWARDS[self.mlp][0]}.bias"  # of gate and up, which lie side by side
        kept = ("attention_norm.weight", "attention_norm.bias", "mlp_norm.weight", "mlp_norm.bias")
        names = {"up.bias": up, **{name: prefix + name for name in (*kept, "attention.out.bias", "mlp.down.bias")}}
        if prefix == "norm.":
            names = {"norm.weight": "norm.weight", "norm.bias": "norm.bias"}
        spans, size = self.parameters.spans, vector.element_size()
        return {key: vector.data_ptr() + spans[name][0] * size if name in spans else 0 for key, name in names.items()}
