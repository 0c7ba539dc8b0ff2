"""`longhand olympiad train`: MathLLM's flags, runs that go on as if nothing had been, and what cannot be trained."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.olympiad.commands import Run, files_of, fine, lines_of, refused
from tests.olympiad.tiny_qwen2 import tiny_qwen2

from longhand.cli.main import build_parser
from longhand.cli.olympiad.methods import METHODS, resolve, training_of
from longhand.olympiad.training.config import RecursiveTrainingConfig

SHORT = "--batch-size 4 --epochs 1 --lr 1e-3"
TRM = "--n-latent 1 --T-recursion 2 --N-supervision 2"


def settings(words: str = "") -> dict[str, Any]:
    return resolve(build_parser().parse_args(["olympiad", "train", *words.split()]), "cpu")


@pytest.mark.row("S3-T1")
def test_mathllms_flags_in_both_spellings_with_its_defaults() -> None:
    defaults = settings()
    published = {
        "dataset": "gsm8k", "num_samples": None, "epochs": 3, "batch_size": 4, "gradient_accumulation": 1, "lr": 1e-4,
        "max_length": 1024, "n_latent": 6, "t_recursion": 3, "n_supervision": 16, "save_interval": 500,
        "method": "trm", "compile": False,
    }  # fmt: skip
    assert {key: defaults[key] for key in published} == published
    underscored = settings(
        "--dataset numina --num_samples 7 --epochs 2 --batch_size 5 --gradient_accumulation 3 --lr 2e-4"
        " --max_length 99 --n_latent 2 --T_recursion 1 --N_supervision 4 --freeze_lm_head --compile --no-amp"
    )
    hyphened = settings(
        "--dataset numina --num-samples 7 --epochs 2 --batch-size 5 --gradient-accumulation 3 --lr 2e-4"
        " --max-length 99 --n-latent 2 --T-recursion 1 --N-supervision 4 --freeze-lm-head --compile --no-amp"
    )
    assert underscored == hyphened
    assert (hyphened["num_samples"], hyphened["t_recursion"], hyphened["amp"]) == (7, 1, False)
    config = training_of(defaults)
    assert (config.betas, config.weight_decay, config.grad_clip, config.min_lr_ratio) == ((0.9, 0.95), 0.01, 1.0, 0.1)
    assert (config.schedule, config.ema_decay) == ("cosine", 0.999)


@pytest.mark.row("S3-B1a", "S3-B1b", "S3-B1c")
@pytest.mark.parametrize(
    ("method", "lr", "accumulation", "max_length"),
    [("last-layers", 2e-5, 8, 1024), ("extra-layer", 1e-4, 4, 512), ("lora", 2e-4, 8, 1024)],
)
def test_the_baselines_have_mathllms_defaults(method: str, lr: float, accumulation: int, max_length: int) -> None:
    found = settings(f"--method {method}")
    assert (found["lr"], found["gradient_accumulation"], found["max_length"]) == (lr, accumulation, max_length)
    assert (found.get("n_layers", 1), found.get("rank", 128), found.get("alpha", 256)) == (1, 128, 256)


def test_every_method_trains_by_a_valid_configuration() -> None:
    for method in METHODS:
        assert isinstance(training_of(settings(f"--method {method}")), RecursiveTrainingConfig)


@pytest.mark.row("S3-T1", "S3-O1")
@pytest.mark.parametrize("method", ["trm", "lora"])
def test_a_paused_run_ends_as_one_that_was_not(
    run: Run, word_model: Path, words: Path, tmp_path: Path, method: str
) -> None:
    """To the bit: weights, averages and the measurements of every step; LoRA draws what it drops out."""
    own = TRM if method == "trm" else "--rank 4 --alpha 8 --gradient-accumulation 1"
    start = ["train", "--model", word_model, "--data", words, "--method", method, *SHORT.split(), *own.split()]
    out = fine(run(*start, "--output-dir", tmp_path / "whole"))
    assert "10 rows read, 10 kept" in out
    fine(run(*start, "--output-dir", tmp_path / "parts", "--stop-at", 2, "--save-interval", 1))
    assert [row["step"] for row in lines_of(tmp_path / "parts/metrics.jsonl")] == [1, 2]
    out = fine(run("train", "--resume", tmp_path / "parts"))
    assert "after step 2" in out
    whole, parts = (files_of(tmp_path / name) for name in ("whole", "parts"))
    for name in ("metrics.jsonl", "checkpoint/model.safetensors", "checkpoint/training_state/state.safetensors"):
        assert whole[name] == parts[name], name
    steps = lines_of(tmp_path / "whole/metrics.jsonl")
    assert len(steps) == (3 * 2 if method == "trm" else 3)
    if method == "trm":
        assert steps[1]["loss"] < steps[0]["loss"], "the same rows, a step of the supervision later"
    facts = json.loads(whole["run.json"])
    assert facts["settings"]["method"] == method
    assert facts["data"]["files"][0]["name"] == "train.jsonl"


def test_a_run_goes_on_where_a_half_written_line_was_lost(
    run: Run, word_model: Path, words: Path, tmp_path: Path
) -> None:
    """Measurements behind the last saved state are those of steps that are taken again."""
    start = ["train", "--model", word_model, "--data", words, "--method", "whole", "--gradient-accumulation", 1]
    fine(run(*start, *SHORT.split(), "--output-dir", tmp_path / "run", "--stop-at", 1))
    with (tmp_path / "run/metrics.jsonl").open("a") as file:
        file.write('{"step": 2, "loss": 9')
    fine(run("train", "--resume", "--output-dir", tmp_path / "run"))
    assert [row["step"] for row in lines_of(tmp_path / "run/metrics.jsonl")] == [1, 2, 3]


def test_what_cannot_be_trained_is_one_line_and_writes_nothing(
    run: Run, word_model: Path, words: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"

    def bad(*words_: object, fragments: list[str], model: object = word_model, data: object = words) -> None:
        chosen = ["--model", model] if model is not None else []
        refused(run("train", *chosen, "--data", data, "--output-dir", out, *words_), *fragments)
        assert not out.exists()
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(".run")]

    bad(model=None, fragments=["--model DIR", "nothing is downloaded"])
    bad(model=tmp_path / "missing", fragments=["no model directory", "not downloaded"])
    bad(model="Qwen/Qwen2.5-Math-1.5B-Instruct", fragments=["Qwen/Qwen2.5-Math-1.5B-Instruct", "not downloaded"])
    other = tmp_path / "llama"
    shutil.copytree(word_model, other)
    (other / "config.json").write_text(json.dumps({"model_type": "llama"}))
    bad(model=other, fragments=["'llama'", "qwen2"])
    bare = tiny_qwen2(tmp_path / "bare")
    bad(model=bare, fragments=["tokenizer.json"])
    bad(model="models/add-sub-3", fragments=["no words"])
    bad("--dataset", "numina", fragments=["numina has problem and solution", "--dataset gsm8k"])
    bad(data=tmp_path / "nowhere", fragments=["nowhere"])
    bad(data="openai/gsm8k", fragments=["nothing is downloaded"])
    bad(data=words / "test.jsonl", fragments=["no split train", "test"])
    bad("--max-length", 20, fragments=["no row is left", "10 (too long)", str(out)])  # every label would be masked
    bad("--max-length", 5000, fragments=["max_length 5000", "400"])
    bad("--N-supervision", 0, fragments=["n_supervision"])
    bad("--epochs", 0, fragments=["epochs"])
    bad("--warmup-steps", 9999, fragments=["warm-up"])
    bad("--method", "lora", "--n-latent", 3, fragments=["--n-latent has no effect with --method lora"])
    bad("--method", "last-layers", "--n-layers", 7, fragments=["n_layers 7", "2"])
    bad("--lr", "nan", "--stop-at", 1, fragments=["learning_rate"])
    refused(run("train", "--resume", out), "run.json")
    refused(run("train", "--datasset", "gsm8k"), "--datasset")


def test_a_run_is_neither_replaced_nor_changed_by_mistake(
    run: Run, word_model: Path, words: Path, tmp_path: Path
) -> None:
    out = tmp_path / "run"
    start = ["train", "--model", word_model, "--data", words, *SHORT.split(), *TRM.split(), "--output-dir", out]
    fine(run(*start, "--stop-at", 1))
    before = files_of(out)
    refused(run(*start), "--resume", "--overwrite")
    refused(run(*start, "--resume", "--overwrite"), "keep one")
    refused(run("train", "--resume", out, "--lr", "3e-4"), "lr 0.001, not 0.0003")
    refused(run("train", "--resume", out, "--N-supervision", 4), "n-supervision 2, not 4")
    other = tiny_qwen2(tmp_path / "other", vocab_size=400, hidden_size=32)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(word_model / name, other / name)
    refused(run("train", "--resume", out, "--model", other), "give the backbone it was trained on")
    (out / "checkpoint/training_state/state.safetensors").write_bytes(b"damaged")
    refused(run("train", "--resume", out), "state.safetensors")
    (out / "checkpoint/training_state/state.safetensors").write_bytes(
        before["checkpoint/training_state/state.safetensors"]
    )
    assert files_of(out) == before
    fine(run(*start, "--stop-at", 2, "--overwrite"))
