"""Which models the NumPy engine computes: the gpt2 family."""

from __future__ import annotations

from longhand.errors import UserError
from longhand.models.config import ModelConfig
from longhand.models.plain import not_plain

_MLPS, _POSITIONS = ("gelu", "relu"), ("learned", "sinusoidal", "none")


def why_not_numpy(config: ModelConfig) -> str | None:
    """The first choice of a configuration that the NumPy engine does not compute, as `key: value`, or None."""
    if (reason := not_plain(config)) is not None:
        return reason
    if config.norm != "layernorm":
        return f"norm: {config.norm}"
    if config.mlp not in _MLPS:
        return f"mlp: {config.mlp}"
    if config.pos_encoding not in _POSITIONS:
        return f"pos_encoding: {config.pos_encoding}"
    if config.n_kv_heads != config.n_heads:
        return f"n_kv_heads: {config.n_kv_heads}"
    return None


def check_fits(config: ModelConfig) -> None:
    """Raise `UserError` for a model that the NumPy engine does not compute."""
    reason = why_not_numpy(config)
    if reason is not None:
        raise UserError(
            f"the numpy engine does not compute {reason}; it computes the gpt2 family (norm: layernorm,"
            f" mlp: {' or '.join(_MLPS)}, pos_encoding: {' or '.join(_POSITIONS)}), and torch computes the rest"
        )
