"""From a configuration to a model: every part is chosen here and nowhere else."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from longhand.errors import UserError
from longhand.models.attention import Attention
from longhand.models.config import ModelConfig
from longhand.models.decoder import Block, Decoder
from longhand.models.experts import Experts
from longhand.models.initialization import initialize
from longhand.models.mlp import Mlp, SwiGlu, gelu_tanh
from longhand.models.norms import build_norm
from longhand.models.positions import LearnedPositions, RotaryPositions, SinusoidalPositions


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
        head=None if config.tie_weights else nn.Linear(config.d_model, vocab_size, bias=False),
    )
    initialize(model, config)
    return model


def _build_block(config: ModelConfig) -> Block:
    return Block(
        attention_norm=build_norm(config.norm, config.d_model, config.norm_eps),
        attention=Attention(
            config.d_model,
            config.n_heads,
            config.n_kv_heads,
            bias=config.attention_bias,
            dropout=config.dropout,
        ),
        mlp_norm=build_norm(config.norm, config.d_model, config.norm_eps),
        mlp=_build_mlp(config),
        dropout=config.dropout,
    )


def _build_mlp(config: ModelConfig) -> nn.Module:
    if config.mlp == "moe":
        assert config.n_experts is not None
        assert config.top_k is not None
        return Experts(config.d_model, config.d_ff, n_experts=config.n_experts, top_k=config.top_k)
    if config.mlp == "swiglu":
        return SwiGlu(config.d_model, config.d_ff, bias=config.mlp_bias)
    activation = F.relu if config.mlp == "relu" else gelu_tanh
    return Mlp(config.d_model, config.d_ff, activation=activation, bias=config.mlp_bias)


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
