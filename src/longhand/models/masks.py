"""Which earlier tokens a query may look at."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_FIRST_SIZE = 128


class CausalBias(nn.Module):
    """Added to attention scores: 0 where a query may look, -inf where it may not.

    The triangle is made once, grows with the longest sequence seen, and is no part of the weights.
    """

    triangle: Tensor

    def __init__(self, max_seq_len: int) -> None:
        super().__init__()
        self.max_seq_len = max_seq_len
        self.register_buffer("triangle", _triangle(min(max_seq_len, _FIRST_SIZE)), persistent=False)

    def forward(self, time: int, total: int) -> Tensor:
        """Bias [time, total] of the last `time` of `total` tokens."""
        if total > self.triangle.size(0):
            grown = _triangle(min(2 * total, self.max_seq_len))
            self.triangle = grown.to(self.triangle)
        return self.triangle[total - time : total, :total]

    def padded(self, real: Tensor, time: int) -> Tensor:
        """Bias [batch, time, total] where padding is hidden; `real` is bool [batch, total].

        Every token may look at itself, padding too, so that no row of scores is empty.
        """
        total = real.size(1)
        bias: Tensor = self(time, total).masked_fill(~real[:, None, :], -torch.inf)
        bias.diagonal(offset=total - time, dim1=1, dim2=2).zero_()
        return bias


def is_right_padded(real: Tensor) -> bool:
    """Whether no real token follows padding in any row of `real`, bool [batch, time].

    Causal attention alone then keeps padding out of sight of every real token.
    """
    return bool((real[:, 1:] <= real[:, :-1]).all())


def _triangle(size: int) -> Tensor:
    return torch.full((size, size), -torch.inf).triu_(1)
