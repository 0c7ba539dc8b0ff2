"""Configurations of MiniLanguageModels: two sections, with the values of its files and those of its document."""

from __future__ import annotations

from typing import Any

import yaml

PARTS: dict[str, dict[str, Any]] = {
    "gpt2": {"norm": "layernorm", "mlp": "gelu", "pos_encoding": "learned"},
    "llama2": {"norm": "rmsnorm", "mlp": "swiglu", "pos_encoding": "rope"},
    "mixtral": {"norm": "rmsnorm", "mlp": "moe", "pos_encoding": "rope", "n_experts": 4, "top_k": 2},
}

_SIZES = {"d_model": 128, "n_heads": 4, "n_layers": 4, "d_ff": 512, "max_seq_len": 20, "dropout": 0.0}
_SIZES_OF_FILES: dict[str, dict[str, Any]] = {
    "gpt2": {},
    "llama2": {"d_ff": 384, "max_seq_len": 64},
    "mixtral": {"d_model": 32, "n_heads": 2, "n_layers": 2, "d_ff": 64},
}
_TRAINING = {
    "batch_size": 64,
    "learning_rate": 3.0e-4,
    "weight_decay": 0.1,
    "warmup_steps": 100,
    "max_steps": 10_000,
    "grad_clip": 1.0,
    "accumulate_grad_batches": 1,
    "val_check_interval": 1.0,
}
_TRAINING_OF_FILES: dict[str, dict[str, Any]] = {
    "gpt2": {},
    "llama2": {"val_check_interval": 0.25},
    "mixtral": {"max_steps": 500},
}


def of_its_files(name: str) -> str:
    """The YAML of a model as its repository has it."""
    return _dump(name, _SIZES_OF_FILES[name], _TRAINING_OF_FILES[name])


def of_its_document(name: str, **changed: Any) -> str:
    """The YAML of a model as its document describes it, with some keys of the model changed."""
    return _dump(name, {"max_seq_len": 64, "dropout": 0.1, **changed}, {"val_check_interval": 0.25})


def _dump(name: str, sizes: dict[str, Any], training: dict[str, Any]) -> str:
    model = {"name": name, **_SIZES, **PARTS[name], "tie_weights": True, **sizes}
    return yaml.safe_dump({"model": model, "training": {**_TRAINING, **training}}, sort_keys=False)
