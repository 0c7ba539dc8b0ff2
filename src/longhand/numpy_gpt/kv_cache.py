"""Keys and values of the tokens already read, so that the next token costs one step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.numpy_gpt.parameters import Floats


class KVCache:
    """The memory of a model for one batch of equally long rows of up to `max_len` tokens.

    Each layer has [2, batch, heads, max_len, channels of a head]: keys and values.
    """

    def __init__(
        self, n_layers: int, batch: int, n_heads: int, max_len: int, head_dim: int, dtype: np.dtype[Any]
    ) -> None:
        self.length = 0  # tokens stored per row
        self._layers = [np.empty((2, batch, n_heads, max_len, head_dim), dtype) for _ in range(n_layers)]

    def append(self, layer: int, keys: Floats, values: Floats) -> tuple[Floats, Floats]:
        """Store keys and values [batch, heads, time, channels] of a layer; return all it has stored, as views.

        They count as stored for good, for all layers, with `advance`.
        """
        memory, end = self._layers[layer], self.length + keys.shape[2]
        memory[0, :, :, self.length : end], memory[1, :, :, self.length : end] = keys, values
        return memory[0, :, :, :end], memory[1, :, :, :end]

    def advance(self, time: int) -> None:
        """`time` tokens have gone through all layers."""
        self.length += time

    def select(self, rows: NDArray[np.integer[Any]]) -> None:
        """Keep the given rows, in the given order: those that are done leave."""
        self._layers = [memory[:, rows] for memory in self._layers]
