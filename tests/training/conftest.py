"""A run small enough to be trained hundreds of times: one-digit sums and differences, one layer, fast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from longhand.training.run_config import RunConfig

TINY: dict[str, dict[str, Any]] = {
    "format": {"operand_width": 1, "answer_width": 2, "reverse_answer": True},
    "data": {"domain": {"max_operand": 9}, "train_fraction": 0.6, "val_fraction": 0.2, "loss": "answer"},
    "model": {"d_model": 16, "n_heads": 2, "n_layers": 1, "max_seq_len": 8, "init": "scaled", "tie_weights": False},
    "training": {
        "batch_size": 16,
        "max_steps": 12,
        "eval_interval": 4,
        "log_interval": 2,
        "learning_rate": 0.01,
        "precision": "fp32",
    },
    "runtime": {"threads": 1, "device": "cpu"},
}


@pytest.fixture
def tiny() -> Callable[..., RunConfig]:
    """Build the tiny run with some keys changed: `tiny(training={"max_steps": 3})`."""

    def build(**sections: dict[str, Any]) -> RunConfig:
        names = TINY.keys() | sections.keys()
        return RunConfig.from_dict({name: {**TINY.get(name, {}), **sections.get(name, {})} for name in names})

    return build
