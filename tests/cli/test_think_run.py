"""From a data set that thinks to a conversation, in the words of math-llm's documentation."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest

from longhand.cli.main import main

FLAGS = (
    "--config think-small --max-length 64 --batch-size 32 --eval-batch-size 64 --learning-rate 1e-3 --weight-decay 0.01"
    " --num-epochs 1 --warmup-steps 2 --num-workers 4 --save-steps 3 --eval-steps 3 --logging-steps 1 --fp16 --no-wandb"
    " --seed 42 --model.d_model 32 --model.n_layers 1 --model.n_heads 2 --model.d_ff 32 --model.dropout 0"
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("think") / "data"
    words = f"data make --profile think --num-examples 200 --max-digits 1 --output-dir {out}"
    assert main(words.split()) == 0
    return out


@pytest.fixture(scope="module")
def finished(data: Path) -> Path:
    """The output directory of a run of one epoch, stopped at three steps and gone on with."""
    out = data.parent / "checkpoints"
    flags = [*FLAGS.split(), "--data-dir", str(data), "--output-dir", str(out)]
    assert main(["train", *flags, "--training.max_steps", "3"]) == 0
    assert main(["train", *flags, "--resume", "--pytorch-model"]) == 0
    return out


@pytest.mark.row("S0-O1", "S0-T3", "S0-T5")
def test_a_run_leaves_the_documented_files(finished: Path) -> None:
    config = json.loads((finished / "training_config.json").read_text())
    assert (config["vocab_size"], config["max_length"]) == (16, 64)
    assert config["model_parameters"] > 1000
    assert config["config"]["training"]["learning_rate"] == 1e-3
    test = json.loads((finished / "test_results.json").read_text())
    assert test["num_examples"] == test["total"] == 20
    assert 0 <= test["exact_match_accuracy"] == test["exact_match"] <= 1
    assert 0 < test["token_accuracy"] == test["token_accuracy_answer"] <= 1
    log = (finished / "logs" / "training.log").read_text()
    assert "resuming from" in log
    assert "stopped at step 5" in log
    for name in ("model.safetensors", "pytorch_model.bin"):
        assert (finished / "model" / name).is_file()


@pytest.mark.row("S0-E1", "S0-E2")
@pytest.mark.parametrize("weights", ["", "model.safetensors", "pytorch_model.bin", "model/model.safetensors"])
def test_every_way_to_name_the_checkpoint_evaluates_the_same(
    finished: Path, data: Path, weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flags = f"--data_dir {data} --batch-size 64 --max-length 128 --device auto --output-file {tmp_path / 'r'}"
    assert main(["evaluate", "--checkpoint", str(finished / weights), *flags.split()]) == 0
    report = json.loads((tmp_path / "r").read_text())
    test = json.loads((finished / "test_results.json").read_text())
    assert report["num_examples"] == 20
    for key in ("exact_match_accuracy", "token_accuracy", "verdicts"):
        assert report[key] == test[key]


@pytest.mark.row("S0-E1")
def test_a_data_file_overrides_the_data_folder(
    finished: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = ["--data-dir", str(data), "--data-path", str(data / "val.json"), "--output-file", str(tmp_path / "r")]
    assert main(["evaluate", "--checkpoint", str(finished), *files]) == 0
    assert json.loads((tmp_path / "r").read_text())["suite"].endswith("val.json")


@pytest.mark.row("S0-I1", "S0-I3")
def test_the_model_can_be_talked_with(
    finished: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("7+5=\n7+\n4-1=\nquit\n"))
    assert main(["repl", "--checkpoint", str(finished / "pytorch_model.bin"), "--max-new-tokens", "20"]) == 0
    said = capsys.readouterr().out
    assert "Model output: 7+5=" in said
    assert "Model output: 7+" in said
    assert "Answer: 7+5=" in said
    assert "this model reads digits, '+' and '='; it cannot read '-'" in said


def test_overwriting_a_run_removes_all_it_has_left(finished: Path, data: Path, tmp_path: Path) -> None:
    out = Path(shutil.copytree(finished, tmp_path / "run"))
    flags = [*FLAGS.split(), "--data-dir", str(data), "--output-dir", str(out), "--training.max_steps", "3"]
    assert main(["train", *flags]) == 2, "a run is not overwritten unasked"
    assert main(["train", *flags, "--overwrite"]) == 0
    assert "resuming" not in (out / "logs" / "training.log").read_text()
    assert not (out / "model" / "pytorch_model.bin").exists()
