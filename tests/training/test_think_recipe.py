"""The recipe of math-llm in its three sizes, value for value."""

from __future__ import annotations

import pytest

from longhand.shipped import config_path
from longhand.training.run_config import load_run_config


@pytest.mark.row("S0-T2", "S0-T6")
@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_the_recipe_is_the_published_one(size: str) -> None:
    config = load_run_config(config_path(f"think-{size}"))
    training = config.training
    assert (training.optimizer, training.betas, training.weight_decay) == ("adamw", (0.9, 0.999), 0.01)
    assert (training.learning_rate, training.schedule, training.min_lr_ratio) == (1e-4, "linear", 0.0)
    assert (training.warmup_steps, training.max_epochs, training.batch_size) == (500, 10, 32)
    assert (training.grad_clip, training.seed) == (1.0, 42)
    assert (training.save_metric, training.save_top_k) == ("val_token_accuracy", 3)
    assert (training.save_interval, training.eval_interval, training.log_interval) == (1000, 1000, 100)


@pytest.mark.row("S0-L1")
@pytest.mark.parametrize("size", ["small", "medium", "large"])
def test_steps_answer_and_end_mark_count_and_the_question_does_not(size: str) -> None:
    config = load_run_config(config_path(f"think-{size}"))
    assert (config.data.loss, config.vocabulary, config.format.steps) == ("completion", "cot16", "columns")
