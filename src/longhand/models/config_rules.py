"""Which choices of a model's configuration can stand together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from longhand.errors import UserError

if TYPE_CHECKING:
    from longhand.models.config import ModelConfig

OF_ATTENTION = ("n_heads", "n_kv_heads", "d_ff", "mlp", "mlp_bias", "attention_bias", "pos_encoding", "softmax")
"""Keys of blocks that have heads and an MLP. A state space model has neither: there they are refused, and None."""
COUNTS_DIGITS = ("abacus", "coupled")
"""Values of pos_encoding that count the places of digits."""
_OF_STATE_SPACE = ("d_state", "d_conv", "expand")


def check_model(config: ModelConfig) -> None:
    """Raise `UserError`, one line, for sizes that cannot be and for keys that have no meaning beside the others."""
    if config.block == "ssm":
        _check_state_space(config)
    else:
        _check_heads(config)
        _check_experts(config)
        _check_attention(config)
        _check_places(config)
    _check_window(config)
    _check_init(config)
    _check_loops(config)
    if config.head_bias and config.tie_weights:
        raise UserError("model.head_bias needs a head of its own; set tie_weights: false or head_bias: false")
    if len(set(config.dropout_places)) < len(config.dropout_places):
        raise UserError(f"model.dropout_places names a place twice: {', '.join(config.dropout_places)}")


_OF_WINDOW: dict[str, object] = {
    "norm": "rmsnorm", "norm_place": "pre", "mlp": "relu", "mlp_bias": False, "attention_bias": False, "n_loops": 1,
    "pos_encoding": "none", "softmax": "standard", "scale_embeddings": False, "legacy_cross_attention": False,
    "dropout": 0.0,
}  # fmt: skip


def _check_window(config: ModelConfig) -> None:
    if config.block != "window":
        if config.layout is not None and config.pos_encoding not in COUNTS_DIGITS:
            raise UserError(f"model.layout has no effect with block: {config.block}; remove it or use name: windowed")
        return
    for key, only in _OF_WINDOW.items():
        if (value := getattr(config, key)) != only:
            raise UserError(f"model.{key} {value} is not possible with block: window, only {only} is; remove it")
    if config.n_kv_heads != config.n_heads:
        raise UserError(f"model.n_kv_heads {config.n_kv_heads} is not possible with block: window; remove it")


def _check_init(config: ModelConfig) -> None:
    if config.init != "normal" and config.init_std is not None:
        raise UserError(f"model.init_std has no effect with init: {config.init}; remove it or use init: normal")
    if config.init == "xavier" and config.embedding_std is not None:
        raise UserError("model.embedding_std has no effect with init: xavier; remove it or use init: normal")


def _check_loops(config: ModelConfig) -> None:
    if config.n_loops == 1 and config.loop_embeddings is not None:
        raise UserError("model.loop_embeddings has no effect with n_loops: 1; remove it or raise n_loops")
    if config.n_loops > 1 and config.block == "feedback":
        raise UserError("model.n_loops is not possible with block: feedback, which loops by its memory; remove it")
    if config.n_loops > 1 and config.mlp == "moe":
        raise UserError("model.n_loops is not possible with mlp: moe, whose balance counts one pass; remove it")
    if config.n_prelude is None:
        for key in ("n_coda", "random_loops", "loops_with_gradient"):
            if getattr(config, key) is not None:
                raise UserError(f"model.{key} has no effect without n_prelude; remove it or use name: looped")
        return
    if config.block != "attention":
        raise UserError(f"model.n_prelude is not possible with block: {config.block}; use block: attention")
    if config.loop_embeddings:
        raise UserError("model.loop_embeddings is not possible with n_prelude, as any number of passes is; remove it")
    graded = config.loops_with_gradient
    if graded is not None and not config.random_loops and graded >= config.n_loops:
        raise UserError(
            f"model.loops_with_gradient {graded} has no effect with n_loops: {config.n_loops}; lower it or remove it"
        )


def _check_state_space(config: ModelConfig) -> None:
    for key in (*OF_ATTENTION, "rope_theta", "max_digits", "n_experts", "top_k", "aux_loss_weight"):
        if getattr(config, key) is not None:
            raise UserError(f"model.{key} has no effect with block: ssm; remove it or use block: attention")
    for key, idle in (
        ("norm_place", config.norm_place == "post"),
        ("legacy_cross_attention", config.legacy_cross_attention),
    ):
        if idle:
            raise UserError(f"model.{key} is not possible with block: ssm; remove it or use block: attention")
    for place in ("attention", "mlp"):
        if place in config.dropout_places:
            raise UserError(f"model.dropout_places: {place} has no effect with block: ssm; remove it")


def _check_attention(config: ModelConfig) -> None:
    for key in _OF_STATE_SPACE:
        if getattr(config, key) is not None:
            raise UserError(f"model.{key} has no effect with block: {config.block}; remove it or use block: ssm")
    turning = config.pos_encoding in ("rope", "pope")
    if config.block == "feedback" and turning:
        raise UserError(
            f"pos_encoding: {config.pos_encoding} is not possible with block: feedback, whose keys all layers share;"
            " use learned, sinusoidal or none"
        )
    if not turning and config.rope_theta is not None:
        raise UserError(
            f"model.rope_theta has no effect with pos_encoding: {config.pos_encoding};"
            " remove it or use pos_encoding: rope"
        )
    if config.legacy_cross_attention and (config.norm_place == "pre" or config.block != "attention"):
        raise UserError(
            "model.legacy_cross_attention needs norm_place: post and block: attention; set them or remove the key"
        )
    if config.legacy_cross_attention and not config.attention_bias:
        raise UserError(
            "model.legacy_cross_attention adds nothing without biases; set attention_bias: true or remove the key"
        )


def _check_places(config: ModelConfig) -> None:
    if config.pos_encoding not in COUNTS_DIGITS:
        if config.max_digits is not None:
            raise UserError(
                f"model.max_digits has no effect with pos_encoding: {config.pos_encoding};"
                " remove it or use pos_encoding: abacus or coupled"
            )
        return
    if config.block == "feedback":
        raise UserError(
            f"pos_encoding: {config.pos_encoding} is not possible with block: feedback; use learned, sinusoidal or none"
        )
    if config.layout != "sum" and config.block == "attention":
        raise UserError(
            f"pos_encoding: {config.pos_encoding} counts the digits of sums, not of model.layout {config.layout};"
            " use layout: sum"
        )


def check_digits(n_digits: int, config: ModelConfig) -> None:
    """Raise `UserError`, one line, where a sum of operands of `n_digits` may have more digits than there are places."""
    if config.max_digits is not None and n_digits >= config.max_digits:
        raise UserError(
            f"operands of {n_digits} digits have sums of up to {n_digits + 1}, and model.max_digits is"
            f" {config.max_digits}; ask shorter ones or train a model with a larger max_digits"
        )


def _check_heads(config: ModelConfig) -> None:
    if config.d_model % config.n_heads:
        raise UserError(
            f"model.d_model {config.d_model} is not divisible by n_heads {config.n_heads}; change one of them"
        )
    if config.n_heads % config.n_kv_heads:
        raise UserError(
            f"model.n_heads {config.n_heads} is not divisible by n_kv_heads {config.n_kv_heads}; change one of them"
        )
    head_dim = config.d_model // config.n_heads
    if config.pos_encoding == "rope" and head_dim % 2:
        raise UserError(
            f"pos_encoding: rope turns pairs of channels, but d_model / n_heads is {head_dim}; make it even"
        )


def _check_experts(config: ModelConfig) -> None:
    if config.mlp != "moe":
        for key in ("n_experts", "top_k", "aux_loss_weight"):
            if getattr(config, key) is not None:
                raise UserError(f"model.{key} has no effect with mlp: {config.mlp}; remove it or use mlp: moe")
        return
    assert config.n_experts is not None
    assert config.top_k is not None
    if config.top_k > config.n_experts:
        raise UserError(f"model.top_k {config.top_k} is more than n_experts {config.n_experts}; lower it")
    if config.mlp_bias:
        raise UserError("model.mlp_bias has no effect with mlp: moe, whose experts have no biases; remove it")
    if "mlp" in config.dropout_places:
        raise UserError("model.dropout_places: mlp has no effect with mlp: moe; remove it")
