"""Weights named by `training.freeze` stay as they begin; everything else about a run is as ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.runs.checkpoint import load_checkpoint
from longhand.training.loop import train
from longhand.training.run_config import RunConfig

Tiny = Callable[..., RunConfig]

OPTIMIZERS: dict[str, dict[str, Any]] = {
    "adamw": {"optimizer": "adamw", "weight_decay": 0.5, "decay_vectors": True},
    "adopt": {"optimizer": "adopt", "weight_decay": 0.5},
    "muon": {"optimizer": "muon", "weight_decay": 0.5},
}


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("engine", ["torch", "auto"])
def test_what_is_frozen_keeps_every_bit_and_the_rest_learns(
    tiny: Tiny, tmp_path: Path, optimizer: str, engine: str
) -> None:
    training = {**OPTIMIZERS[optimizer], "freeze": ("embedding.*", "blocks.0.attention_norm.weight")}
    config = tiny(training=training, runtime={"engine": engine, "threads": 1, "device": "cpu"})
    weights = load_checkpoint(train(config, tmp_path / "run").model_dir).weights
    begun = build_model(config.model, len(weights["embedding.weight"]), seed=config.training.seed).state_dict()
    same = {name for name, weight in weights.items() if (weight == begun[name].numpy()).all()}
    assert same == {"embedding.weight", "blocks.0.attention_norm.weight"}


def test_a_run_with_frozen_weights_that_was_stopped_goes_on_to_the_bit(tiny: Tiny, tmp_path: Path) -> None:
    training: dict[str, Any] = {"freeze": ("blocks.*.weight",), "ema_decay": 0.9, "save_interval": 4}
    config = tiny(training=training)
    whole = train(config, tmp_path / "whole")
    train(config, tmp_path / "parts", hooks=[lambda step, row: step == 8])
    parts = train(config, tmp_path / "parts", resume="auto")
    first, second = (load_checkpoint(result.model_dir).weights for result in (whole, parts))
    assert parts.steps == whole.steps == 12
    assert all((first[name] == second[name]).all() for name in first)


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (("head.*", "blocks.9.*"), r"training\.freeze 'blocks\.9\.\*' names no weight of this model; its weights are "),
        (("*",), r"training\.freeze leaves no weight to learn"),
    ],
)
def test_names_that_freeze_nothing_or_everything_are_refused(
    tiny: Tiny, tmp_path: Path, patterns: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        train(tiny(training={"freeze": patterns}), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_the_numpy_engine_freezes_nothing_and_says_so(tiny: Tiny, tmp_path: Path) -> None:
    config = tiny(training={"freeze": ("head.weight",)}, runtime={"engine": "numpy", "threads": None})
    with pytest.raises(UserError, match=r"training\.freeze is not for the numpy engine"):
        train(config, tmp_path / "run")
