from __future__ import annotations

import json
import math
import resource
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from longhand.errors import UserError
from longhand.runs.checkpoint import find_checkpoint, load_checkpoint, load_metrics, load_vocabulary
from longhand.runs.manifest import check_files
from longhand.runs.tracker import read_rows
from longhand.training.loop import TrainResult, train
from longhand.training.run_config import RunConfig, load_run_config

Tiny = Callable[..., RunConfig]


def rows_of(directory: Path) -> list[dict[str, Any]]:
    return read_rows(directory / "metrics.jsonl")


def steps_kept(directory: Path) -> list[int]:
    return sorted(int(path.name[5:]) for path in (directory / "checkpoints").iterdir())


def solved(model_dir: Path) -> float:
    """The share of its domain that the model in a directory answers correctly by greedy decoding."""
    checkpoint = load_checkpoint(model_dir)
    assert checkpoint.domain is not None
    model, tokens, style = checkpoint.build_model(), checkpoint.vocabulary, checkpoint.format
    problems = list(checkpoint.domain)
    prompts = torch.tensor([tokens.encode(style.prompt(problem)) for problem in problems])
    written = model.generate(prompts, 4, tokens.id_of("eos"))[:, prompts.shape[1] :]
    answers = [style.read_answer(tokens.decode(row.tolist(), skip_special=True)) for row in written]
    return sum(a == p.answer for a, p in zip(answers, problems, strict=True)) / len(problems)


def test_a_run_of_seconds_learns_every_sum_and_difference_of_numbers_up_to_five(tiny: Tiny, tmp_path: Path) -> None:
    def longer(steps: int) -> RunConfig:
        return tiny(
            data={"domain": {"max_operand": 5}, "train_fraction": 1.0, "val_fraction": 0.0},
            model={"d_model": 32, "d_ff": 64},
            training={"batch_size": 64, "max_steps": steps, "eval_interval": 500, "min_lr_ratio": 0.0},
        )

    assert solved(train(longer(1), tmp_path / "run").model_dir) < 0.2
    assert train(longer(600), tmp_path / "run", resume="auto").steps == 600
    assert solved(tmp_path / "run") == 1.0


def test_a_run_leaves_its_documented_layout(tiny: Tiny, tmp_path: Path) -> None:
    config = tiny()
    result = train(config, tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "config.yaml", "metrics.jsonl", "metrics.csv", "logs", "checkpoints", "model", "results.json", "samples.jsonl",
    }  # fmt: skip
    assert load_run_config(tmp_path / "run" / "config.yaml") == config
    assert result.model_dir == find_checkpoint(tmp_path / "run") == tmp_path / "run" / "model"
    check_files(result.model_dir)
    assert (result.steps, result.finish) == (12, "max_steps")
    assert json.loads(json.dumps(result.to_dict()))["model_dir"] == str(result.model_dir)
    facts = load_checkpoint(tmp_path / "run").training
    assert facts["seed"] == 0
    assert facts["examples"] == facts["steps"] * 16
    assert facts["data"]["problems_trained_on"] < facts["data"]["problems_in_domain"]
    assert RunConfig.from_dict(facts["config"]) == config
    assert {"longhand", "python", "torch", "numpy"} == facts["versions"].keys()


def test_rows_are_logged_at_their_intervals_with_the_rate_of_their_step(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny(training={"max_steps": 7, "warmup_steps": 4, "schedule": "constant"}), tmp_path / "run")
    rows = rows_of(tmp_path / "run")
    assert [row["step"] for row in rows] == [2, 4, 6, 7]
    assert [row["step"] for row in rows if "val_loss" in row] == [4, 7]
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.005, 0.01, 0.01, 0.01])
    assert all(row["examples_per_second"] > 0 and row["grad_norm"] > 0 for row in rows)
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)


@pytest.mark.bug("S2-3c")
def test_the_same_seed_gives_the_same_weights_and_another_seed_does_not(tiny: Tiny, tmp_path: Path) -> None:
    weights = []
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        torch.manual_seed(len(weights))  # whatever state the process is in
        result = train(tiny(model={"dropout": 0.1}, training={"seed": seed}), tmp_path / name)
        weights.append((result.model_dir / "model.safetensors").read_bytes())
    assert weights[0] == weights[1] != weights[2]


