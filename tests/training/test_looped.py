"""The looped model in the training loop that all models share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

import longhand
from longhand.runs.checkpoint import load_checkpoint
from longhand.runs.tracker import read_rows
from longhand.training.loop import train
from longhand.training.progress import Silence
from longhand.training.run_config import RunConfig

Tiny = Callable[..., RunConfig]
MODEL = {"name": "looped", "n_loops": 3, "loops_with_gradient": 2, "d_model": 16}


def test_passes_are_drawn_anew_for_every_step_and_a_resumed_run_draws_the_same(tiny: Tiny, tmp_path: Path) -> None:
    def config(steps: int) -> RunConfig:
        keys = {"max_steps": steps, "schedule": "constant", "save_interval": 2}
        return tiny(model=MODEL, training=keys)

    train(config(10), tmp_path / "whole", progress=Silence())
    train(config(4), tmp_path / "parts", progress=Silence())
    torch.manual_seed(99)
    train(config(10), tmp_path / "parts", resume="auto", progress=Silence())
    whole, parts = (load_checkpoint(tmp_path / name / "checkpoints" / "step_00000010") for name in ("whole", "parts"))
    for name, weight in whole.weights.items():
        assert (weight == parts.weights[name]).all(), name


def test_it_learns_and_answers_with_more_passes_than_it_was_trained_with(tiny: Tiny, tmp_path: Path) -> None:
    keys = {"max_steps": 100, "eval_interval": 100, "log_interval": 20}
    train(tiny(model=MODEL, training=keys), tmp_path, progress=Silence())
    losses = [row["loss"] for row in read_rows(tmp_path / "metrics.jsonl")]
    assert losses[-1] < 0.6 * losses[0]
    solver = longhand.load(tmp_path, engine="torch")
    before = solver.solve(["3+4="])
    assert solver.model.recurrence is not None
    solver.model.recurrence.n_loops = 6
    after = solver.solve(["3+4="])
    assert before[0].finish_reason == after[0].finish_reason == "stop"
    assert before[0].logprobs != pytest.approx(after[0].logprobs, abs=1e-4)
