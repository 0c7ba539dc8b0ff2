"""What a model costs, before it is built: parameters, shapes, arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from longhand.models.build import build_model
from longhand.models.config import ModelConfig


@dataclass(frozen=True, slots=True)
class WeightShape:
    """One weight: its name, its shape, and how many numbers that is."""

    name: str
    shape: tuple[int, ...]
    n_parameters: int


def weight_shapes(config: ModelConfig, vocab_size: int) -> list[WeightShape]:
    """All weights of the model in order, without allocating any."""
    with torch.device("meta"):
        model = build_model(config, vocab_size)
    return [WeightShape(name, tuple(w.shape), w.numel()) for name, w in model.named_parameters()]


def count_parameters(config: ModelConfig, vocab_size: int) -> int:
    """Trainable numbers, tied weights counted once."""
    return sum(weight.n_parameters for weight in weight_shapes(config, vocab_size))


def active_parameters(config: ModelConfig, vocab_size: int) -> int:
    """Parameters one token makes use of: all but those of the experts it is not sent to."""
    total = count_parameters(config, vocab_size)
    if config.n_experts is None or config.top_k is None:
        return total
    per_expert = 3 * config.d_model * config.d_ff
    return total - config.n_layers * (config.n_experts - config.top_k) * per_expert


def flops_per_token(config: ModelConfig, vocab_size: int, seq_len: int) -> int:
    """Floating-point operations of the forward pass, per token, in a sequence of `seq_len` tokens.

    Matrix products only, a multiply-add counted as two; attention is counted as computed, over all `seq_len`
    keys. Training costs three times as much (arXiv:2001.08361, section 2.1).
    """
    d, head_dim = config.d_model, config.d_model // config.n_heads
    projections = d * head_dim * (2 * config.n_heads + 2 * config.n_kv_heads)
    scores_and_values = 2 * seq_len * d
    if config.n_experts is not None and config.top_k is not None:
        mlp = d * config.n_experts + config.top_k * 3 * d * config.d_ff
    else:
        mlp = (3 if config.mlp == "swiglu" else 2) * d * config.d_ff
    return 2 * (config.n_layers * (projections + scores_and_values + mlp) + d * vocab_size)
