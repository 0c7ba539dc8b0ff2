"""Keys and values of a recursive model: the same token has others in every pass."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from longhand.models.kv_cache import KVCache, LayerCache
from longhand.models.trm_config import Keep, TrmConfig


class RecursionCache(KVCache):
    """The memory of `n_supervision` steps for one batch of rows of up to `max_len` tokens.

    `exact` keeps keys and values of every pass through every layer: what a pass then sees of earlier tokens is what it
    would compute anew. `last` keeps those of the last round alone and shows them to all rounds, which is
    n_supervision x t_recursion times smaller, and another function than the one that was trained.
    """

    def __init__(self, config: TrmConfig, kind: Keep, n_supervision: int, batch: int, max_len: int) -> None:
        self.kind = kind
        self._per_round = config.calls_per_round * config.n_layers
        self._n_rounds = n_supervision * config.t_recursion
        kept = self._per_round * (self._n_rounds if kind == "exact" else 1)
        self._passes = [LayerCache(batch, max_len) for _ in range(kept)]
        super().__init__(self._passes, batch, max_len)

    def of_round(self, index: int) -> Sequence[LayerCache]:
        """The caches of round `index`, counted from 0 over all steps: one for each layer of each of its passes."""
        if self.kind == "exact":
            return self._passes[index * self._per_round : (index + 1) * self._per_round]
        if index == self._n_rounds - 1:
            return self._passes
        return [_Shown(cache) for cache in self._passes]

    @property
    def bytes_kept(self) -> int:
        """Size of the keys and values of the tokens read so far."""
        stored = [pair for cache in self._passes if (pair := cache.stored()) is not None]
        return sum(tensor.numel() * tensor.element_size() for pair in stored for tensor in pair)


class _Shown(LayerCache):
    """What a cache holds, followed by keys and values that it does not take in."""

    def __init__(self, kept: LayerCache) -> None:
        super().__init__(kept.batch, kept.max_len)
        self._kept = kept

    def append(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """The keys and values stored, and these after them."""
        stored = self._kept.stored()
        if stored is None:
            return keys, values
        return torch.cat((stored[0], keys), dim=2), torch.cat((stored[1], values), dim=2)
