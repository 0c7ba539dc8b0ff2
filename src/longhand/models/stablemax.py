"""Stablemax: a softmax whose exponential grows as a line above 0 (arXiv:2501.04697, section 4)."""

from __future__ import annotations

import torch
from torch import Tensor


def log_stablemax(logits: Tensor) -> Tensor:
    """Natural logarithms of s(x) / sum of s over the last dimension, in float64; s(x) is x + 1, or 1 / (1 - x) below 0.

    Gradients stay finite and do not vanish however sure the logits are, which is what it was made for.
    """
    x = logits.double()
    # Where a branch is not taken its gradient must be finite too, or 0 times infinity spoils the sum.
    above, below = x.clamp(min=0), x.clamp(max=0)
    scores = torch.where(x < 0, -torch.log1p(-below), torch.log1p(above))
    return scores - scores.logsumexp(dim=-1, keepdim=True)
