"""What a run tells beside its own metrics: the log of what was said, and a logger where one is asked for."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from longhand.errors import UserError
from longhand.runs.tracker import read_rows
from longhand.training.loop import train
from longhand.training.run_config import RunConfig

Tiny = Callable[..., RunConfig]


def log_of(directory: Path) -> list[tuple[datetime, str]]:
    lines = [
        re.split(r"  ", line, maxsplit=1) for line in (directory / "logs" / "training.log").read_text().splitlines()
    ]
    return [(datetime.fromisoformat(time), text) for time, text in lines]


@pytest.mark.row("S0-O1", "S0-T4")
def test_the_log_has_a_time_for_every_row_and_message_and_goes_on_when_the_run_does(tiny: Tiny, tmp_path: Path) -> None:
    train(tiny(training={"max_steps": 4}), tmp_path)
    train(tiny(training={"max_steps": 8}), tmp_path, resume="auto")
    log = log_of(tmp_path)
    times = [time for time, _ in log]
    assert times == sorted(times)
    assert all(time.tzinfo is not None for time in times)
    said = [text for _, text in log]
    rows = read_rows(tmp_path / "metrics.jsonl")
    for row in rows:
        (line,) = [text for text in said if text.startswith(f"step {row['step']}/")]
        assert f"loss {row['loss']:.4f}" in line
        assert ("held-out exact match" in line) == ("val_exact_match" in row)
    assert any(text.startswith("cpu: ") for text in said)
    assert any(text.startswith("resuming from") for text in said)
    assert said.index("stopped at step 4") < said.index("training from step 4 to 8")


@pytest.mark.row("S0-W1", "S4-T1")
def test_a_run_tells_its_logger_what_it_tells_its_files_and_overwriting_begins_anew(tiny: Tiny, tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    config = tiny(training={"max_steps": 8}, tracking={"logger": "tensorboard"})
    train(tiny(training={"max_steps": 4}, tracking={"logger": "tensorboard"}), tmp_path)
    train(config, tmp_path, overwrite=True)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    rows = read_rows(tmp_path / "metrics.jsonl")
    for tag in ("loss", "learning_rate", "val_exact_match", "val_token_accuracy"):
        wanted = [(row["step"], pytest.approx(row[tag])) for row in rows if tag in row]
        assert [(event.step, event.value) for event in events.Scalars(tag)] == wanted


@pytest.mark.parametrize("key", ["project", "name", "group"])
def test_keys_of_a_logger_that_is_not_used_are_refused(key: str) -> None:
    with pytest.raises(UserError, match=rf"tracking\.{key} has no effect with logger: tensorboard"):
        RunConfig.from_dict({"tracking": {"logger": "tensorboard", key: "x"}})


def test_a_logger_that_does_not_start_leaves_no_run_behind(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UserError("not today")

    monkeypatch.setattr("longhand.training.loop.open_trackers", refuse)
    with pytest.raises(UserError, match="not today"):
        train(tiny(), tmp_path / "run")
    monkeypatch.undo()
    assert train(tiny(), tmp_path / "run").steps == 12
