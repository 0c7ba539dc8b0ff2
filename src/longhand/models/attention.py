"""Causal self-attention with one or several query heads per key-value head."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.models.architecture import SoftmaxKind
from longhand.models.kv_cache import LayerCache
from longhand.models.positions import Rotation, rotate
from longhand.models.softmax1 import softmax1

# Heads come first, [heads, batch, time, head_dim], so that queries, keys and values are slices of one copy.

_SHORT = 32
"""Up to this many keys a softmax down columns beats one along rows on CPU (12 keys: 3 ms against 15 ms)."""


class Attention(nn.Module):
    """Each token gathers values from itself and earlier tokens, weighted by softmax(q k^T / sqrt(head_dim)).

    Queries, keys and values come from one matrix. With fewer key-value heads than query heads, consecutive
    query heads share one (arXiv:2305.13245). `dropout` acts on the weights; `softmax` may be `softmax1`.
    """

    def __init__(
        self,
        d_model: int,
        n_heads: int,
        n_kv_heads: int,
        *,
        bias: bool,
        dropout: float,
        softmax: SoftmaxKind = "standard",
    ) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.n_kv_heads = n_kv_heads
        self.head_dim = d_model // n_heads
        self.dropout = dropout
        self.softmax: SoftmaxKind = softmax
        self.qkv = nn.Linear(d_model, (n_heads + 2 * n_kv_heads) * self.head_dim, bias=bias)
        self.out = nn.Linear(d_model, d_model, bias=bias)

    def forward(
        self, x: Tensor, bias: Tensor, rotation: Rotation | None, cache: LayerCache | None, keep: int
    ) -> Tensor:
        """Attend from the last `keep` tokens of `x` [batch, time, d_model] to all of it: [batch, keep, d_model].

        `bias` [keep, total] or [batch, keep, total] is added to the scores; `cache` holds earlier tokens.
        """
        q, k, v = self._project(x, rotation, keep)
        if cache is not None:
            k, v = cache.append(k, v)
        dropout = self.dropout if self.training else 0.0
        if q.is_cuda and self.softmax == "standard":
            gathered = attend_fused(q, k, v, bias, dropout)
        else:
            gathered = attend_explicitly(q, k, v, bias, dropout, self.softmax)
        added: Tensor = self.out(gathered)
        return added

    def _project(self, x: Tensor, rotation: Rotation | None, keep: int) -> tuple[Tensor, Tensor, Tensor]:
        if keep == x.size(1):
            heads = self._split_heads(self.qkv(x))
            if rotation is not None:
                turned, v = torch.split(heads, [self.n_heads + self.n_kv_heads, self.n_kv_heads])
                q, k = torch.split(rotate(turned, rotation), [self.n_heads, self.n_kv_heads])
                return q, k, v
            q, k, v = torch.split(heads, [self.n_heads, self.n_kv_heads, self.n_kv_heads])
            return q, k, v
        # The last block of a model that only needs the last tokens: all keys and values, few queries.
        n_queries = self.n_heads * self.head_dim
        weight, bias = self.qkv.weight, self.qkv.bias
        q_bias, kv_bias = (None, None) if bias is None else (bias[:n_queries], bias[n_queries:])
        q = self._split_heads(F.linear(x[:, -keep:], weight[:n_queries], q_bias))
        k, v = self._split_heads(F.linear(x, weight[n_queries:], kv_bias)).chunk(2)
        if rotation is not None:
            cos, sin = rotation
            q, k = rotate(q, (cos[..., -keep:, :], sin[..., -keep:, :])), rotate(k, rotation)
        return q, k, v

    def _split_heads(self, x: Tensor) -> Tensor:
        # [batch, time, heads * head_dim] -> [heads, batch, time, head_dim]
        return x.view(x.size(0), x.size(1), -1, self.head_dim).permute(2, 0, 1, 3).contiguous()


def attend_explicitly(
    q: Tensor, k: Tensor, v: Tensor, bias: Tensor, dropout: float, softmax: SoftmaxKind = "standard"
) -> Tensor:
    """Attention as batched matrix products and a softmax, the fast way for short sequences on CPU.

    `q` is [n_heads, batch, time, width], `k` [n_kv_heads, batch, total, width], `v` the same with a width of its own,
    `bias` [time, total] or [batch, time, total]; returns [batch, time, n_heads * width of v].
    """
    normalize = torch.softmax if softmax == "standard" else softmax1
    n_kv_heads, batch, total, width = k.shape
    time, group = q.size(2), q.size(0) // n_kv_heads
    # The query heads that share a key head become more rows of one product.
    rows = (
        q.view(n_kv_heads, group, batch, time, width).transpose(1, 2).reshape(n_kv_heads * batch, group * time, width)
    )
    keys, values = k.reshape(n_kv_heads * batch, total, width), v.reshape(n_kv_heads * batch, total, -1)
    if bias.dim() == 2:
        bias = bias.repeat(group, 1) if group > 1 else bias
    else:
        bias = bias[None, :, None].expand(n_kv_heads, batch, group, time, total).reshape(-1, group * time, total)
    scale = width**-0.5
    if time > 1 and total <= _SHORT:
        scores = torch.baddbmm(bias.transpose(-1, -2), keys, rows.transpose(1, 2), alpha=scale)
        weights = normalize(scores, 1).transpose(1, 2)
    else:
        scores = torch.baddbmm(bias, rows, keys.transpose(1, 2), alpha=scale)
        weights = normalize(scores, 2)
    gathered = torch.bmm(F.dropout(weights, dropout), values)  # [n_kv_heads * batch, group * time, width of v]
    return gathered.view(n_kv_heads, batch, group, time, -1).permute(1, 3, 0, 2, 4).reshape(batch, time, -1)


def attend_fused(q: Tensor, k: Tensor, v: Tensor, bias: Tensor, dropout: float) -> Tensor:
    """The same attention by torch's fused kernel: for GPUs (on CPU it is slower, in bfloat16 25 times)."""
    q, k, v = (heads.transpose(0, 1) for heads in (q, k, v))
    square_triangle = bias.dim() == 2 and bias.size(0) == bias.size(1)
    gathered = F.scaled_dot_product_attention(
        q,
        k,
        v,
        attn_mask=None if square_triangle else (bias if bias.dim() == 2 else bias[:, None]).to(q.dtype),
        is_causal=square_triangle,
        dropout_p=dropout,
        enable_gqa=q.size(1) != k.size(1),
    )
    return gathered.transpose(1, 2).flatten(2)
