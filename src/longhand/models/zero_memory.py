"""Attention to a memory of zeros, as decoders built for translation do when there is nothing to translate."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class ZeroMemoryAttention(nn.Module):
    """What multi-head attention to one token of zeros gives: the output matrix on the bias of the values.

    The memory's keys and values are the biases alone, and the softmax over one token is 1, so that nothing depends on
    `x`: queries, keys and the value matrix are weights that act on nothing and never learn. They are here because
    models of `nn.TransformerDecoder` have them. `dropout` of that one attention weight drops a whole head of a token.
    """

    def __init__(self, d_model: int, n_heads: int, *, dropout: float) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.dropout = dropout
        self.qkv = nn.Linear(d_model, 3 * d_model)
        self.out = nn.Linear(d_model, d_model)

    def forward(self, x: Tensor) -> Tensor:
        """What is added to each token of `x` [batch, time, d_model]: [d_model], in training with dropout as `x`."""
        values = self.qkv.bias[-x.size(-1) :]
        if self.training and self.dropout > 0:
            kept = F.dropout(x.new_ones(*x.shape[:2], self.n_heads, 1), self.dropout)
            values = (kept * values.view(self.n_heads, -1)).flatten(2)
        added: Tensor = self.out(values)
        return added
