"""The real Lightning trains our models as our own loop does, and what it trained is a checkpoint of ours."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning
import pytest
import torch
from tests.training.conftest import TINY

import longhand
from longhand.errors import UserError
from longhand.evaluation.evaluate import evaluate
from longhand.evaluation.suites import open_suite
from longhand.integrations.lightning import LitData, LitDecoder, trainer_arguments
from longhand.runs.checkpoint import load_checkpoint
from longhand.runs.tracker import read_rows
from longhand.training.loop import train
from longhand.training.run_config import RunConfig

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning"),  # Lightning's own use of torch
]

MIXTRAL = {"name": "mixtral", "n_experts": 4, "top_k": 2, "init": "normal", "tie_weights": True}


def tiny(**sections: dict[str, Any]) -> RunConfig:
    names = TINY.keys() | sections.keys()
    return RunConfig.from_dict({name: {**TINY.get(name, {}), **sections.get(name, {})} for name in names})


class Losses(lightning.Callback):
    """What was logged after every step."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []

    def on_train_batch_end(self, trainer: Any, *arguments: Any) -> None:
        self.rows.append({name: float(value) for name, value in trainer.callback_metrics.items()})


Fit = Callable[..., tuple[LitDecoder, Any, list[dict[str, float]]]]


@pytest.fixture
def fit(tmp_path: Path) -> Fit:
    """Train with Lightning's Trainer; returns the module, the Trainer and what was logged."""

    def run(config: RunConfig, ckpt_path: Path | None = None) -> tuple[LitDecoder, Any, list[dict[str, float]]]:
        module, data, losses = LitDecoder(config), LitData(config), Losses()
        arguments = trainer_arguments(data)
        quiet = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        place = tmp_path / f"lightning-{len(list(tmp_path.iterdir()))}"
        arguments |= {**quiet, "default_root_dir": place, "callbacks": [*arguments["callbacks"], losses]}
        trainer = lightning.Trainer(**arguments)
        trainer.fit(module, data, ckpt_path=ckpt_path)
        return module, trainer, losses.rows

    return run


@pytest.mark.row("S4-T2", "S4-L1")
def test_two_hundred_steps_learn_and_come_out_as_a_checkpoint_of_ours(fit: Fit, tmp_path: Path) -> None:
    config = tiny(
        model={"d_model": 32, "d_ff": 64},
        training={"max_steps": 200, "eval_interval": 100, "save_metric": "val_loss", "batch_size": 64},
    )
    module, trainer, rows = fit(config)
    assert len(rows) == 200
    assert rows[-1]["train_loss"] < 0.5 * rows[0]["train_loss"]
    assert {"val_loss", "val_exact_match"} <= rows[-1].keys()

    module.save_as_longhand(tmp_path / "ours")
    solver = longhand.load(tmp_path / "ours")
    checkpoint = load_checkpoint(tmp_path / "ours")
    assert checkpoint.training["steps"] == 200
    assert checkpoint.metrics.keys() == {"val_loss", "val_exact_match"}
    problems = LitData(config).problems
    held_out = [solver.solve([f"{p.expression}="])[0].answer == p.answer for p in problems]
    assert sum(held_out) / len(held_out) == pytest.approx(checkpoint.metrics["val_exact_match"])
    suite = open_suite("test", domain=solver.domain, training=checkpoint.training)
    assert evaluate(solver, suite).total == len(suite) > 0

    again = LitDecoder.from_longhand(tmp_path / "ours")
    from_its_own = LitDecoder.load_from_checkpoint(trainer.checkpoint_callback.last_model_path)
    ids = torch.randint(0, len(module.vocabulary), (3, 5))
    for other in (again, from_its_own):
        assert other.config == config
        torch.testing.assert_close(other.eval()(ids), module.eval()(ids))


@pytest.mark.row("S4-L1", "S4-M4")
@pytest.mark.parametrize(
    "sections",
    [
        {"training": {"warmup_steps": 5, "decay_vectors": True}},
        {"model": MIXTRAL, "training": {"accumulate_grad_batches": 2, "grad_clip": 0.5}},
    ],
    ids=["gpt2", "mixtral"],
)
def test_its_steps_are_those_of_our_loop(fit: Fit, tmp_path: Path, sections: dict[str, dict[str, Any]]) -> None:
    training = {"max_steps": 20, "log_interval": 1, "eval_interval": 10, **sections["training"]}
    config = tiny(**{**sections, "training": training, "runtime": {"engine": "torch"}})
    ours = read_rows(train(config, tmp_path / "ours").output_dir / "metrics.jsonl")
    _, trainer, theirs = fit(config)
    n = config.training.accumulate_grad_batches
    for name, its_name in (("loss", "train_loss"), ("balance_loss", "balance_loss")):
        logged = [row[its_name] for row in theirs if its_name in row]
        means = [sum(logged[i : i + n]) / n for i in range(0, len(logged), n)]
        assert means == pytest.approx([row[name] for row in ours if name in row], rel=2e-4)
    assert ("balance_loss" in theirs[-1]) == (config.model.mlp == "moe")
    assert float(trainer.callback_metrics["val_loss"]) == pytest.approx(ours[-1]["val_loss"], rel=2e-4)


@pytest.mark.row("S4-T3")
@pytest.mark.filterwarnings("ignore:The dirpath has changed:UserWarning")  # the whole run and the rest lie apart
def test_the_two_best_and_the_last_are_kept_and_training_goes_on_from_the_last(fit: Fit, tmp_path: Path) -> None:
    training = {"max_steps": 12, "eval_interval": 3, "save_top_k": 2, "save_metric": "val_loss", "learning_rate": 1e-3}
    _, trainer, whole = fit(tiny(training=training))
    kept = sorted(path.name for path in Path(trainer.checkpoint_callback.dirpath).iterdir())
    assert len(kept) == 3
    assert kept[-1] == "last.ckpt"
    middle = min(Path(trainer.checkpoint_callback.dirpath).glob("epoch*step=9.ckpt"))
    _, _, rest = fit(tiny(training=training), ckpt_path=middle)
    assert [row["train_loss"] for row in rest] == pytest.approx([row["train_loss"] for row in whole[9:]])


@pytest.mark.row("S4-T3")
def test_early_stopping_of_a_configuration_is_that_of_the_trainer(fit: Fit) -> None:
    early = {"metric": "val_loss", "patience": 1, "min_delta": 100.0}
    training = {"max_steps": 50, "eval_interval": 2, "save_metric": "val_loss", "early_stopping": early}
    assert len(fit(tiny(training=training))[2]) == 4


def test_what_its_loop_does_not_do_is_refused() -> None:
    for training, message in (
        ({"optimizer": "muon"}, "training.optimizer muon is not for Lightning"),
        ({"ema_decay": 0.9}, "training.ema_decay is not for Lightning"),
        ({"save_metric": "val_token_accuracy"}, "val_token_accuracy is not measured under Lightning"),
    ):
        with pytest.raises(UserError, match=message):
            LitDecoder(tiny(training=training))


def test_without_lightning_its_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)
    monkeypatch.delitem(sys.modules, "longhand.integrations.lightning_data")
    with pytest.raises(
        UserError, match=r"needs lightning, which is not installed: pip install 'longhand\[lightning\]'"
    ):
        __import__("longhand.integrations.lightning_data")
