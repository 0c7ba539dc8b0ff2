"""The commands of MiniLanguageModels, with the flags of its document and its source."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.training.mini_yaml import of_its_document, of_its_files

from longhand.cli.main import main
from longhand.data.readers import iter_records
from longhand.runs.checkpoint import load_checkpoint
from longhand.runs.tracker import read_rows
from longhand.solvers.load import load


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with its mixtral.yaml and a small data set of differences, some of them negative."""
    monkeypatch.chdir(tmp_path)
    Path("mixtral.yaml").write_text(of_its_files("mixtral"))
    words = "data make --profile mini --out_dir d --n_samples 300 --N 2 --A 0 --B 20 --ops - --seed 0"
    assert main(words.split()) == 0
    return tmp_path


TRAIN = (
    "train --config mixtral.yaml --data_dir d --logger none --precision 32 --devices 1 --seed 7 --override"
    " model.d_model=16 model.d_ff=16 training.max_steps=8 training.warmup_steps=2 --run_name R --log_samples_every 4"
)


@pytest.mark.row("S4-T1", "S4-O1", "S4-L1", "S4-E1")
@pytest.mark.bug("S4-3")
def test_what_is_set_on_the_command_line_is_saved_with_the_run_and_restored_at_evaluation(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(TRAIN.split()) == 0
    run = workplace / "runs" / "R"
    saved = yaml.safe_load((run / "config.yaml").read_text())
    assert (saved["model"]["d_model"], saved["model"]["d_ff"], saved["model"]["n_experts"]) == (16, 16, 4)
    assert (saved["training"]["seed"], saved["training"]["precision"], saved["runtime"]["processes"]) == (7, "fp32", 1)
    assert "step 4: 12+7=" in capsys.readouterr().out

    rows = [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]
    prompts = ["12+7=", "99+1=", "500+500=", "123-45="]
    assert [(row["step"], row["prompt"]) for row in rows] == [(step, p) for step in (4, 8) for p in prompts]
    results = json.loads((run / "results.json").read_text())
    logged = read_rows(run / "metrics.jsonl")
    assert results["steps"] == 8
    assert results["metrics"]["val_loss"] == min(row["val_loss"] for row in logged if "val_loss" in row)
    assert results["last"]["val_loss"] == logged[-1]["val_loss"]
    assert {"loss", "balance_loss", "val_loss", "val_exact_match"} <= logged[-1].keys()
    assert results["num_parameters"] == load_checkpoint(run).num_parameters

    words = "evaluate --ckpt runs/R --data_dir d --n_samples 0 --samples s.jsonl --output-file r.json"
    assert main(words.split()) == 0
    report = json.loads(Path("r.json").read_text())
    asked = [record.answer for record in iter_records(Path("d/test.jsonl"))]
    by_length = {length: sum(len(answer.lstrip("-")) == length for answer in asked) for length in (1, 2)}
    assert any(answer.startswith("-") for answer in asked)
    assert report["total"] == len(asked) == 30
    assert {int(k): share["total"] for k, share in report["by_answer_length"].items()} == by_length
    said = [json.loads(line) for line in Path("s.jsonl").read_text().splitlines()]
    assert [sample["expected"] for sample in said] == asked
    answers = load(run).solve([sample["prompt"] for sample in said])
    assert report["correct"] == sum(c.answer == s["expected"] for c, s in zip(answers, said, strict=True))


@pytest.mark.row("S4-E1")
def test_some_of_a_test_file_are_asked_and_its_flag_for_a_configuration_is_not_needed(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*TRAIN.split(), "training.eval_samples=10"]) == 2, "--override ended at --run_name"
    assert main(TRAIN.replace("max_steps=8", "max_steps=2").split()) == 0
    words = "evaluate --ckpt runs/R/model --data-dir d --n-samples 7 --config mixtral.yaml --output-file r.json"
    assert main(words.split()) == 0
    assert json.loads(Path("r.json").read_text())["total"] == 7
    assert "--config has no effect: a checkpoint says itself" in capsys.readouterr().err


@pytest.mark.row("S4-T1")
def test_a_run_goes_on_from_a_checkpoint_given_by_its_path(workplace: Path) -> None:
    assert main(TRAIN.split()) == 0
    longer = TRAIN.replace("max_steps=8", "max_steps=12")
    assert main([*longer.split(), "--resume", "runs/R/checkpoints/step_00000008"]) == 0
    assert json.loads(Path("runs/R/results.json").read_text())["steps"] == 12


@pytest.mark.row("S4-T1")
@pytest.mark.parametrize(
    ("flags", "section", "key", "value"),
    [
        ("--precision bf16", "training", "precision", "bf16"),
        ("--precision 16", "training", "precision", "bf16"),
        ("--devices 2", "runtime", "processes", 2),
        ("--log-samples-every 50", "training", "sample_interval", 50),
        ("--logger tensorboard", "tracking", "logger", "tensorboard"),
        ("--logger wandb", "tracking", "logger", "wandb"),
        ("--data-dir elsewhere", "data", "path", "elsewhere"),
        ("--override training.val_check_interval=0.5", "training", "val_check_interval", 0.5),
    ],
)
def test_every_flag_of_its_training_sets_its_key(
    flags: str, section: str, key: str, value: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "its.yaml").write_text(of_its_document("gpt2"))
    data = [] if "data-dir" in flags else ["--data_dir", "d"]
    assert main(["train", "--config", str(tmp_path / "its.yaml"), *data, *flags.split(), "--print-config"]) == 0
    assert yaml.safe_load(capsys.readouterr().out)[section][key] == value


@pytest.mark.row("S4-T1")
@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--precision 64", "--precision is '64'; choose 32, 16, bf16"),
        ("--logger mlflow", "invalid choice: 'mlflow'"),
        ("--override model.d_model", "--override 'model.d_model' sets nothing; write section.key=value"),
        ("--run_name a --output-dir b", "both set --output-dir; keep one"),
    ],
)
def test_mistakes_in_its_flags_are_one_line(flags: str, message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--config", "llama2", *flags.split(), "--print-config"]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
