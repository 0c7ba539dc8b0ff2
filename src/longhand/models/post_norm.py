"""The block of the first transformers, whose norms follow the sums they normalise."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from longhand.models.attention import Attention
from longhand.models.kv_cache import LayerCache
from longhand.models.reading import Reading
from longhand.models.zero_memory import ZeroMemoryAttention


class PostNormBlock(nn.Module):
    """norm(x + attention(x)), then norm(x + mlp(x)) (arXiv:1706.03762, section 3.1), with the parts given.

    Between them stands norm(x + cross(x)) where `cross` and its norm are given.
    """

    def __init__(
        self,
        attention: Attention,
        attention_norm: nn.Module,
        mlp: nn.Module,
        mlp_norm: nn.Module,
        *,
        dropout: float,
        cross: ZeroMemoryAttention | None = None,
        cross_norm: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.attention = attention
        self.attention_norm = attention_norm
        self.cross = cross
        self.cross_norm = cross_norm
        self.mlp = mlp
        self.mlp_norm = mlp_norm
        self.dropout = dropout

    def forward(self, x: Tensor, reading: Reading, cache: LayerCache | None, keep: int) -> Tensor:
        """Map `x` [batch, time, d_model] to its last `keep` tokens [batch, keep, d_model]."""
        gathered = self.attention(x, reading.bias[..., -keep:, :], reading.rotation, cache, keep)
        if keep < x.size(1):
            x = x[:, -keep:]
        x = self.attention_norm(x + F.dropout(gathered, self.dropout, self.training))
        if self.cross is not None and self.cross_norm is not None:
            x = self.cross_norm(x + F.dropout(self.cross(x).expand_as(x), self.dropout, self.training))
        transformed: Tensor = self.mlp_norm(x + F.dropout(self.mlp(x), self.dropout, self.training))
        return transformed
