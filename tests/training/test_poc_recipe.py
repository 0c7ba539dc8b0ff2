"""The sixty-epoch recipe: its settings, its model, and what a run of it in miniature leaves behind."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import torch

from longhand.data.make import make_dataset
from longhand.data.stream import TrainStream
from longhand.models.build import build_model
from longhand.runs.tracker import read_rows
from longhand.solvers.load import load
from longhand.text.presets import vocabulary
from longhand.training.loop import train
from longhand.training.run_config import RunConfig, load_run_config
from longhand.training.setup import choose_vocabulary

POC = Path("configs/poc.yaml")


@pytest.mark.row("S2-T1", "S2-T2", "S2-V1")
def test_the_recipe_has_the_published_settings() -> None:
    config = load_run_config(POC)
    training = config.training
    assert (training.batch_size, training.max_epochs, training.grad_clip) == (128, 60, 1.0)
    assert (training.optimizer, training.betas, training.weight_decay) == ("adamw", (0.9, 0.95), 0.01)
    assert training.decay_vectors  # torch's AdamW lets all parameters decay
    assert training.precision == "fp32"
    assert training.early_stopping is not None
    assert training.early_stopping.model_dump() == {"metric": "val_loss", "patience": 8, "min_delta": 1e-4}
    assert (training.save_metric, training.save_top_k, training.eval_samples) == ("val_loss", 1, None)
    assert (config.data.loss, config.to_format().begin) == ("full", True)
    assert choose_vocabulary(config) == vocabulary("poc16")
    assert (config.data.source, config.data.text) == ("files", "in_format")


@pytest.mark.bug("S2-3a")
def test_no_other_recipe_chooses_its_weights_by_a_loss_that_counts_operands() -> None:
    others = [path for path in POC.parent.glob("*.yaml") if path != POC]
    assert others
    for path in others:
        config = load_run_config(path)
        assert config.data.loss != "full" or config.training.save_metric != "val_loss", path


@pytest.mark.bug("S2-3b")
@pytest.mark.row("S2-M1")
@pytest.mark.parametrize(("cross", "parameters"), [(True, 1_066_768), (False, 801_552)])
def test_the_model_has_the_published_size_and_a_documented_one_without_its_dead_part(
    cross: bool, parameters: int
) -> None:
    words = {} if cross else {"model.legacy_cross_attention": "false"}
    config = load_run_config(POC, words)
    model = build_model(config.model, 16, seed=0)
    assert model.num_parameters() == parameters
    assert f"{parameters:,}" in POC.read_text(encoding="utf-8")
    assert (config.model.max_seq_len, config.model.dropout) == (32, 0.1)


@pytest.fixture(scope="module")
def miniature(tmp_path_factory: pytest.TempPathFactory) -> RunConfig:
    """The recipe on a few rows, with a small model and four epochs in the same three phases."""
    rows = {}
    data = tmp_path_factory.mktemp("poc") / "data"
    make_dataset("poc", data)
    for split, n in (("train", 300), ("val", 40), ("test", 40)):
        with (data / f"{split}.csv").open(newline="") as file:
            rows[split] = list(csv.reader(file))[: n + 1]
    for path in data.iterdir():
        path.unlink()
    for split, kept in rows.items():
        with (data / f"{split}.csv").open("w", newline="") as file:
            csv.writer(file).writerows(kept)
    words = {
        "data.path": str(data), "model.d_model": "16", "model.n_heads": "2", "model.n_layers": "1", "model.d_ff": "32",
        "training.batch_size": "32", "training.max_epochs": "4", "training.warmup_epochs": "2",
        "training.flat_epochs": "3", "runtime.device": "cpu",
    }  # fmt: skip
    return load_run_config(POC, words)


@pytest.mark.row("S2-T1", "S2-T3", "S2-O1")
def test_a_run_of_it_leaves_its_log_and_its_best_weights(miniature: RunConfig, tmp_path: Path) -> None:
    result = train(miniature, tmp_path / "run")
    rows = [row for row in read_rows(tmp_path / "run" / "metrics.jsonl") if "val_loss" in row]
    assert [row["step"] for row in rows] == [10, 20, 30, 38]  # 9.375 batches are an epoch
    lines = [line.split() for line in (tmp_path / "run" / "training_logs.txt").read_text().splitlines()]
    assert lines[0] == ["epoch", "train_loss", "val_loss", "val_token_acc", "lr"]
    assert set("".join(lines[1])) == {"-"}
    assert [(line[0], line[4]) for line in lines[2:]] == [
        ("1", "1.00e-04"), ("2", "1.00e-03"), ("3", "1.00e-03"), ("4", "1.00e-05"),
    ]  # fmt: skip
    assert [line[2] for line in lines[2:]] == [f"{row['val_loss']:.4f}" for row in rows]
    assert [line[3] for line in lines[2:]] == [f"{row['val_token_accuracy_all']:.4f}" for row in rows]
    assert result.metrics["val_loss"] == min(row["val_loss"] for row in rows)
    weights = (tmp_path / "run" / "model" / "model.safetensors").stat().st_size
    assert 4 * result.num_parameters < weights < 4 * result.num_parameters + 8192
    assert load(tmp_path / "run").solve(["951+11="])[0].prompt == "951+11="


@pytest.mark.row("S2-T2")
def test_operands_count_in_the_loss_and_padding_does_not(miniature: RunConfig) -> None:
    stream = TrainStream(miniature.data, miniature.to_format(), choose_vocabulary(miniature), batch_size=64)
    batch = stream.batch(0)
    real = torch.from_numpy(batch.targets) != stream.vocabulary.id_of("pad")
    assert torch.equal(torch.from_numpy(batch.weights) > 0, real)
    row = stream.vocabulary.decode(batch.targets[0][batch.weights[0] > 0])
    assert row.count("=") == 1
    assert row[0].isdigit()
    assert row.endswith("<EOS>")