@pytest.mark.row("S4-T3", "S0-T6")
@pytest.mark.bug("S4-4")
def test_the_best_checkpoints_and_the_newest_are_kept(tiny: Tiny, tmp_path: Path) -> None:
    training = {"max_steps": 10, "eval_interval": 2, "save_top_k": 2, "save_metric": "val_loss"}
    result = train(tiny(training=training), tmp_path / "run")
    losses = {row["step"]: row["val_loss"] for row in rows_of(tmp_path / "run")}
    best = sorted(losses, key=lambda step: (losses[step], -step))[:2]
    assert steps_kept(tmp_path / "run") == sorted({*best, 10})
    assert result.metrics["val_loss"] == losses[best[0]] == min(losses.values())
    assert load_metrics(tmp_path / "run")["val_loss"] == min(losses.values())
    assert load_checkpoint(tmp_path / "run").training["steps"] == best[0]


def test_without_best_ones_the_last_becomes_the_model(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny(training={"save_top_k": 0}), tmp_path / "run")
    assert steps_kept(tmp_path / "run") == [12]
    assert load_checkpoint(tmp_path / "run").training["steps"] == 12


def test_states_are_saved_between_evaluations_when_asked_for(tiny: Tiny, tmp_path: Path) -> None:
    seen: list[list[int]] = []

    def look(step: int, row: Mapping[str, Any]) -> None:
        seen.append(steps_kept(tmp_path / "run"))

    train(tiny(training={"save_interval": 3, "eval_interval": 5, "save_top_k": 0}), tmp_path / "run", hooks=[look])
    assert seen == [[3], [9], [9]]


@pytest.mark.row("S4-T3")
@pytest.mark.bug("S4-9")
def test_early_stopping_ends_a_run_that_has_settled(tiny: Tiny, tmp_path: Path) -> None:
    early = {"metric": "val_loss", "patience": 2, "min_delta": 100.0}
    result = train(tiny(training={"max_steps": 100, "early_stopping": early}), tmp_path / "run")
    assert (result.finish, result.steps) == ("early_stopping", 12)  # the first evaluation sets the mark
    assert (
        train(tiny(training={"max_steps": 100, "early_stopping": early}), tmp_path / "run", resume="auto").steps == 12
    )


def test_a_hook_sees_every_evaluation_and_may_end_the_run(tiny: Tiny, tmp_path: Path) -> None:
    seen: list[tuple[int, Any]] = []

    def hook(step: int, row: Mapping[str, Any]) -> bool:
        seen.append((step, row["val_exact_match"]))
        return step == 8

    result = train(tiny(), tmp_path / "run", hooks=[hook, lambda step, row: None])
    assert (result.finish, result.steps) == ("hook", 8)
    assert [step for step, _ in seen] == [4, 8]


def test_the_average_of_the_weights_is_what_is_evaluated_and_saved(tiny: Tiny, tmp_path: Path) -> None:
    plain = train(tiny(), tmp_path / "plain")
    averaged = train(tiny(training={"ema_decay": 0.9}), tmp_path / "averaged")
    # The trajectory is the same, the model is not.
    pairs = zip(rows_of(tmp_path / "plain"), rows_of(tmp_path / "averaged"), strict=True)
    for row, other in pairs:
        assert row["loss"] == other["loss"]
        assert row.get("val_loss", 0) != other.get("val_loss", 1)
    first, second = (load_checkpoint(result.model_dir).weights for result in (plain, averaged))
    assert any((first[name] != second[name]).any() for name in first)


def test_experts_are_balanced_and_the_loss_of_balance_is_logged(tiny: Tiny, tmp_path: Path) -> None:
    experts = {"name": "mixtral", "n_experts": 4, "top_k": 2, "init": "normal", "tie_weights": True}
    train(tiny(model=experts), tmp_path / "run")
    balances = [row["balance_loss"] for row in rows_of(tmp_path / "run")]
    assert all(balance > 1.0 and math.isfinite(balance) for balance in balances)  # 1 per expert chosen at best


def test_a_run_without_held_out_problems_measures_its_training_only(tiny: Tiny, tmp_path: Path) -> None:
    result = train(tiny(data={"train_fraction": 1.0, "val_fraction": 0.0}), tmp_path / "run")
    assert set(result.metrics) == {"loss"}
    assert not any("val_loss" in row for row in rows_of(tmp_path / "run"))


