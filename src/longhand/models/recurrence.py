"""A loop of blocks between a prelude and a coda, of any number of passes (arXiv:2502.05171, section 3)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.config import ModelConfig
from longhand.models.kv_cache import KVCache
from longhand.models.reading import Reading

SPREAD = 0.5
"""Standard deviation of the logarithm of the mean number of passes, as in the paper."""


class Recurrence(nn.Module):
    """s <- norm(core(s + e)) as often as `n_loops` says, for e from the prelude and s of zeros to begin with.

    The norm keeps the state of one size however many passes there are. In evaluation `n_loops` may be changed at any
    time. In training the number is drawn from torch's global generator, one more than a Poisson number whose mean is
    log-normal, if the configuration wants that; `loops_with_gradient` then ends the way back after so many passes.
    """

    def __init__(self, config: ModelConfig, norm: nn.Module) -> None:
        super().__init__()
        assert config.n_prelude is not None
        assert config.n_coda is not None
        self.n_prelude, self.n_core, self.n_coda = config.n_prelude, config.n_layers, config.n_coda
        self.random = bool(config.random_loops)
        self.with_gradient = config.loops_with_gradient
        self.norm = norm
        self._n_loops = config.n_loops

    @property
    def n_loops(self) -> int:
        """Passes of the loop, the mean of those in training where they are drawn."""
        return self._n_loops

    @n_loops.setter
    def n_loops(self, value: int) -> None:
        if value < 1:
            raise UserError(f"n_loops is {value}; a loop is passed at least once")
        self._n_loops = value

    @property
    def depth(self) -> int:
        """Blocks a token passes one after the other."""
        return self.n_prelude + self.n_core * self.n_loops + self.n_coda

    def forward(
        self, blocks: Sequence[nn.Module], x: Tensor, reading: Reading, kv_cache: KVCache | None, keep: int
    ) -> Tensor:
        """Map `x` [batch, time, d_model] to its last `keep` tokens; the number of passes is the cache's, if any."""
        blocks, time = list(blocks), x.size(1)
        caches: list[object] | None = None if kv_cache is None else list(kv_cache.layers)
        n_loops = self._draw() if caches is None else self._passes_of(caches)
        ungraded = 0
        if self.training and self.with_gradient is not None:
            ungraded = max(0, n_loops - self.with_gradient)
        layer, last = 0, self.n_prelude + self.n_core * n_loops + self.n_coda - 1

        def through(part: Sequence[nn.Module], h: Tensor) -> Tensor:
            nonlocal layer
            for block in part:
                cache = None if caches is None else caches[layer]
                h = block(h, reading, cache, keep if layer == last else time)
                layer += 1
            return h

        core = blocks[self.n_prelude : self.n_prelude + self.n_core]
        injected = through(blocks[: self.n_prelude], x)
        state = torch.zeros_like(injected)
        for index in range(n_loops):
            with torch.no_grad() if index < ungraded else nullcontext():
                state = self.norm(through(core, state + injected))
        return through(blocks[self.n_prelude + self.n_core :], state)

    def _draw(self) -> int:
        if not (self.training and self.random):
            return self.n_loops
        rate = (self.n_loops - 1) * torch.exp(SPREAD * torch.randn(()) - SPREAD**2 / 2)
        return 1 + int(torch.poisson(rate))

    def _passes_of(self, caches: Sequence[object]) -> int:
        return (len(caches) - self.n_prelude - self.n_coda) // self.n_core
