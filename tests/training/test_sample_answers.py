"""Sample answers are what the model of their step says, judged, and a run that goes on keeps them in order."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from longhand.errors import UserError
from longhand.solvers.load import load
from longhand.training.loop import train
from longhand.training.run_config import RunConfig

Tiny = Callable[..., RunConfig]


def samples_of(run: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (run / "samples.jsonl").read_text().splitlines()]


@pytest.mark.row("S4-O1")
def test_samples_are_the_answers_of_the_model_at_their_steps(tiny: Tiny, tmp_path: Path) -> None:
    prompts = ["9+9=", "7+", "8-3="]
    training = {"sample_interval": 4, "sample_prompts": prompts, "save_top_k": 100}
    train(tiny(training=training), tmp_path / "run")
    rows = samples_of(tmp_path / "run")
    assert [(row["step"], row["prompt"]) for row in rows] == [(step, p) for step in (4, 8, 12) for p in prompts]
    for step in (4, 8, 12):
        answered = load(tmp_path / "run" / "checkpoints" / f"step_{step:08d}").solve(prompts)
        written = [row for row in rows if row["step"] == step]
        assert [(c.text, c.answer) for c in answered] == [(row["text"], row["answer"]) for row in written]
        assert [row["verdict"] == "correct" for row in written] == [c.answer in ("18", "5") for c in answered]
        assert written[1]["verdict"] is None, "a beginning asks no problem"


@pytest.mark.row("S4-O1")
def test_without_further_words_held_out_problems_are_asked_at_the_end(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny(), tmp_path / "run")
    rows = samples_of(tmp_path / "run")
    assert [row["step"] for row in rows] == [12] * 4
    assert len({row["prompt"] for row in rows}) == 4


def test_a_run_that_goes_on_has_the_samples_of_the_run_left_alone(tiny: Tiny, tmp_path: Path) -> None:
    training = {"sample_interval": 3, "max_steps": 9}
    train(tiny(training=training), tmp_path / "whole")
    train(tiny(training=training), tmp_path / "parts", hooks=[lambda step, row: step == 4])
    assert [row["step"] for row in samples_of(tmp_path / "parts")][::4] == [3, 4]
    train(tiny(training=training), tmp_path / "parts", resume="auto")
    again = [row for row in samples_of(tmp_path / "parts") if row["step"] != 4]
    assert again == samples_of(tmp_path / "whole")


def test_a_prompt_that_cannot_be_asked_is_found_before_the_first_step(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"9\^9="):
        train(tiny(training={"sample_prompts": ["9^9="]}), tmp_path / "run")
    nothing_held_out = {"train_fraction": 1.0, "val_fraction": 0.0}
    with pytest.raises(UserError, match=r"sample_interval needs something to ask; set training\.sample_prompts"):
        train(tiny(data=nothing_held_out, training={"sample_interval": 2}), tmp_path / "other")
    for name in ("run", "other"):
        assert not list((tmp_path / name).glob("checkpoints/*"))
