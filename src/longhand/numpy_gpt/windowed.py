"""The windowed transformer in NumPy: from windows to logits, in the precision that is proved and served."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

CHUNK = 4096  # windows computed at a time, so that what they need stays in the processor's cache


class WindowBlockWeights(NamedTuple):
    """The weights of a block, its queries [d_model, d_model], and keys and values of the vocabulary."""

    weights: dict[str, Floats]
    query: Floats
    keys: Floats  # [heads, width, vocab]
    values: Floats  # [heads, vocab, width]


class WindowNetwork:
    """A function of windows: the weights of models/slot_attention.py, computed in `dtype`.

    Keys and values are made from the embeddings once, so a prediction costs the same wherever in a text it stands.
    """

    def __init__(
        self,
        weights: Mapping[str, NDArray[Any]],
        n_layers: int,
        n_heads: int,
        norm_eps: float,
        dtype: type[np.floating[Any]] = np.float64,
    ) -> None:
        w = {name: np.asarray(array, dtype=dtype) for name, array in weights.items()}
        self.embedding = w["embedding.weight"]
        self.head = w.get("head.weight", self.embedding)
        self.norm, self.eps, self.n_heads = w["norm.weight"], dtype(norm_eps), n_heads
        d_model = self.embedding.shape[1]
        self.scale = dtype((d_model // n_heads) ** -0.5)
        self.blocks = [self.block({name: w[f"blocks.{i}.{name}"] for name in _BLOCK}) for i in range(n_layers)]

    def block(self, weights: dict[str, Floats]) -> WindowBlockWeights:
        """A block from its weights: keys and values of the vocabulary are computed from them here."""
        query, key, value = np.split(weights["attention.qkv.weight"], 3)
        memory = self.normed(self.embedding, weights["attention_norm.weight"])
        keys, values = ((memory @ w.T).reshape(len(memory), self.n_heads, -1).transpose(1, 0, 2) for w in (key, value))
        return WindowBlockWeights(weights, query, keys.transpose(0, 2, 1), values)

    def logits(self, windows: Ints) -> Floats:
        """The logits of the token after each window, [n, n_slots]: [n, vocab]."""
        parts = [self._logits(windows[i : i + CHUNK]) for i in range(0, len(windows), CHUNK)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.head)), self.head.dtype)

    def attention(self, windows: Ints) -> Floats:
        """How much of each slot the heads took: [n_layers, n_heads, n, n_slots], the sum over slots being 1."""
        found: list[Floats] = []
        self._logits(windows, found)
        return np.stack(found)

    def _logits(self, windows: Ints, attention: list[Floats] | None = None) -> Floats:
        n = len(windows)
        x = self.embedding[windows[:, 0]]
        at = windows[None]  # [1, n, n_slots]
        for block, query, keys, values in self.blocks:
            q = self.normed(x, block["attention_norm.weight"]) @ query.T
            q = q.reshape(n, self.n_heads, -1).transpose(1, 0, 2)  # [heads, n, width]
            scores = np.take_along_axis(q @ keys * self.scale, np.broadcast_to(at, (self.n_heads, *windows.shape)), 2)
            scores = scores + block["attention.slot_bias"][:, None, :]
            weights = np.exp(scores - scores.max(axis=2, keepdims=True))
            weights /= weights.sum(axis=2, keepdims=True)
            if attention is not None:
                attention.append(weights)
            gathered = np.zeros_like(q)
            for slot in range(windows.shape[1]):
                gathered += weights[:, :, slot, None] * values[:, windows[:, slot]]
            x = x + gathered.transpose(1, 0, 2).reshape(n, -1) @ block["attention.out.weight"].T
            hidden = self.normed(x, block["mlp_norm.weight"]) @ block["mlp.up.weight"].T
            x = x + np.maximum(hidden, 0) @ block["mlp.down.weight"].T
        logits: Floats = self.normed(x, self.norm) @ self.head.T
        return logits

    def normed(self, x: Floats, weight: Floats) -> Floats:
        """RMS norm over the last axis."""
        scaled: Floats = x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + self.eps) * weight
        return scaled


_BLOCK = (
    "attention_norm.weight",
    "attention.slot_bias",
    "attention.qkv.weight",
    "attention.out.weight",
    "mlp_norm.weight",
    "mlp.up.weight",
    "mlp.down.weight",
)


def window_weight_shapes(
    n_layers: int, n_heads: int, d_model: int, d_ff: int, n_slots: int, vocab_size: int, *, head: bool
) -> dict[str, tuple[int, ...]]:
    """The names and shapes of the weights of such a model, with a head of its own or without."""
    of_block: dict[str, tuple[int, ...]] = {
        "attention_norm.weight": (d_model,),
        "attention.slot_bias": (n_heads, n_slots),
        "attention.qkv.weight": (3 * d_model, d_model),
        "attention.out.weight": (d_model, d_model),
        "mlp_norm.weight": (d_model,),
        "mlp.up.weight": (d_ff, d_model),
        "mlp.down.weight": (d_model, d_ff),
    }
    shapes = {f"blocks.{i}.{name}": shape for i in range(n_layers) for name, shape in of_block.items()}
    shapes |= {"embedding.weight": (vocab_size, d_model), "norm.weight": (d_model,)}
    return shapes | ({"head.weight": (vocab_size, d_model)} if head else {})
