from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longhand.certify import check
from longhand.certify.record import certify_model
from longhand.errors import UserError
from longhand.models.slot_attention import WindowedDecoder
from longhand.shipped import config_path, shipped_names
from longhand.solvers.load import load
from longhand.text.schoolbook import write_schoolbook
from longhand.training.distributed import Group
from longhand.training.loop import train
from longhand.training.proof import Proof, network_of
from longhand.training.proof_config import ProofConfig
from longhand.training.run_config import RunConfig, load_run_config
from longhand.training.setup import set_up
from longhand.training.state import TrainingState
from longhand.training.step import take_step

ALONE = Group(0, 1, torch.device("cpu"))


def short(**overrides: str) -> RunConfig:
    settings = {
        "training.max_steps": "40",
        "training.warmup_steps": "10",
        "training.eval_interval": "20",
        "training.save_interval": "20",
        "training.batch_size": "64",
        "data.domain.max_operand": "99",
    }
    return load_run_config(config_path("certified-signed"), settings | overrides)


@pytest.mark.parametrize("name", [name for name in shipped_names("configs") if name.startswith("certified-")])
def test_the_rows_trained_on_are_those_of_the_schoolbook(name: str) -> None:
    config = load_run_config(config_path(name), {"data.domain.max_operand": "99"})
    stream = set_up(config, ALONE).stream
    rows = stream.source.rows(0, 64, 0)
    for place in range(64):
        text = stream.vocabulary.decode(rows.row(place), skip_special=True)
        problem = stream.format.parse(text).problem
        assert text == f"{problem.expression}={write_schoolbook(problem)}"
        assert stream.domain is not None
        assert stream.domain.contains(problem)


@pytest.mark.parametrize(
    ("name", "asked", "answer"),
    [
        ("certified-add", "999999999999+1=", "1000000000000"),
        ("certified-compare", "999999999998?999999999999=", "<"),
    ],
)
def test_training_ends_when_every_window_is_right_and_the_proof_holds(
    name: str, asked: str, answer: str, tmp_path: Path
) -> None:
    config = load_run_config(config_path(name))
    result = train(config, tmp_path / "run")
    assert result.finish == "proved"
    assert result.steps < 1000
    assert result.metrics["wrong_windows"] == 0
    assert result.metrics["window_margin"] > 0.5
    report = certify_model(result.model_dir)
    assert report["margin"]["min"] == pytest.approx(result.metrics["window_margin"], rel=1e-4)  # float64 and float32
    assert check.main([str(result.model_dir)]) == 0
    assert load(result.model_dir).solve([asked])[0].answer == answer


def test_a_spent_budget_says_how_many_windows_are_wrong_and_of_which_kinds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = train(short(), tmp_path / "run")
    assert result.finish == "max_steps"
    assert result.last["wrong_windows"] > 0 > result.last["window_margin"]
    line = next(line for line in capsys.readouterr().out.splitlines() if "windows are wrong" in line)
    assert line.startswith(f"{result.last['wrong_windows']:,} of 49,710 windows are wrong: ")
    assert "- column" in line


def test_a_run_that_drills_goes_on_as_if_it_had_never_stopped(tmp_path: Path) -> None:
    config = short(**{"training.proof.drill_share": "0.3"})
    whole = train(config, tmp_path / "whole")
    first = tmp_path / "first"
    train(config, first, hooks=[lambda step, row: step == 20])
    resumed = train(config, tmp_path / "second", resume=str(first))
    weights = [weights_of(result.model_dir) for result in (whole, resumed)]
    assert all(np.array_equal(weights[0][name], weights[1][name]) for name in weights[0])


def weights_of(model: Path) -> dict[str, Any]:
    import safetensors.numpy

    return dict(safetensors.numpy.load_file(model / "model.safetensors"))


def state_of(config: RunConfig) -> TrainingState:
    state = set_up(config, ALONE).fresh_state()
    assert isinstance(state, TrainingState)
    return state


def test_drilled_windows_are_nearly_wrong_ones_each_once_and_not_too_many() -> None:
    state = state_of(short())
    proof = Proof(ProofConfig(drill_share=0.5, drill_margin=0.3), state.model, 0)  # type: ignore[arg-type]
    assert proof.loss(state.model, 0, 100.0, 0, 1) is None  # type: ignore[arg-type] - nothing is known yet
    measured = proof.measure(state.model)  # type: ignore[arg-type]
    assert measured["wrong_windows"] == (proof.margins <= 0).sum()
    drilled = proof.loss(state.model, 0, 100.0, 0, 1)  # type: ignore[arg-type]
    assert drilled is not None
    assert drilled[1] == proof.drilled.sum() == 50
    assert (proof.margins[proof.drilled] < 0.3).all()


def test_drilled_windows_count_like_tokens_of_the_batch() -> None:
    config = short(**{"training.proof.drill_share": "1.0", "training.grad_clip": "null"})
    setup = set_up(config, ALONE)
    batch = next(iter(setup.batches(0, 1)))[0]
    plain, drilling = state_of(config), state_of(config)
    drilling.prove()
    take_step(plain, [batch], config.training, 0.0, ALONE)
    take_step(drilling, [batch], config.training, 0.0, ALONE)
    n_tokens = float(batch.weights.sum())
    assert drilling.proof is not None
    assert float(drilling.sums[1]) == n_tokens + drilling.proof.drilled.sum() == pytest.approx(2 * n_tokens)
    assert float(drilling.sums[0]) > float(plain.sums[0])


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-9), (np.float32, 1e-3)])
def test_the_network_is_the_model(dtype: type[np.floating[Any]], tolerance: float) -> None:
    state = state_of(short())
    assert isinstance(state.model, WindowedDecoder)
    windows = np.random.default_rng(0).integers(0, 17, (50, 6))
    found = network_of(state.model, dtype).logits(windows)
    assert found.dtype == dtype
    expected = state.model.double().logits_of(torch.from_numpy(windows)).detach().numpy()
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance / 1000)


def test_a_model_without_windows_cannot_be_trained_to_a_proof(tmp_path: Path) -> None:
    config = load_run_config(config_path("add"), {"training.proof": "{}"})
    with pytest.raises(UserError, match=r"training\.proof is for windowed models.*model\.name is gpt2"):
        train(config, tmp_path / "run")


@pytest.mark.parametrize(
    ("key", "value"),
    [("vocabulary", "cot17"), ("format.notation", "number"), ("format.begin", "false"), ("format.style", "spaced")],
)
def test_a_windowed_model_is_trained_on_the_rows_its_layout_reads_or_not_at_all(key: str, value: str) -> None:
    # cot17 has as many tokens as the layout's own vocabulary.
    with pytest.raises(UserError, match=rf"model\.layout signed reads rows with {key} "):
        set_up(short(**{key: value}), ALONE)
