"""Runs that NumPy computes are runs as all others are: the same files, the same numbers, resumed to the bit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch

from longhand.errors import UserError
from longhand.runs.checkpoint import load_checkpoint
from longhand.runs.tracker import read_rows
from longhand.solvers.load import load
from longhand.training.backend import choose_backend
from longhand.training.distributed import Group
from longhand.training.loop import train
from longhand.training.numpy_backend import NumpyHeldOut, OneProcess
from longhand.training.numpy_state import NumpyState
from longhand.training.progress import Silence
from longhand.training.run_config import RunConfig
from longhand.training.setup import set_up
from longhand.training.state import TrainingState

Tiny = Callable[..., RunConfig]

TIMED = ("seconds", "examples_per_second")


def with_numpy(tiny: Tiny, **sections: dict[str, Any]) -> RunConfig:
    runtime = {"engine": "numpy", "threads": None} | sections.pop("runtime", {})
    return tiny(runtime=runtime, **sections)


class Stopped(Exception):  # noqa: N818 - stands for a kill
    pass


class StopAfter(Silence):
    def __init__(self, step: int) -> None:
        self.step = step

    def advance(self, step: int) -> None:
        if step == self.step:
            raise Stopped


@pytest.mark.row("S1-T2", "S1-L1")
@pytest.mark.parametrize("padding", ["left", "right"])
@pytest.mark.parametrize("loss", ["answer", "full"])
def test_a_run_takes_the_steps_of_torch(tiny: Tiny, padding: str, loss: str) -> None:
    data = {"domain": {"max_operand": 99}, "padding": padding, "loss": loss}
    keys = {
        "data": data,
        "model": {"max_seq_len": 12},
        "format": {"operand_width": None, "answer_width": None},  # rows of different lengths
        "training": {"ema_decay": 0.9, "weight_decay": 0.1, "accumulate_grad_batches": 2},
    }
    config = with_numpy(tiny, **keys)
    setup = set_up(config, OneProcess())
    ours = setup.fresh_state()
    their_setup = set_up(tiny(runtime={"engine": "torch"}, **keys), Group(0, 1, torch.device("cpu")))
    theirs = their_setup.fresh_state()
    assert isinstance(ours, NumpyState)
    assert isinstance(theirs, TrainingState)
    for model in (theirs.model, theirs.evaluated):
        model.load_state_dict({name: torch.from_numpy(w) for name, w in ours.model.parameters.weights.items()})
    for batches in setup.batches(0, 8):
        rate = setup.plan.schedule(ours.step)
        ours.take_step(batches, rate)
        theirs.take_step(batches, rate)
        assert ours.totals() == pytest.approx(theirs.totals(), rel=1e-4)
        assert ours.grad_norm == pytest.approx(theirs.grad_norm, rel=1e-3)
    for name, weight in theirs.weights().items():
        np.testing.assert_allclose(ours.weights()[name], weight, atol=2e-4, err_msg=name)
    measured, wanted = (s.held_out.evaluate(state.evaluated) for s, state in ((setup, ours), (their_setup, theirs)))
    assert measured == pytest.approx(wanted, rel=1e-3)
    assert list(measured) == list(wanted)


@pytest.mark.bug("S1-7")
@pytest.mark.row("S1-T1", "S1-N4", "S1-R1")
@pytest.mark.bug("S1-7")
def test_each_epoch_prints_training_loss_validation_loss_and_exact_match(
    tiny: Tiny, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for split, start in (("train", 0), ("val", 5)):
        lines = [f"{a}+{b}={a + b}" for a in range(start, start + 5) for b in range(5)]
        (tmp_path / f"{split}.txt").write_text("\n".join(lines) + "\n")
    data = {"source": "files", "path": str(tmp_path)}
    training = {"max_steps": None, "max_epochs": 3, "val_check_interval": 1.0, "batch_size": 5, "log_interval": 2}
    config = with_numpy(tiny, data=data, training={**training, "eval_interval": None})
    config = RunConfig.from_dict({**config.to_dict(), "data": data, "format": {}})
    train(config, tmp_path / "run")
    printed = capsys.readouterr().out
    for row in (rows := [row for row in read_rows(tmp_path / "run" / "metrics.jsonl") if "val_loss" in row]):
        assert f"epoch {row['epoch']:g}" in printed
        assert f"loss {row['loss']:.4f}  held-out loss {row['val_loss']:.4f}" in printed
        assert f"held-out exact match {row['val_exact_match']:.2%}" in printed
    assert [row["epoch"] for row in rows] == [1, 2, 3]
    assert len((tmp_path / "run" / "training_logs.txt").read_text().splitlines()) == 5


@pytest.mark.row("S1-K1", "S1-N1")
@pytest.mark.bug("S1-1")
def test_a_run_of_seconds_answers_every_question_and_not_all_of_them_alike(tiny: Tiny, tmp_path: Path) -> None:
    config = with_numpy(
        tiny,
        data={"domain": {"max_operand": 5}, "train_fraction": 1.0, "val_fraction": 0.0},
        model={"d_model": 32, "d_ff": 64},
        training={"batch_size": 64, "max_steps": 300, "eval_interval": 500, "min_lr_ratio": 0.0},
    )
    train(config, tmp_path / "run")
    solver = load(tmp_path / "run", engine="numpy")
    assert solver.domain is not None
    problems = list(solver.domain)
    answers = [completion.answer for completion in solver.solve([f"{problem.expression}=" for problem in problems])]
    assert answers == [problem.answer for problem in problems]
    assert set(answers) == {str(answer) for answer in range(11)}


@pytest.mark.parametrize("training", [{"ema_decay": 0.9}, {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 0.1}])
def test_a_run_that_was_stopped_goes_on_to_the_bit(tiny: Tiny, tmp_path: Path, training: dict[str, Any]) -> None:
    early = {"early_stopping": {"metric": "val_loss", "patience": 3}, "save_top_k": 2, "save_metric": "val_loss"}
    config = with_numpy(tiny, training={**training, **early, "save_interval": 3})
    train(config, tmp_path / "whole")
    with pytest.raises(Stopped):
        train(config, tmp_path / "parts", progress=StopAfter(5))
    with pytest.raises(Stopped):
        train(config, tmp_path / "parts", progress=StopAfter(10), resume="auto")
    train(config, tmp_path / "parts", resume="auto")
    runs = (tmp_path / "whole", tmp_path / "parts")
    kept = [sorted(p.relative_to(run).as_posix() for p in run.rglob("*.safetensors")) for run in runs]
    assert kept[0] == kept[1]
    for name in kept[0]:
        states = [safetensors.numpy.load((run / name).read_bytes()) for run in runs]
        assert all((states[0][key] == states[1][key]).all() for key in states[0]), name
    rows = [
        [{k: v for k, v in row.items() if k not in TIMED} for row in read_rows(run / "metrics.jsonl")] for run in runs
    ]
    assert rows[0] == rows[1]


def test_a_run_can_be_read_by_torch_and_a_run_of_torch_by_numpy_but_not_gone_on_with(
    tiny: Tiny, tmp_path: Path
) -> None:
    train(with_numpy(tiny), tmp_path / "numpy")
    train(tiny(runtime={"engine": "torch"}), tmp_path / "torch")
    decoder = load_checkpoint(tmp_path / "numpy").build_model()
    assert decoder.num_parameters() == sum(w.size for w in load_checkpoint(tmp_path / "torch").weights.values())
    for config, other in ((with_numpy(tiny), "torch"), (tiny(runtime={"engine": "torch"}), "numpy")):
        with pytest.raises(UserError, match=r"was trained by torch or numpy, and this run by the other; set runtime"):
            train(config, tmp_path / other, resume="auto")


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"model": {"pos_encoding": "rope"}}, "the numpy engine does not compute pos_encoding: rope"),
        ({"model": {"dropout": 0.1}}, "model.dropout 0.1 is not for the numpy engine; set dropout: 0"),
        ({"training": {"optimizer": "muon"}}, "optimizer muon is not for the numpy engine; use adamw or sgd"),
        ({"training": {"precision": "bf16"}}, "precision bf16 is not for the numpy engine"),
        ({"runtime": {"processes": 2}}, "runtime.processes 2 is not for the numpy engine; set processes: 1"),
        ({"runtime": {"threads": 2}}, "runtime.threads 2 is not for the numpy engine; set the threads of NumPy"),
        ({"runtime": {"device": "cuda"}}, "runtime.device cuda is not for the numpy engine"),
        ({"runtime": {"compile": True}}, "runtime.compile True is not for the numpy engine"),
        ({"runtime": {"micro_batch": 8}}, "runtime.micro_batch 8 is not for the numpy engine"),
    ],
)
def test_every_key_acts_or_is_refused(
    tiny: Tiny, tmp_path: Path, sections: dict[str, dict[str, Any]], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        train(with_numpy(tiny, **sections), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_gradient_descent_is_for_numpy_and_its_keys_for_nothing_else(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"sgd is for the numpy engine; set runtime.engine: numpy, or use adamw"):
        train(tiny(training={"optimizer": "sgd"}, runtime={"engine": "torch"}), tmp_path / "run")
    with pytest.raises(UserError, match="momentum has no effect with optimizer: adamw"):
        tiny(training={"momentum": 0.9})
    with pytest.raises(UserError, match=r"training.eps has no effect with optimizer: sgd"):
        tiny(training={"optimizer": "sgd", "eps": 1e-3})


def test_a_damaged_state_is_named(tiny: Tiny, tmp_path: Path) -> None:
    train(with_numpy(tiny), tmp_path / "run")
    state = tmp_path / "run" / "checkpoints" / "step_00000012" / "training_state" / "state.safetensors"
    state.write_bytes(state.read_bytes()[:100])
    with pytest.raises(UserError, match=r"state.safetensors is truncated"):
        train(with_numpy(tiny), tmp_path / "run", resume="auto")


def test_nothing_held_out_is_false(tiny: Tiny) -> None:
    config = with_numpy(tiny, data={"train_fraction": 1.0, "val_fraction": 0.0})
    assert not NumpyHeldOut(set_up(config, OneProcess()).stream, 10)


def test_auto_is_numpy_where_torch_is_not_installed(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    runtime = tiny(runtime={"engine": "auto"}).runtime
    assert type(choose_backend(runtime)).__name__ == "TorchBackend"
    monkeypatch.setattr("longhand.training.backend.torch_is_installed", lambda: False)
    assert type(choose_backend(runtime)).__name__ == "NumpyBackend"
