"""The net that a tiny recursive model passes again and again."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.models.attention import Attention
from longhand.models.kv_cache import LayerCache
from longhand.models.mlp import SwiGlu
from longhand.models.reading import Reading
from longhand.models.trm_config import TrmConfig


class TrmLayer(nn.Module):
    """Attention and a SwiGLU without biases, put together as `config.residual` says; norms have no gains.

    A gain before a matrix would be part of the matrix, and the published net has none after its sums either.
    """

    def __init__(self, config: TrmConfig) -> None:
        super().__init__()
        self.residual, self.eps = config.residual, config.norm_eps
        self.attention = Attention(config.d_model, config.n_heads, config.n_heads, bias=False, dropout=0.0)
        self.mlp = SwiGlu(config.d_model, config.d_ff, bias=False)

    def forward(self, h: Tensor, reading: Reading, cache: LayerCache | None) -> Tensor:
        """Map `h` [batch, time, d_model] to the same shape."""
        if self.residual == "post":
            h = unit_rms(h + self._attend(h, reading, cache), self.eps)
            return unit_rms(h + self.mlp(h), self.eps)
        if self.residual == "pre":
            h = h + self._attend(unit_rms(h, self.eps), reading, cache)
            after: Tensor = h + self.mlp(unit_rms(h, self.eps))
            return after
        gathered = self._attend(unit_rms(h, self.eps), reading, cache)
        transformed: Tensor = self.mlp(unit_rms(gathered, self.eps))
        return transformed

    def _attend(self, h: Tensor, reading: Reading, cache: LayerCache | None) -> Tensor:
        gathered: Tensor = self.attention(h, reading.bias, reading.rotation, cache, h.size(1))
        return gathered


class TrmNet(nn.Module):
    """The layers one after the other.

    With residual: pre a norm follows the last one. Without it the states would grow with every pass, and overflow
    after some fifty rounds.
    """

    def __init__(self, config: TrmConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(TrmLayer(config) for _ in range(config.n_layers))
        self.reset()

    @torch.no_grad()
    def reset(self) -> None:
        """Draw all weights anew, from torch's global generator."""
        for name, module in self.named_modules():
            if isinstance(module, nn.Linear):
                module.weight.normal_(0.0, module.in_features**-0.5)
                if self.config.init == "zero" and name.endswith((".out", ".down")):
                    module.weight.zero_()

    def forward(self, h: Tensor, reading: Reading, caches: Sequence[LayerCache] | None = None) -> Tensor:
        """Map `h` [batch, time, d_model] to the same shape; `caches` holds earlier tokens, one for each layer."""
        for index, layer in enumerate(self.layers):
            h = layer(h, reading, None if caches is None else caches[index])
        return unit_rms(h, self.config.norm_eps) if self.config.residual == "pre" else h


def unit_rms(h: Tensor, eps: float) -> Tensor:
    """Divide `h` by its root mean square over the last dimension (arXiv:1910.07467), without a gain."""
    return F.rms_norm(h, (h.size(-1),), None, eps)
