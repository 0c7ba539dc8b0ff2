"""How a model knows where a token stands: added to its embedding, turned into its queries and keys, or not at all."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Positions = slice | Tensor
"""The same range of positions for every row, or one position per token [batch, time] where rows are padded."""

Rotation = tuple[Tensor, Tensor]
"""Cosines and signed sines of the rotation at each token: [time, head_dim] or [batch, time, head_dim]."""


class LearnedPositions(nn.Module):
    """One trained vector per position, as in GPT-2, or per place within a number (models/digit_positions.py)."""

    def __init__(self, n_positions: int, d_model: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_positions, d_model))

    def forward(self, where: Positions) -> Tensor:
        """Vectors to add to the token embeddings: [time, d_model] or [batch, time, d_model]."""
        if isinstance(where, slice):
            return self.weight[where]
        return F.embedding(where, self.weight)


class SinusoidalPositions(nn.Module):
    """Fixed sines and cosines of geometrically spaced wavelengths (arXiv:1706.03762, section 3.5)."""

    table: Tensor

    def __init__(self, max_seq_len: int, d_model: int) -> None:
        super().__init__()
        angles = _angles(max_seq_len, d_model, 10_000.0)
        table = torch.stack((angles.sin(), angles.cos()), dim=-1).flatten(-2)[:, :d_model]
        self.register_buffer("table", table.float(), persistent=False)

    def forward(self, where: Positions) -> Tensor:
        """Vectors to add to the token embeddings: [time, d_model] or [batch, time, d_model]."""
        return self.table[where]


class RotaryPositions(nn.Module):
    """Rotate each pair of channels by an angle proportional to the position (arXiv:2104.09864).

    Channel i is paired with channel i + head_dim/2, the layout of the Hugging Face Llama weights.
    """

    cos: Tensor
    sin: Tensor

    def __init__(self, max_seq_len: int, head_dim: int, theta: float) -> None:
        super().__init__()
        angles = _angles(max_seq_len, head_dim, theta)
        self.register_buffer("cos", torch.cat((angles.cos(), angles.cos()), -1).float(), persistent=False)
        self.register_buffer("sin", torch.cat((-angles.sin(), angles.sin()), -1).float(), persistent=False)

    def forward(self, where: Positions) -> Rotation:
        """The rotation of each token; `rotate` applies it to queries and keys."""
        return self.cos[where], self.sin[where]


def rotate(x: Tensor, rotation: Rotation) -> Tensor:
    """Turn queries or keys `x` [heads, batch, time, head_dim] by `rotation`."""
    cos, sin = (table.to(x.dtype) for table in rotation)
    return torch.addcmul(x * cos, x.roll(x.size(-1) // 2, -1), sin)


def count_positions(real: Tensor) -> Tensor:
    """Position of each token among the real tokens of its row; `real` is bool [batch, time]."""
    return (real.cumsum(dim=1) - 1).clamp_(min=0)


def _angles(max_seq_len: int, channels: int, theta: float) -> Tensor:
    """Angle of each pair of channels at each position, [max_seq_len, ceil(channels / 2)], in float64."""
    frequency = theta ** (-torch.arange(0, channels, 2, dtype=torch.float64) / channels)
    return torch.arange(max_seq_len, dtype=torch.float64)[:, None] * frequency
