from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from longhand.errors import UserError
from longhand.native.library import load
from longhand.runs.manifest import write_manifest
from longhand.runs.tracker import read_rows
from longhand.training.loop import train
from longhand.training.progress import Silence
from longhand.training.run_config import RunConfig, dump_run_config

Tiny = Callable[..., RunConfig]

TIMED = ("seconds", "examples_per_second")

# Everything that could go astray at once: dropout, an average, accumulation, early stopping, several best checkpoints.
DEMANDING: dict[str, dict[str, Any]] = {
    "model": {"dropout": 0.2},
    "training": {
        "ema_decay": 0.9,
        "accumulate_grad_batches": 2,
        "save_interval": 3,
        "save_top_k": 2,
        "save_metric": "val_loss",
        "warmup_steps": 4,
        "early_stopping": {"metric": "val_loss", "patience": 3},
    },
}


class KilledError(Exception):
    """Stands for a kill in tests that are about something else."""


class StopAfter(Silence):
    def __init__(self, step: int) -> None:
        self.step = step

    def advance(self, step: int) -> None:
        if step == self.step:
            raise KilledError


def train_until(step: int, config: RunConfig, directory: Path, **keys: Any) -> None:
    with pytest.raises(KilledError):
        train(config, directory, progress=StopAfter(step), **keys)


def flatten(value: Any, name: str = "") -> dict[str, Any]:
    if isinstance(value, dict):
        return {k: v for key, inner in value.items() for k, v in flatten(inner, f"{name}/{key}").items()}
    return {name: value}


def assert_same_run(first: Path, second: Path) -> None:
    """Weights, optimizer, average, selection and measurements agree in every bit; times do not count."""
    for kept in ("model", *(f"checkpoints/{path.name}" for path in (first / "checkpoints").iterdir())):
        assert (first / kept / "model.safetensors").read_bytes() == (second / kept / "model.safetensors").read_bytes()
    assert {p.name for p in (first / "checkpoints").iterdir()} == {p.name for p in (second / "checkpoints").iterdir()}
    newest = sorted((first / "checkpoints").iterdir())[-1].name
    states = [
        flatten(torch.load(run / "checkpoints" / newest / "training_state" / "state.pt", weights_only=True))
        for run in (first, second)
    ]
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        other = states[1][name]
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, other), name
        elif name != "/seconds":
            assert value == other, name
    rows = [
        [{key: value for key, value in row.items() if key not in TIMED} for row in read_rows(run / "metrics.jsonl")]
        for run in (first, second)
    ]
    assert rows[0] == rows[1]


@pytest.mark.row("S0-T5")
def test_a_run_killed_after_every_step_and_in_the_middle_of_saving_is_bit_for_bit_the_run_left_alone(
    tiny: Tiny, tmp_path: Path
) -> None:
    config = tiny(**DEMANDING)
    train(config, tmp_path / "whole")
    (tmp_path / "run.yaml").write_text(dump_run_config(config))
    kills = ["1", "2", "3", "saving:3", "4", "5", "6", "pruning:6", "7", "saving:8", "8", "9", "10", "11", "12"]
    kills += ["saving:12", "finishing:12"]
    driver = Path(__file__).with_name("killed_runs.py")
    command = [sys.executable, str(driver), str(tmp_path / "run.yaml"), str(tmp_path / "killed"), *kills]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert_same_run(tmp_path / "whole", tmp_path / "killed")


