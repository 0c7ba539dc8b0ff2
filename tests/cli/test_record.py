"""`longhand evaluate --record` writes what it found into the model it asked, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longhand.arithmetic.domain import Domain
from longhand.cli.main import main
from longhand.models.config import ModelConfig
from longhand.numpy_gpt.parameters import initial_parameters
from longhand.runs.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from longhand.text.formats import Format
from longhand.text.presets import vocabulary


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with an untrained model and a state to go on from."""
    words = vocabulary("unified")
    config = ModelConfig(d_model=8, n_heads=2, n_layers=1, max_seq_len=24)
    checkpoint = Checkpoint(
        model=config.model_dump(mode="json"),
        weights=initial_parameters(config, len(words), seed=0).weights,
        vocabulary=words,
        format=Format(style="as_asked"),
        domain=Domain(max_operand=3),
        metrics={"loss": 1.0},
    )
    save_checkpoint(tmp_path / "run" / "model", checkpoint)
    state = tmp_path / "run" / "checkpoints" / "step_00000001"
    save_checkpoint(state, checkpoint, write_state=lambda folder: (folder / "state").touch())
    return tmp_path / "run"


def test_both_ways_of_asking_are_recorded_beside_what_was_there(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = load_checkpoint(run)
    for style in ("expression", "question"):
        out = run.parent / f"{style}.json"
        assert main(["evaluate", str(run), "--style", style, "--record", "--output-file", str(out)]) == 0
    found = load_checkpoint(run)
    assert (found.metrics["loss"], found.training) == (1.0, before.training)
    for name, style in (("exhaustive", "expression"), ("exhaustive_question", "question")):
        report = json.loads((run.parent / f"{style}.json").read_text())
        assert found.metrics[name]["total"] == report["total"] == 26
        assert found.metrics[name]["errors"] == report["errors"]
        assert f"| {name} | " in (run / "model" / "README.md").read_text()


def test_what_is_not_exhaustive_and_what_is_no_result_is_not_recorded(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (run.parent / "few.txt").write_text("1+1=2\n")
    assert main(["evaluate", str(run), "--suite", str(run.parent / "few.txt"), "--record"]) == 2
    assert "only an exhaustive result is recorded with a model" in capsys.readouterr().err
    assert main(["evaluate", str(run / "checkpoints" / "step_00000001"), "--record"]) == 2
    assert "is a state of a run; record with the model the run ends with" in capsys.readouterr().err
