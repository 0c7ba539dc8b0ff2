"""The recursion of a tiny recursive model over the hidden states of something else (arXiv:2510.04871)."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor, nn

from longhand.models.masks import CausalBias, is_right_padded
from longhand.models.positions import Positions, RotaryPositions, count_positions
from longhand.models.reading import Reading
from longhand.models.trm_cache import RecursionCache
from longhand.models.trm_config import TrmConfig
from longhand.models.trm_net import TrmNet


class Recursion(nn.Module):
    """z <- net(x + y + z) n times, then y <- net(y + z); so for T rounds, of which the last ones have gradients.

    `x` says what is asked, `y` is the answer so far and `z` what is thought of it, all of them [batch, time, d_model].
    """

    start_y: Tensor
    start_z: Tensor

    def __init__(self, config: TrmConfig) -> None:
        super().__init__()
        self.config = config
        self.net = TrmNet(config)
        for name in ("start_y", "start_z"):
            vector = torch.zeros(config.d_model) if config.start == "zeros" else torch.randn(config.d_model)
            if config.start == "learned":
                setattr(self, name, nn.Parameter(vector))
            else:
                self.register_buffer(name, vector)
        self.rotary = RotaryPositions(config.max_seq_len, config.d_model // config.n_heads, config.rope_theta)
        self.causal_bias = CausalBias(config.max_seq_len)

    def start(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The first y and z of every token of `x` [batch, time, d_model]."""
        nothing = torch.zeros_like(x)
        return nothing + self.start_y, nothing + self.start_z

    def read(self, x: Tensor, attention_mask: Tensor | None, cache: RecursionCache | None = None) -> Reading:
        """Which tokens of `x` [batch, time, d_model] see which, and where they stand.

        `attention_mask` [batch, time] is 0 or False at padding, on either side; positions count real tokens only.
        """
        time = x.size(1)
        real = None if attention_mask is None else attention_mask.bool()
        total = time if cache is None else cache.length + time
        if cache is not None:
            real = cache.admit(x[..., 0], real)
        where: Positions = slice(total - time, total)
        if real is not None:
            where = count_positions(real)[:, total - time :]
        return Reading(self._bias(time, total, real), self.rotary(where), None)

    def _bias(self, time: int, total: int, real: Tensor | None) -> Tensor:
        if self.config.attention == "bidirectional":
            # Three dimensions: a square of two is read as the causal triangle by the fused kernel of GPUs.
            if real is None:
                return self.causal_bias.triangle.new_zeros(1, time, total)
            bias = self.causal_bias.triangle.new_zeros(real.size(0), time, total)
            bias.masked_fill_(~real[:, None, :], -torch.inf)
            bias.diagonal(dim1=1, dim2=2).zero_()  # padding looks at itself, so that no row of scores is empty
            return bias
        if real is None or (time == total and is_right_padded(real)):
            triangle: Tensor = self.causal_bias(time, total)
            return triangle
        padded: Tensor = self.causal_bias.padded(real, time)
        return padded

    def forward(
        self, x: Tensor, y: Tensor, z: Tensor, reading: Reading, cache: RecursionCache | None = None, step: int = 0
    ) -> tuple[Tensor, Tensor]:
        """One step of the supervision: the y and z after T rounds.

        With a `cache`, `step` says which of its steps this is, counted from 0.
        """
        rounds = self.config.t_recursion
        for index in range(rounds):
            with nullcontext() if index >= rounds - self.config.rounds_with_gradient else torch.no_grad():
                y, z = self._round(x, y, z, reading, cache, step * rounds + index)
        return y, z

    def _round(
        self, x: Tensor, y: Tensor, z: Tensor, reading: Reading, cache: RecursionCache | None, index: int
    ) -> tuple[Tensor, Tensor]:
        caches = None if cache is None else cache.of_round(index)
        n = self.config.n_layers
        if not self.config.n_latent:
            return self.net(x + y, reading, caches), z
        for call in range(self.config.n_latent):
            z = self.net(x + y + z, reading, None if caches is None else caches[call * n : (call + 1) * n])
        y = self.net(y + z, reading, None if caches is None else caches[-n:])
        return y, z
