"""What the native kernels, and the classes of other libraries, know: pre-norm blocks, one after the other."""

from __future__ import annotations

from longhand.models.config import ModelConfig

_PLAIN: dict[str, object] = {
    "block": "attention",
    "n_loops": 1,
    "n_prelude": None,
    "norm_place": "pre",
    "softmax": "standard",
    "scale_embeddings": False,
    "head_bias": False,
    "legacy_cross_attention": False,
}
_OTHER_POSITIONS = ("pope", "abacus", "coupled")


def not_plain(config: ModelConfig) -> str | None:
    """The first choice by which a model is more than a plain pre-norm decoder, as `key: value`, or None."""
    for key, plain in _PLAIN.items():
        value = getattr(config, key)
        if value != plain:
            return f"{key}: {str(value).lower()}"
    return f"pos_encoding: {config.pos_encoding}" if config.pos_encoding in _OTHER_POSITIONS else None
