"""The part of a block that works on each token alone."""

from __future__ import annotations

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn


class Mlp(nn.Module):
    """Two matrices with an activation between them: down(activation(up(x))); `dropout` acts before the second."""

    def __init__(
        self, d_model: int, d_ff: int, *, activation: Callable[[Tensor], Tensor], bias: bool, dropout: float = 0.0
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.up = nn.Linear(d_model, d_ff, bias=bias)
        self.down = nn.Linear(d_ff, d_model, bias=bias)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` [..., d_model] to the same shape."""
        down: Tensor = self.down(F.dropout(self.activation(self.up(x)), self.dropout, self.training))
        return down


class SwiGlu(nn.Module):
    """Three matrices, one of which gates another: down(silu(gate(x)) * up(x)) (arXiv:2002.05202).

    Gate and up stay two matrices: splitting one fused product costs a copy of its gradient.
    `dropout` acts before the last.
    """

    def __init__(self, d_model: int, d_ff: int, *, bias: bool, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.gate = nn.Linear(d_model, d_ff, bias=bias)
        self.up = nn.Linear(d_model, d_ff, bias=bias)
        self.down = nn.Linear(d_ff, d_model, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` [..., d_model] to the same shape."""
        hidden = F.silu(self.gate(x)) * self.up(x)
        down: Tensor = self.down(F.dropout(hidden, self.dropout, self.training))
        return down


def gelu_tanh(x: Tensor) -> Tensor:
    """The tanh approximation of GELU, which GPT-2 was trained with (arXiv:1606.08415)."""
    return F.gelu(x, approximate="tanh")