@pytest.mark.parametrize("engine", ["native", "torch"])
@pytest.mark.parametrize("optimizer", ["adamw", "adopt", "muon"])
def test_every_engine_and_optimizer_goes_on_to_the_bit(tiny: Tiny, tmp_path: Path, engine: str, optimizer: str) -> None:
    if engine == "native" and load() is None:
        pytest.skip("no native kernels: no compiler when longhand was installed")
    config = tiny(
        training={"precision": "bf16", "optimizer": optimizer, "ema_decay": 0.9},
        runtime={"engine": engine, "threads": 1, "device": "cpu"},
    )
    train(config, tmp_path / "whole")
    train_until(6, config, tmp_path / "parts")
    train(config, tmp_path / "parts", resume="auto")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_files_are_read_on_where_the_run_stopped(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for split, start in (("train", 0), ("val", 50)):
        lines = [f"{a}+{b}={a + b}" for a in range(start, start + 7) for b in range(5)]
        (tmp_path / "data" / f"{split}.txt").write_text("\n".join(lines) + "\n")
    data = {"source": "files", "path": str(tmp_path / "data")}
    config = RunConfig.from_dict({**tiny(model={"dropout": 0.1}).to_dict(), "data": data, "format": {}})
    train(config, tmp_path / "whole")
    train_until(6, config, tmp_path / "parts")  # in the third epoch
    train(config, tmp_path / "parts", resume="auto")
    assert_same_run(tmp_path / "whole", tmp_path / "parts")


def test_auto_begins_a_run_where_there_is_none(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "plain")
    train(tiny(), tmp_path / "auto", resume="auto")
    assert_same_run(tmp_path / "plain", tmp_path / "auto")


def test_a_run_goes_on_in_another_directory_from_a_checkpoint_or_a_run(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "whole")
    train_until(7, tiny(), tmp_path / "parts")
    for number, source in enumerate((tmp_path / "parts", tmp_path / "parts" / "checkpoints" / "step_00000004")):
        result = train(tiny(), tmp_path / f"on{number}", resume=source)
        assert result.steps == 12
        last = f"on{number}/checkpoints/step_00000012/model.safetensors"
        whole = tmp_path / "whole" / "checkpoints" / "step_00000012" / "model.safetensors"
        assert (tmp_path / last).read_bytes() == whole.read_bytes()
        assert read_rows(tmp_path / f"on{number}" / "metrics.jsonl")[0]["step"] == 6


def test_going_on_from_an_earlier_state_forgets_the_later_ones(tiny: Tiny, tmp_path: Path) -> None:
    config = tiny(training={"save_top_k": 3, "save_metric": "val_loss"})
    train(config, tmp_path / "run")
    earlier = tmp_path / "run" / "checkpoints" / "step_00000004"
    train_until(5, config, tmp_path / "run", resume=earlier)
    assert [path.name for path in (tmp_path / "run" / "checkpoints").iterdir()] == ["step_00000004"]
    assert [row["step"] for row in read_rows(tmp_path / "run" / "metrics.jsonl")] == [2, 4]


def test_a_finished_run_can_be_made_longer_and_says_what_changed(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tiny(), tmp_path / "run")
    assert train(tiny(training={"max_steps": 20}), tmp_path / "run", resume="auto").steps == 20
    assert "training.max_steps is now 20, it was 12" in capsys.readouterr().out


def test_settings_of_the_optimizer_act_after_resuming(tiny: Tiny, tmp_path: Path) -> None:
    weights = []
    for name, decay in (("a", 0.1), ("b", 0.9)):
        train_until(9, tiny(), tmp_path / name)
        train(tiny(training={"weight_decay": decay}), tmp_path / name, resume="auto")
        weights.append((tmp_path / name / "checkpoints" / "step_00000012" / "model.safetensors").read_bytes())
    assert weights[0] != weights[1]


def test_an_average_begun_on_the_way_starts_from_the_weights(tiny: Tiny, tmp_path: Path) -> None:
    train_until(9, tiny(), tmp_path / "run")
    assert train(tiny(training={"ema_decay": 0.99}), tmp_path / "run", resume="auto").steps == 12


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"model": {"d_model": 32}}, r"trained with model.d_ff: 64, not 128; set it back"),
        ({"format": {"reverse_answer": False}}, "format.reverse_answer: true, not false"),
        ({"data": {"split_seed": 1}}, "data.split_seed: 0, not 1"),
    ],
)
def test_another_model_format_or_split_is_refused(
    tiny: Tiny, tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    train(tiny(), tmp_path / "run")
    with pytest.raises(UserError, match=words):
        train(tiny(**changed), tmp_path / "run", resume="auto")


def test_what_cannot_be_resumed_is_named(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "run")
    train(tiny(), tmp_path / "other")
    state = tmp_path / "run" / "checkpoints" / "step_00000012" / "training_state" / "state.pt"
    cases: list[tuple[Any, str]] = [
        (tmp_path / "nothing", "nothing to resume at .*nothing: no such directory"),
        (tmp_path / "run" / "model", "holds no checkpoint with a training_state"),
        (tmp_path / "other", "already holds a run"),
    ]
    for source, words in cases:
        with pytest.raises(UserError, match=words):
            train(tiny(), tmp_path / "run", resume=source)
    content = state.read_bytes()
    state.write_bytes(content[:100])
    with pytest.raises(UserError, match=r"state.pt is truncated"):
        train(tiny(), tmp_path / "run", resume="auto")
    (state.parents[1] / "manifest.json").unlink()
    write_manifest(state.parents[1])
    with pytest.raises(UserError, match=r"state.pt is damaged"):
        train(tiny(), tmp_path / "run", resume="auto")
