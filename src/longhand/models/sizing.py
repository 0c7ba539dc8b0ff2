"""What a model costs, before it is built: parameters, shapes, arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.text.layouts.registry import layout


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

    Matrix products and convolutions only, a multiply-add counted as two; attention is counted as computed, over all
    `seq_len` keys, with block: feedback over the earlier ones, with block: window over the slots. Training costs three
    times as much (arXiv:2001.08361, section 2.1).
    """
    d = config.d_model
    if config.block == "ssm":
        blocks = config.depth * _state_space(config)
    elif config.block == "feedback":
        blocks = _feedback(config, seq_len) + config.depth * _mlp(config)
    elif config.block == "window":
        assert config.layout is not None
        blocks = config.depth * (_attention(config, len(layout(config.layout).slots)) + _mlp(config))
    else:
        blocks = config.depth * (_attention(config, seq_len) + _mlp(config))
    return 2 * (blocks + d * vocab_size)


def _attention(config: ModelConfig, seq_len: int) -> int:
    """Multiply-adds of one block's attention per token."""
    d, head_dim = config.d_model, config.d_model // config.n_heads
    projections = d * head_dim * (2 * config.n_heads + 2 * config.n_kv_heads)
    score_width = 2 * d if config.pos_encoding == "pope" else d
    return projections + seq_len * (score_width + d)


def _feedback(config: ModelConfig, seq_len: int) -> int:
    """Multiply-adds per token of the memory and of all blocks' attention to it, of which the first token does none."""
    d, head_dim = config.d_model, config.d_model // config.n_heads
    memory = 2 * d * config.n_kv_heads * head_dim
    return memory + config.depth * (seq_len - 1) * (2 * d * d + seq_len * d) // seq_len


def _mlp(config: ModelConfig) -> int:
    """Multiply-adds of one block's MLP per token."""
    if config.n_experts is not None and config.top_k is not None:
        return config.d_model * config.n_experts + config.top_k * 3 * config.d_model * config.d_ff
    return (3 if config.mlp == "swiglu" else 2) * config.d_model * config.d_ff


def _state_space(config: ModelConfig) -> int:
    """Multiply-adds of one state space block per token, without the scan, which is no matrix product."""
    assert config.d_state is not None
    assert config.d_conv is not None
    assert config.expand is not None
    inner = config.expand * config.d_model
    dt_rank = -(-inner // 16)
    return inner * (3 * config.d_model + config.d_conv + 2 * dt_rank + 2 * config.d_state)
