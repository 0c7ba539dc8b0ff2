"""A softmax that may give all of its weights away to nothing."""

from __future__ import annotations

import torch
from torch import Tensor


def softmax1(scores: Tensor, dim: int) -> Tensor:
    """exp(x_i) / (1 + sum_j exp(x_j)) along `dim`: the weights sum to less than 1, to 0 where all scores are -inf.

    This is the softmax over the scores and one more that is 0 (Miller, 2023, Attention Is Off By One), and computed as
    that, so that it is shifted by the largest of them and never overflows.
    """
    zero = torch.zeros_like(scores.narrow(dim, 0, 1))
    return torch.cat((zero, scores), dim).softmax(dim).narrow(dim, 1, scores.size(dim))
