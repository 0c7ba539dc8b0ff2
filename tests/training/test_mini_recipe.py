"""The recipe of MiniLanguageModels for its three models, value for value, as its configuration files have it."""

from __future__ import annotations

import pytest

from longhand.shipped import config_path
from longhand.training.config import EarlyStoppingConfig
from longhand.training.run_config import load_run_config


@pytest.mark.row("S4-C1", "S4-T2")
@pytest.mark.parametrize(
    ("name", "steps", "checks"), [("gpt2", 10_000, 1.0), ("llama2", 10_000, 0.25), ("mixtral", 500, 1.0)]
)
def test_the_recipe_is_the_published_one(name: str, steps: int, checks: float) -> None:
    config = load_run_config(config_path(name))
    training = config.training
    assert (training.optimizer, training.betas, training.weight_decay) == ("adamw", (0.9, 0.999), 0.1)
    assert (training.learning_rate, training.schedule, training.min_lr_ratio) == (3e-4, "cosine", 0.1)
    assert (training.warmup_steps, training.max_steps, training.batch_size) == (100, steps, 64)
    assert (training.grad_clip, training.accumulate_grad_batches, training.val_check_interval) == (1.0, 1, checks)
    assert (training.decay_vectors, training.save_top_k, training.save_metric) == (True, 2, "val_loss")
    assert (config.data.loss, config.vocabulary, config.format.begin) == ("answer", "mini18", True)


@pytest.mark.row("S4-C1")
@pytest.mark.parametrize(
    ("name", "sizes", "parts"),
    [
        ("gpt2", (128, 4, 4, 512, 20), ("layernorm", "gelu", "learned")),
        ("llama2", (128, 4, 4, 384, 64), ("rmsnorm", "swiglu", "rope")),
        ("mixtral", (32, 2, 2, 64, 20), ("rmsnorm", "moe", "rope")),
    ],
)
def test_the_models_have_the_published_sizes_and_parts(
    name: str, sizes: tuple[int, ...], parts: tuple[str, ...]
) -> None:
    model = load_run_config(config_path(name)).model
    assert (model.d_model, model.n_heads, model.n_layers, model.d_ff, model.max_seq_len) == sizes
    assert (model.norm, model.mlp, model.pos_encoding) == parts
    assert (model.tie_weights, model.dropout) == (True, 0.0)


@pytest.mark.row("S4-T3")
def test_early_stopping_asked_for_without_further_words_is_the_documented_one() -> None:
    config = load_run_config(config_path("llama2"), {"training.early_stopping": "{}"})
    assert config.training.early_stopping == EarlyStoppingConfig(metric="val_loss", patience=5, min_delta=0.0)
