"""Llama-2: rotary positions, RMS norm, a SwiGLU MLP, no biases (arXiv:2307.09288).

What makes it itself: positions turn queries and keys instead of being added, norms only rescale, and the MLP
is gated. The larger Llama-2 models share key-value heads (`n_kv_heads`); by default each query head has its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from longhand.errors import UserError
from longhand.models.architecture import Architecture
from longhand.models.weight_map import Link, same, split_rows

if TYPE_CHECKING:
    from longhand.models.config import ModelConfig

LLAMA2 = Architecture(
    name="llama2",
    paper="Touvron et al. (2023), Llama 2: Open Foundation and Fine-Tuned Chat Models, arXiv:2307.09288",
    norm="rmsnorm",
    mlp="swiglu",
    pos_encoding="rope",
    attention_bias=False,
    mlp_bias=False,
    residual_init_scaling=False,
)


def fits_llama(config: ModelConfig) -> bool:
    """Whether the Hugging Face class `LlamaForCausalLM` can hold this model."""
    return config.norm == "rmsnorm" and config.mlp == "swiglu" and config.pos_encoding == "rope"


def to_llama_config(config: ModelConfig, vocab_size: int) -> dict[str, Any]:
    """The Hugging Face configuration."""
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        **shared_config_to_hugging_face(config, vocab_size),
        "attention_bias": config.attention_bias,
        "mlp_bias": config.mlp_bias,
    }


def from_llama_config(theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Our configuration keys from theirs; raises `UserError` for a variant this code does not compute."""
    return {
        "name": "llama2",
        **shared_config_from_hugging_face(theirs, default_theta=10_000.0),
        "attention_bias": theirs.get("attention_bias", False),
        "mlp_bias": theirs.get("mlp_bias", False),
    }


def llama_links(config: ModelConfig) -> Iterator[Link]:
    """Our weights and theirs, which keep queries, keys and values apart."""
    yield from shared_links(config)
    for i in range(config.n_layers):
        for matrix in ("gate", "up", "down"):
            for kind in ("weight", "bias") if config.mlp_bias else ("weight",):
                yield same(f"blocks.{i}.mlp.{matrix}.{kind}", f"model.layers.{i}.mlp.{matrix}_proj.{kind}")


def shared_config_to_hugging_face(config: ModelConfig, vocab_size: int) -> dict[str, Any]:
    """The keys that all rotary models of this family have."""
    return {
        "vocab_size": vocab_size,
        "hidden_size": config.d_model,
        "intermediate_size": config.d_ff,
        "num_hidden_layers": config.n_layers,
        "num_attention_heads": config.n_heads,
        "num_key_value_heads": config.n_kv_heads,
        "max_position_embeddings": config.max_seq_len,
        "rms_norm_eps": config.norm_eps,
        "rope_parameters": {"rope_type": "default", "rope_theta": config.rope_theta},
        "hidden_act": "silu",
        "attention_dropout": config.dropout,
        "tie_word_embeddings": config.tie_weights,
        "initializer_range": config.init_std or 0.02,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def shared_config_from_hugging_face(theirs: Mapping[str, Any], *, default_theta: float) -> dict[str, Any]:
    """The same keys read back; raises `UserError` for what this code does not compute."""
    if theirs.get("hidden_act", "silu") != "silu":
        raise UserError(f"hidden_act {theirs['hidden_act']!r} is not supported; only silu is")
    rope = {"rope_theta": theirs.get("rope_theta", default_theta), **(theirs.get("rope_parameters") or {})}
    scaling = theirs.get("rope_scaling") or {}
    rope_type = scaling.get("rope_type", scaling.get("type", rope.get("rope_type", "default")))
    if rope_type != "default":
        raise UserError(f"rotary positions of type {rope_type!r} are not supported; only the default type is")
    head_dim = theirs["hidden_size"] // theirs["num_attention_heads"]
    if (theirs.get("head_dim") or head_dim) != head_dim:
        raise UserError(f"head_dim {theirs['head_dim']} is not hidden_size / num_attention_heads = {head_dim}")
    window = theirs.get("sliding_window")
    if window is not None and window < theirs["max_position_embeddings"]:
        raise UserError(f"sliding_window {window} is not supported; attention here reaches all earlier tokens")
    return {
        "d_model": theirs["hidden_size"],
        "d_ff": theirs["intermediate_size"],
        "n_layers": theirs["num_hidden_layers"],
        "n_heads": theirs["num_attention_heads"],
        "n_kv_heads": theirs.get("num_key_value_heads"),
        "max_seq_len": theirs["max_position_embeddings"],
        "norm_eps": theirs.get("rms_norm_eps", 1e-6),
        "rope_theta": rope["rope_theta"],
        "dropout": theirs.get("attention_dropout", 0.0),
        "tie_weights": theirs.get("tie_word_embeddings", False),
        "init_std": theirs.get("initializer_range", 0.02),
    }


def shared_links(config: ModelConfig) -> Iterator[Link]:
    """Everything but the MLPs."""
    head_dim = config.d_model // config.n_heads
    rows = [head_dim * n for n in (config.n_heads, config.n_kv_heads, config.n_kv_heads)]
    yield same("embedding.weight", "model.embed_tokens.weight")
    for i in range(config.n_layers):
        ours, theirs = f"blocks.{i}", f"model.layers.{i}"
        yield same(f"{ours}.attention_norm.weight", f"{theirs}.input_layernorm.weight")
        yield same(f"{ours}.mlp_norm.weight", f"{theirs}.post_attention_layernorm.weight")
        for kind in ("weight", "bias") if config.attention_bias else ("weight",):
            names = [f"{theirs}.self_attn.{part}_proj.{kind}" for part in "qkv"]
            yield split_rows(f"{ours}.attention.qkv.{kind}", names, rows)
            yield same(f"{ours}.attention.out.{kind}", f"{theirs}.self_attn.o_proj.{kind}")
    yield same("norm.weight", "model.norm.weight")
    if not config.tie_weights:
        yield same("head.weight", "lm_head.weight")