@pytest.mark.bug("S1-5")
@pytest.mark.parametrize("lines", [["3+4=7", "12+7=19", "7+3=10", "8+0=8", "1+1=2"] * 4])
def test_epochs_of_files_and_a_vocabulary_built_from_them(tiny: Tiny, tmp_path: Path, lines: list[str]) -> None:
    (tmp_path / "data").mkdir()
    for split in ("train", "val"):
        (tmp_path / "data" / f"{split}.txt").write_text("\n".join(lines) + "\n")
    config = RunConfig.from_dict(
        {
            **{name: tiny().to_dict()[name] for name in ("model", "runtime")},
            "vocabulary": "chars",
            "data": {"source": "files", "path": str(tmp_path / "data")},
            "training": {"max_epochs": 3, "batch_size": 8, "val_check_interval": 1.0, "log_interval": 1},
        }
    )
    result = train(config, tmp_path / "run")
    assert result.steps == 8  # 3 epochs of 20 rows, 8 at a time
    assert [row["step"] for row in rows_of(tmp_path / "run") if "val_loss" in row] == [3, 6, 8]
    log = (tmp_path / "run" / "training_logs.txt").read_text().splitlines()
    assert [line.split()[0] for line in log[2:]] == ["1", "2", "3"]
    built = load_vocabulary(tmp_path / "run")
    assert built.name == "chars"
    assert built.can_spell("12+7=19")
    assert not built.can_spell("What is 12+7?")


@pytest.mark.bug("S0-4c")
def test_a_second_run_into_a_used_directory_is_refused_with_the_remedies(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "run")
    before = (tmp_path / "run" / "metrics.jsonl").read_bytes()
    with pytest.raises(UserError, match=r"already holds a run; .*--resume auto.*--output-dir.*--overwrite"):
        train(tiny(), tmp_path / "run")
    assert (tmp_path / "run" / "metrics.jsonl").read_bytes() == before


def test_overwriting_and_resuming_exclude_each_other(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--overwrite would remove the run that --resume goes on with"):
        train(tiny(), tmp_path / "run", resume="auto", overwrite=True)


def test_overwriting_removes_the_old_run_and_nothing_else(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "run")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    train(tiny(training={"max_steps": 3}), tmp_path / "run", overwrite=True)
    assert steps_kept(tmp_path / "run") == [3]
    assert [row["step"] for row in rows_of(tmp_path / "run")] == [2, 3]
    assert (tmp_path / "run" / "notes.txt").read_text() == "mine"


def test_a_loss_that_is_no_longer_finite_ends_the_run_with_its_reason(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no longer finite at step \d+; lower training.learning_rate \(1e\+20\)"):
        train(tiny(training={"learning_rate": 1e20, "grad_clip": None, "save_interval": 1}), tmp_path / "run")
    for step in steps_kept(tmp_path / "run"):
        weights = load_checkpoint(tmp_path / "run" / "checkpoints" / f"step_{step:08d}").weights
        assert all(torch.from_numpy(array).isfinite().all() for array in weights.values())


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"model": {"max_seq_len": 3}}, "max_seq_len"),
        ({"training": {"max_epochs": 1}}, "max_epochs counts epochs"),
        ({"training": {"early_stopping": {}}, "data": {"train_fraction": 1.0, "val_fraction": 0.0}}, "early_stopping"),
    ],
)
def test_a_run_that_cannot_be_is_refused_before_anything_is_written(
    tiny: Tiny, tmp_path: Path, sections: dict[str, Any], words: str
) -> None:
    with pytest.raises(UserError, match=words):
        train(tiny(**sections), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_cannot_be_written_is_one_line(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write|is a file"):
        train(tiny(), tmp_path / "file" / "run")
    with pytest.raises(UserError, match="is a file"):
        train(tiny(), tmp_path / "file")


def test_a_disk_that_is_full_is_one_line_and_leaves_no_half_checkpoint(tiny: Tiny, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))  # a real refusal by the operating system
    try:
        with pytest.raises(UserError, match=r"cannot write .*step_00000004: File too large") as caught:
            train(tiny(), tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert steps_kept(tmp_path / "run") == []


def test_the_number_of_threads_is_put_back(tiny: Tiny, tmp_path: Path) -> None:
    before = torch.get_num_threads()
    counted: list[int] = []
    hook = lambda step, row: counted.append(torch.get_num_threads())  # noqa: E731
    train(tiny(runtime={"threads": before + 1}), tmp_path / "run", hooks=[hook])
    assert set(counted) == {before + 1}
    assert torch.get_num_threads() == before


def test_results_know_their_parameters(tiny: Tiny, tmp_path: Path) -> None:
    result: TrainResult = train(tiny(), tmp_path / "run")
    assert result.num_parameters == load_checkpoint(tmp_path / "run").num_parameters
