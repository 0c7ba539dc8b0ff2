"""From a configuration to a model: every part is chosen here and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from longhand.errors import UserError
from longhand.models.architecture import DropoutPlace
from longhand.models.attention import Attention
from longhand.models.config import ModelConfig
from longhand.models.config_rules import COUNTS_DIGITS
from longhand.models.decoder import Block, Decoder
from longhand.models.digit_positions import DigitDecoder, count_vectors
from longhand.models.experts import Experts
from longhand.models.feedback import FeedbackBlock, FeedbackDecoder, FeedbackMemory
from longhand.models.initialization import initialize
from longhand.models.mlp import Mlp, SwiGlu, gelu_tanh
from longhand.models.norms import build_norm
from longhand.models.pope import PolarAttention, PolarPositions
from longhand.models.positions import LearnedPositions, RotaryPositions, SinusoidalPositions
from longhand.models.post_norm import PostNormBlock
from longhand.models.recurrence import Recurrence
from longhand.models.slot_attention import WindowAttention, WindowBlock, WindowedDecoder
from longhand.models.state_space import SelectiveStateSpace, StateSpaceBlock
from longhand.models.zero_memory import ZeroMemoryAttention
from longhand.text.layouts.registry import layout

_DECODERS: Mapping[str, type[Decoder]] = {
    "feedback": FeedbackDecoder,
    "window": WindowedDecoder,
    **dict.fromkeys(COUNTS_DIGITS, DigitDecoder),
}  # of a kind of block, or of positions


def build_model(config: ModelConfig, vocab_size: int, *, seed: int | None = None) -> Decoder:
    """A freshly initialised model that reads and writes `vocab_size` tokens.

    With a `seed` the weights depend on nothing else, and torch's global random state is left as it was; without
    one they are drawn from that state. Raises `UserError` for an empty vocabulary, or another than that of the layout.
    """
    if vocab_size < 1:
        raise UserError(f"a model needs a vocabulary of at least one token, not {vocab_size}")
    _check_vocabulary(config, vocab_size)
    if seed is None:
        return _assemble(config, vocab_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _assemble(config, vocab_size)


def _check_vocabulary(config: ModelConfig, vocab_size: int) -> None:
    if config.layout is None:
        return
    words = layout(config.layout).vocabulary
    if vocab_size != len(words):
        raise UserError(
            f"model.layout {config.layout} reads the vocabulary {words.name}, of {len(words)} tokens, not one of"
            f" {vocab_size}; set vocabulary: {words.name}"
        )


def _assemble(config: ModelConfig, vocab_size: int) -> Decoder:
    parts: dict[str, Any] = {
        "embedding": nn.Embedding(vocab_size, config.d_model),
        "positions": _build_positions(config),
        "rotary": _build_rotary(config),
        "loop_embeddings": nn.Embedding(config.n_loops, config.d_model) if config.loop_embeddings else None,
        "blocks": [_build_block(config) for _ in range(_count_blocks(config))],
        "recurrence": None if config.n_prelude is None else Recurrence(config, _build_norm(config)),
        "memory": _build_memory(config) if config.block == "feedback" else None,
        "norm": _build_norm(config),
        "head": None if config.tie_weights else nn.Linear(config.d_model, vocab_size, bias=config.head_bias),
        "embedding_dropout": _dropout(config, "embedding"),
    }
    kind = _DECODERS.get(config.block) or _DECODERS.get(config.pos_encoding) or Decoder
    model = kind(config, **parts)
    initialize(model, config)
    return model


def _count_blocks(config: ModelConfig) -> int:
    """Blocks with weights of their own."""
    return (config.n_prelude or 0) + config.n_layers + (config.n_coda or 0)


def _dropout(config: ModelConfig, place: DropoutPlace) -> float:
    return config.dropout if place in config.dropout_places else 0.0


def _build_norm(config: ModelConfig) -> nn.Module:
    return build_norm(config.norm, config.d_model, config.norm_eps)


def _build_block(config: ModelConfig) -> nn.Module:
    if config.block == "ssm":
        return _build_state_space(config)
    if config.block == "window":
        return _build_window(config)
    parts: dict[str, Any] = {
        "attention_norm": _build_norm(config),
        "mlp": _build_mlp(config),
        "mlp_norm": _build_norm(config),
        "dropout": _dropout(config, "residual"),
    }
    if config.block == "feedback":
        return FeedbackBlock(
            config.d_model,
            config.n_heads,
            bias=config.attention_bias,
            norm_place=config.norm_place,
            softmax=config.softmax,
            attention_dropout=_dropout(config, "attention"),
            **parts,
        )
    parts["attention"] = (PolarAttention if config.pos_encoding == "pope" else Attention)(
        config.d_model,
        config.n_heads,
        config.n_kv_heads,
        bias=config.attention_bias,
        dropout=_dropout(config, "attention"),
        softmax=config.softmax,
    )
    if config.norm_place == "pre":
        return Block(**parts)
    if config.legacy_cross_attention:
        dropout = _dropout(config, "attention")
        parts["cross"] = ZeroMemoryAttention(config.d_model, config.n_heads, dropout=dropout)
        parts["cross_norm"] = _build_norm(config)
    return PostNormBlock(**parts)


def _build_window(config: ModelConfig) -> WindowBlock:
    assert config.layout is not None
    attention = WindowAttention(config.d_model, config.n_heads, len(layout(config.layout).slots))
    return WindowBlock(_build_norm(config), attention, _build_norm(config), _build_mlp(config))


def _build_state_space(config: ModelConfig) -> StateSpaceBlock:
    assert config.d_state is not None
    assert config.d_conv is not None
    assert config.expand is not None
    mixer = SelectiveStateSpace(config.d_model, d_state=config.d_state, d_conv=config.d_conv, expand=config.expand)
    return StateSpaceBlock(_build_norm(config), mixer, dropout=_dropout(config, "residual"))


def _build_memory(config: ModelConfig) -> FeedbackMemory:
    head_dim = config.d_model // config.n_heads
    return FeedbackMemory(config.d_model, config.n_layers, config.n_kv_heads, head_dim, bias=config.attention_bias)


def _build_mlp(config: ModelConfig) -> nn.Module:
    if config.mlp == "moe":
        assert config.n_experts is not None
        assert config.top_k is not None
        return Experts(config.d_model, config.d_ff, n_experts=config.n_experts, top_k=config.top_k)
    if config.mlp == "swiglu":
        return SwiGlu(config.d_model, config.d_ff, bias=config.mlp_bias, dropout=_dropout(config, "mlp"))
    activation = F.relu if config.mlp == "relu" else gelu_tanh
    return Mlp(
        config.d_model, config.d_ff, activation=activation, bias=config.mlp_bias, dropout=_dropout(config, "mlp")
    )


def _build_positions(config: ModelConfig) -> nn.Module | None:
    if config.pos_encoding == "learned":
        return LearnedPositions(config.max_seq_len, config.d_model)
    if config.pos_encoding == "sinusoidal":
        return SinusoidalPositions(config.max_seq_len, config.d_model)
    if config.pos_encoding in COUNTS_DIGITS:
        return LearnedPositions(count_vectors(config), config.d_model)
    return None


def _build_rotary(config: ModelConfig) -> RotaryPositions | PolarPositions | None:
    if config.rope_theta is None:
        return None
    kind = PolarPositions if config.pos_encoding == "pope" else RotaryPositions
    return kind(config.max_seq_len, config.d_model // config.n_heads, config.rope_theta)
