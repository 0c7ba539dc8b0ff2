"""All weights of a model as views of one vector, by the names they have in a checkpoint."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from longhand.data.keyed import keyed_generator
from longhand.models.config import ModelConfig

Floats = NDArray[np.floating[Any]]

_WRITES_TO_RESIDUAL = (".attention.out.weight", ".mlp.down.weight")


class Parameters:
    """Weights and gradients, each one vector: matrices first, then gains and biases.

    `weights[name]` and `gradients[name]` are views of `vector` and `gradient`, so that a step of an optimizer is a
    handful of operations whatever the number of parameters. Vectors begin at `n_matrices`.
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]], dtype: DTypeLike = np.float32) -> None:
        ordered = sorted(shapes, key=lambda name: len(shapes[name]) < 2)  # stable: names keep their order
        sizes = {name: math.prod(shapes[name]) for name in ordered}
        self.n_matrices = sum(size for name, size in sizes.items() if len(shapes[name]) >= 2)
        self.vector: Floats = np.zeros(sum(sizes.values()), dtype)
        self.gradient: Floats = np.zeros_like(self.vector)
        ends = np.cumsum(list(sizes.values())).tolist()
        spans = {name: slice(end - sizes[name], end) for name, end in zip(ordered, ends, strict=True)}
        self.weights: dict[str, Floats] = {n: self.vector[spans[n]].reshape(shapes[n]) for n in shapes}
        self.gradients: dict[str, Floats] = {n: self.gradient[spans[n]].reshape(shapes[n]) for n in shapes}

    def load(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Take over values by name, which have to be there in their shapes."""
        for name, view in self.weights.items():
            view[...] = weights[name]


def weight_shapes(config: ModelConfig, vocab_size: int) -> dict[str, tuple[int, ...]]:
    """Every weight of a model in order, by the names that `models.decoder` gives them."""
    d = config.d_model
    shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (vocab_size, d)}
    if config.pos_encoding == "learned":
        shapes["positions.weight"] = (config.max_seq_len, d)
    for layer in range(config.n_layers):
        block = f"blocks.{layer}"
        for part, matrices, has_bias in (
            ("attention", {"qkv": (3 * d, d), "out": (d, d)}, config.attention_bias),
            ("mlp", {"up": (config.d_ff, d), "down": (d, config.d_ff)}, config.mlp_bias),
        ):
            shapes[f"{block}.{part}_norm.weight"] = shapes[f"{block}.{part}_norm.bias"] = (d,)
            for matrix, shape in matrices.items():
                shapes[f"{block}.{part}.{matrix}.weight"] = shape
                if has_bias:
                    shapes[f"{block}.{part}.{matrix}.bias"] = shape[:1]
    shapes["norm.weight"] = shapes["norm.bias"] = (d,)
    if not config.tie_weights:
        shapes["head.weight"] = (vocab_size, d)
    return shapes


def initial_parameters(config: ModelConfig, vocab_size: int, seed: int, dtype: DTypeLike = np.float32) -> Parameters:
    """Fresh weights, drawn as `models.initialization` draws them; each is a function of the seed and its name."""
    parameters = Parameters(weight_shapes(config, vocab_size), dtype)
    for name, weight in parameters.weights.items():
        if weight.ndim == 1:
            weight[...] = 0.0 if name.endswith(".bias") else 1.0
            continue
        rng = keyed_generator(seed, "weights", name)
        factor = 1.0
        if config.residual_init_scaling and name.endswith(_WRITES_TO_RESIDUAL):
            factor = (2 * config.n_layers) ** -0.5
        if config.init == "xavier":
            bound = factor * (6 / sum(weight.shape)) ** 0.5
            weight[...] = rng.uniform(-bound, bound, weight.shape)
            continue
        std = weight.shape[1] ** -0.5 if config.init_std is None else config.init_std
        if name in ("embedding.weight", "positions.weight") and config.embedding_std is not None:
            std = config.embedding_std
        weight[...] = rng.normal(0.0, factor * std, weight.shape)
    return parameters
