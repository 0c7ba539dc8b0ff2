"""PoPE: positions as angles, content as lengths (Gopalakrishnan et al., 2025, arXiv:2509.10534).

Each channel of a query or key is a number in the plane. Its length is softplus of the channel, its angle is position
times frequency, so that a score is the sum over channels c of |q_c| |k_c| cos((s - t) theta_c + delta_c) for a query at
t and a key at s: what and where are told apart, while rotary positions turn angles that carry content already.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.models.architecture import SoftmaxKind
from longhand.models.attention import Attention
from longhand.models.positions import Positions, Rotation


class PolarPositions(nn.Module):
    """The angle of each channel of a head at each position, with one frequency per channel."""

    cos: Tensor
    sin: Tensor

    def __init__(self, max_seq_len: int, head_dim: int, theta: float) -> None:
        super().__init__()
        frequency = theta ** (-torch.arange(head_dim, dtype=torch.float64) / head_dim)
        angles = torch.arange(max_seq_len, dtype=torch.float64)[:, None] * frequency
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)

    def forward(self, where: Positions) -> Rotation:
        """Cosine and sine of the angles: [time, head_dim] or [batch, time, head_dim] each."""
        return self.cos[where], self.sin[where]


class PolarAttention(Attention):
    """Attention between numbers in the plane; the scores are divided by sqrt(2 head_dim), the width they are read in.

    `phase_bias` is delta, one angle per channel of each key head, kept within [-2 pi, 0]. It is a vector because it is
    no matrix: nothing is multiplied by it, and it does not decay.
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
        super().__init__(d_model, n_heads, n_kv_heads, bias=bias, dropout=dropout, softmax=softmax)
        self.phase_bias = nn.Parameter(torch.empty(n_kv_heads * self.head_dim))

    def _project(self, x: Tensor, rotation: Rotation | None, keep: int) -> tuple[Tensor, Tensor, Tensor]:
        q, k, v = super()._project(x, None, keep)
        assert rotation is not None
        cos, sin = (table.to(q.dtype) for table in rotation)
        delta = self.phase_bias.clamp(-2 * math.pi, 0).view(self.n_kv_heads, 1, 1, self.head_dim).to(q.dtype)
        # cos(a + delta) and sin(a + delta), for every key head
        key_cos, key_sin = cos * delta.cos() - sin * delta.sin(), sin * delta.cos() + cos * delta.sin()
        return _to_plane(q, cos[..., -keep:, :], sin[..., -keep:, :]), _to_plane(k, key_cos, key_sin), v


def _to_plane(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Numbers of length softplus(x) [heads, batch, time, head_dim] as [heads, batch, time, 2 head_dim]."""
    length = F.softplus(x)
    return torch.cat((length * cos, length * sin), dim=-1)
