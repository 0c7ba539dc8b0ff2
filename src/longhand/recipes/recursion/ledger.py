"""What the arms compute, by formula: matrix products alone, a multiply-add counted as two operations."""

from __future__ import annotations

from typing import NamedTuple

from longhand.models.config import ModelConfig
from longhand.models.sizing import flops_per_token
from longhand.models.trm_config import TrmConfig
from longhand.models.trm_count import layer_flops

WAY_BACK = 2
"""The way back takes a product by the input and one by the weight for each product forwards."""


class Cost(NamedTuple):
    """Operations for one row: to answer it, and to learn from it once, with all updates of that visit."""

    answer: int
    visit: int


def block_flops(config: ModelConfig, time: int) -> int:
    """One block of a decoder forwards, for a row of `time` tokens."""
    without_head = flops_per_token(config, 0, time)
    return time * without_head // config.depth


def net_flops(config: TrmConfig, time: int) -> int:
    """One pass of the net of a recursion forwards, for a row of `time` tokens."""
    return time * config.n_layers * layer_flops(config, time)


def unneeded_flops(d_model: int, time: int) -> int:
    """What a way back saves whose first matrix, of queries, keys and values, reads what needs no gradient."""
    return time * 2 * d_model * 3 * d_model


def head_flops(d_model: int, vocab_size: int, k: int) -> int:
    """Logits at `k` places."""
    return 2 * d_model * vocab_size * k
