"""Keys and values of the tokens already read, so that the next token costs one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from longhand.errors import UserError


class BlockMemory(Protocol):
    """What one block keeps of the tokens it has read."""

    @property
    def length(self) -> int:
        """Tokens (real and padding) read per row."""
        ...

    def select(self, rows: Tensor) -> None:
        """Keep the given rows of the batch, in the given order; `rows` is int64 [new batch]."""
        ...


class LayerCache:
    """Keys and values of one block in memory set aside once: [n_kv_heads, batch, max_len, width] each.

    The memory takes the heads, width, type and device of the first keys and values stored.
    """

    def __init__(self, batch: int, max_len: int) -> None:
        self.batch, self.max_len = batch, max_len
        self.length = 0
        self._keys: Tensor | None = None
        self._values: Tensor | None = None

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Store keys and values [n_kv_heads, batch, time, width]; return all stored so far, as views."""
        if self._keys is None or self._values is None:
            self._keys, self._values = (
                new.new_empty(new.size(0), self.batch, self.max_len, new.size(3)) for new in (keys, values)
            )
        end = self.length + keys.size(2)
        self._keys[:, :, self.length : end] = keys
        self._values[:, :, self.length : end] = values
        self.length = end
        return self._keys[:, :, :end], self._values[:, :, :end]

    def stored(self) -> tuple[Tensor, Tensor] | None:
        """All keys and values stored so far, as views; None before the first."""
        if self._keys is None or self._values is None:
            return None
        return self._keys[:, :, : self.length], self._values[:, :, : self.length]

    def select(self, rows: Tensor) -> None:
        """Keep the given rows of the batch, in the given order; `rows` is int64 [new batch]."""
        self.batch = rows.numel()
        if self._keys is not None and self._values is not None:
            self._keys, self._values = self._keys.index_select(1, rows), self._values.index_select(1, rows)


class KVCache:
    """The memory of a whole model for one batch of rows of up to `max_len` tokens: that of each of its `layers`.

    It remembers which tokens were padding, so a mask is only ever given for the tokens being read. For
    inference only: gradients do not flow through it.
    """

    def __init__(self, layers: Sequence[BlockMemory], batch: int, max_len: int) -> None:
        self.layers, self.batch, self.max_len = layers, batch, max_len
        self._real: Tensor | None = None  # bool [batch, max_len]; None while no row has padding

    @property
    def length(self) -> int:
        """Tokens (real and padding) stored per row."""
        return self.layers[0].length

    def admit(self, input_ids: Tensor, attention_mask: Tensor | None) -> Tensor | None:
        """Make room for `input_ids` [batch, time]; return which stored tokens are real, or None if all are.

        The answer, bool [batch, length + time], includes the new tokens, of which `attention_mask` says which
        are real. Raises `UserError` when they do not fit.
        """
        batch, time = input_ids.shape
        total = self.length + time
        if batch != self.batch:
            raise UserError(f"the key-value cache was made for {self.batch} rows and was given {batch}")
        if total > self.max_len:
            raise UserError(f"{total} tokens do not fit in a key-value cache made for {self.max_len}")
        if attention_mask is not None and self._real is None and not bool(attention_mask.all()):
            self._real = torch.ones(batch, self.max_len, dtype=torch.bool, device=input_ids.device)
        if self._real is None:
            return None
        self._real[:, total - time : total] = True if attention_mask is None else attention_mask
        return self._real[:, :total]

    def select(self, rows: Tensor) -> None:
        """Keep the given rows, in the given order and as often as named: finished rows leave, beams branch."""
        self.batch = rows.numel()
        for layer in self.layers:
            layer.select(rows)
        if self._real is not None:
            self._real = self._real.index_select(0, rows)
