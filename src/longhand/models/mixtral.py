"""Mixtral: Llama given experts. Each token uses two of several SwiGLU MLPs (arXiv:2401.04088).

What makes it itself: a linear router picks experts per token and block, and training adds a loss that keeps the
experts evenly used. Everything else is that of Llama.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from longhand.errors import UserError
from longhand.models.architecture import Architecture
from longhand.models.llama2 import (
    shared_config_from_hugging_face,
    shared_config_to_hugging_face,
    shared_links,
)
from longhand.models.weight_map import Link, same, stacked

if TYPE_CHECKING:
    from longhand.models.config import ModelConfig

MIXTRAL = Architecture(
    name="mixtral",
    paper="Jiang et al. (2024), Mixtral of Experts, arXiv:2401.04088",
    norm="rmsnorm",
    mlp="moe",
    pos_encoding="rope",
    attention_bias=False,
    mlp_bias=False,
    residual_init_scaling=False,
)


def fits_mixtral(config: ModelConfig) -> bool:
    """Whether the Hugging Face class `MixtralForCausalLM` can hold this model."""
    return (
        config.norm == "rmsnorm" and config.mlp == "moe" and config.pos_encoding == "rope" and not config.attention_bias
    )


def to_mixtral_config(config: ModelConfig, vocab_size: int) -> dict[str, Any]:
    """The Hugging Face configuration."""
    return {
        "architectures": ["MixtralForCausalLM"],
        "model_type": "mixtral",
        **shared_config_to_hugging_face(config, vocab_size),
        "num_local_experts": config.n_experts,
        "num_experts_per_tok": config.top_k,
        "router_aux_loss_coef": config.aux_loss_weight,
    }


def from_mixtral_config(theirs: Mapping[str, Any]) -> dict[str, Any]:
    """Our configuration keys from theirs; raises `UserError` for a variant this code does not compute."""
    if theirs.get("router_jitter_noise", 0.0):
        raise UserError(f"router_jitter_noise {theirs['router_jitter_noise']} is not supported; only 0 is")
    return {
        "name": "mixtral",
        **shared_config_from_hugging_face(theirs, default_theta=1_000_000.0),
        "n_experts": theirs.get("num_local_experts", 8),
        "top_k": theirs.get("num_experts_per_tok", 2),
        "aux_loss_weight": theirs.get("router_aux_loss_coef", 0.001),
    }


def mixtral_links(config: ModelConfig) -> Iterator[Link]:
    """Our weights and theirs, under the names used in files: one matrix per expert."""
    assert config.n_experts is not None
    yield from shared_links(config)
    for i in range(config.n_layers):
        ours, theirs = f"blocks.{i}.mlp", f"model.layers.{i}.block_sparse_moe"
        yield same(f"{ours}.router.weight", f"{theirs}.gate.weight")
        for matrix, w in (("gate", "w1"), ("up", "w3"), ("down", "w2")):
            names = [f"{theirs}.experts.{e}.{w}.weight" for e in range(config.n_experts)]
            yield stacked(f"{ours}.{matrix}", names, transpose=matrix == "down")
