"""GPT-2: learned positions, layer norm, a GELU MLP with biases (Radford et al., 2019).

What makes it itself: positions are vectors added to the embeddings, norms subtract the mean and have biases,
and the matrices that write to the residual stream start smaller, by 1/sqrt(2 n_layers). The published model
also has attention biases; here they are an option (`attention_bias`), off by default.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from longhand.errors import UserError
from longhand.models.architecture import Architecture
from longhand.models.weight_map import Link, same, transposed, zeros

if TYPE_CHECKING:
    from longhand.models.config import ModelConfig

GPT2 = Architecture(
    name="gpt2",
    paper="Radford et al. (2019), Language Models are Unsupervised Multitask Learners",
    norm="layernorm",
    mlp="gelu",
    pos_encoding="learned",
    attention_bias=False,
    mlp_bias=True,
    residual_init_scaling=True,
)

_ACTIVATIONS = {"gelu_new": "gelu", "gelu_pytorch_tanh": "gelu", "relu": "relu"}


def fits_gpt2(config: ModelConfig) -> bool:
    """Whether the Hugging Face class `GPT2LMHeadModel` can hold this model."""
    return (
        config.norm == "layernorm"
        and config.mlp in ("gelu", "relu")
        and config.pos_encoding == "learned"
        and config.n_kv_heads == config.n_heads
    )


def to_gpt2_config(config: ModelConfig, vocab_size: int) -> dict[str, Any]:
    """The Hugging Face configuration; our bias keys ride along, since their class always has the biases."""
    return {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": vocab_size,
        "n_embd": config.d_model,
        "n_head": config.n_heads,
        "n_layer": config.n_layers,
        "n_inner": config.d_ff,
        "n_positions": config.max_seq_len,
        "activation_function": "gelu_new" if config.mlp == "gelu" else "relu",
        "layer_norm_epsilon": config.norm_eps,
        "embd_pdrop": config.dropout,
        "attn_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "tie_word_embeddings": config.tie_weights,
        "initializer_range": config.init_std or 0.02,
        "attention_bias": config.attention_bias,
        "mlp_bias": config.mlp_bias,
        "bos_token_id": None,
        "eos_token_id": None,
    }


def from_gpt2_config(theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Our configuration keys from theirs; raises `UserError` for a variant this code does not compute."""
    activation = theirs.get("activation_function", "gelu_new")
    if activation not in _ACTIVATIONS:
        raise UserError(f"activation_function {activation!r} is not supported; use one of {', '.join(_ACTIVATIONS)}")
    for key, expected in (
        ("scale_attn_weights", True),
        ("scale_attn_by_inverse_layer_idx", False),
        ("add_cross_attention", False),
    ):
        if theirs.get(key, expected) != expected:
            raise UserError(f"a GPT-2 with {key}: {theirs[key]} is not supported")
    return {
        "name": "gpt2",
        "d_model": theirs["n_embd"],
        "n_heads": theirs["n_head"],
        "n_layers": theirs["n_layer"],
        "d_ff": theirs.get("n_inner") or 4 * theirs["n_embd"],
        "max_seq_len": theirs["n_positions"],
        "mlp": _ACTIVATIONS[activation],
        "norm_eps": theirs.get("layer_norm_epsilon", 1e-5),
        "dropout": theirs.get("resid_pdrop", 0.1),
        "tie_weights": theirs.get("tie_word_embeddings", True),
        "init_std": theirs.get("initializer_range", 0.02),
        "attention_bias": theirs.get("attention_bias", True),
        "mlp_bias": theirs.get("mlp_bias", True),
    }


def gpt2_links(config: ModelConfig) -> Iterator[Link]:
    """Our weights and theirs, which keep matrices transposed and always have biases."""
    d = config.d_model
    yield same("embedding.weight", "transformer.wte.weight")
    yield same("positions.weight", "transformer.wpe.weight")
    for i in range(config.n_layers):
        ours, theirs = f"blocks.{i}", f"transformer.h.{i}"
        for our_norm, their_norm in (("attention_norm", "ln_1"), ("mlp_norm", "ln_2")):
            yield same(f"{ours}.{our_norm}.weight", f"{theirs}.{their_norm}.weight")
            yield same(f"{ours}.{our_norm}.bias", f"{theirs}.{their_norm}.bias")
        for our_matrix, their_matrix, size, has_bias in (
            ("attention.qkv", "attn.c_attn", 3 * d, config.attention_bias),
            ("attention.out", "attn.c_proj", d, config.attention_bias),
            ("mlp.up", "mlp.c_fc", config.d_ff, config.mlp_bias),
            ("mlp.down", "mlp.c_proj", d, config.mlp_bias),
        ):
            yield transposed(f"{ours}.{our_matrix}.weight", f"{theirs}.{their_matrix}.weight")
            their_bias = f"{theirs}.{their_matrix}.bias"
            yield same(f"{ours}.{our_matrix}.bias", their_bias) if has_bias else zeros(their_bias, size)
    yield same("norm.weight", "transformer.ln_f.weight")
    yield same("norm.bias", "transformer.ln_f.bias")
    if not config.tie_weights:
        yield same("head.weight", "lm_head.weight")
