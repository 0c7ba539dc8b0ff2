"""From a configuration to a model: every part is chosen here and nowhere else."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from longhand.errors import UserError
from longhand.models.architecture import DropoutPlace
from longhand.models.attention import Attention
from longhand.models.config import ModelConfig
from longhand.models.decoder import Block, Decoder
from longhand.models.experts import Experts
from longhand.models.initialization import initialize
from longhand.models.mlp import Mlp, SwiGlu, gelu_tanh
from longhand.models.norms import build_norm
from longhand.models.positions import LearnedPositions, RotaryPositions, SinusoidalPositions
from longhand.models.post_norm import PostNormBlock
from longhand.models.zero_memory import ZeroMemoryAttention


def build_model(config: ModelConfig, vocab_size: int, *, seed: int | None = None) -> Decoder:
    """A freshly initialised model that reads and writes `vocab_size` tokens.

    With a `seed` the weights depend on nothing else, and torch's global random state is left as it was; without
    one they are drawn from that state. Raises `UserError` for an empty vocabulary.
    """
    if vocab_size < 1:
        raise UserError(f"a model needs a vocabulary of at least one token, not {vocab_size}")
    if seed is None:
        return _assemble(config, vocab_size)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _assemble(config, vocab_size)


def _assemble(config: ModelConfig, vocab_size: int) -> Decoder:
    model = Decoder(
        config,
        embedding=nn.Embedding(vocab_size, config.d_model),
        positions=_build_positions(config),
        rotary=_build_rotary(config),
        blocks=[_build_block(config) for _ in range(config.n_layers)],
        norm=build_norm(config.norm, config.d_model, config.norm_eps),
        head=None if config.tie_weights else nn.Linear(config.d_model, vocab_size, bias=config.head_bias),
        embedding_dropout=_dropout(config, "embedding"),
    )
    initialize(model, config)
    return model


def _dropout(config: ModelConfig, place: DropoutPlace) -> float:
    return config.dropout if place in config.dropout_places else 0.0


def _build_block(config: ModelConfig) -> nn.Module:
    parts: dict[str, Any] = {
        "attention": Attention(
            config.d_model,
            config.n_heads,
            config.n_kv_heads,
            bias=config.attention_bias,
            dropout=_dropout(config, "attention"),
        ),
        "attention_norm": build_norm(config.norm, config.d_model, config.norm_eps),
        "mlp": _build_mlp(config),
        "mlp_norm": build_norm(config.norm, config.d_model, config.norm_eps),
        "dropout": _dropout(config, "residual"),
    }
    if config.norm_place == "pre":
        return Block(**parts)
    if config.legacy_cross_attention:
        dropout = _dropout(config, "attention")
        parts["cross"] = ZeroMemoryAttention(config.d_model, config.n_heads, dropout=dropout)
        parts["cross_norm"] = build_norm(config.norm, config.d_model, config.norm_eps)
    return PostNormBlock(**parts)


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
    return None


def _build_rotary(config: ModelConfig) -> RotaryPositions | None:
    if config.pos_encoding != "rope":
        return None
    assert config.rope_theta is not None
    return RotaryPositions(config.max_seq_len, config.d_model // config.n_heads, config.rope_theta)
