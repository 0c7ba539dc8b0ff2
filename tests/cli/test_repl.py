"""`longhand repl` on real models."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from longhand.cli.main import main


def transcript(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, typed: str, *words: object
) -> list[str]:
    """What a piped session prints; it has to end with exit code 0."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert main(["repl", *map(str, words)]) == 0
    return capsys.readouterr().out.splitlines()


@pytest.mark.row("S0-I1", "S0-I2", "S0-I3")
@pytest.mark.parametrize(
    "words", [["models/add-sub-3"], ["--checkpoint", "models/add-sub-3", "--max_new_tokens", "20", "--device", "cpu"]]
)
def test_the_shipped_model_answers_through_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    lines = transcript(capsys, monkeypatch, "99+21=\nabc\nquit\n", *words)
    assert "✅ Answer: 99+21=120" in lines
    assert "✨ Model output: 099+021=0210<eos>" in lines
    (error,) = [line for line in lines if "Error" in line]
    assert "this model reads digits, '+', '-' and '='; it cannot read 'a', 'b', 'c'" in error
    assert lines[-1].endswith("quit")


@pytest.mark.row("S0-I1")
def test_a_temperature_draws_and_a_seed_repeats(
    smoke_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = "3+4=\n" * 6
    words = (smoke_run, "--temperature", 30, "--seed")
    first, again, other = (transcript(capsys, monkeypatch, typed, *words, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({line for line in first if "Model output" in line}) > 1


def test_the_beginning_of_a_problem_is_completed_and_judged(
    smoke_run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = transcript(capsys, monkeypatch, "007+\n", smoke_run)
    (answer,) = [line for line in lines if "Answer: " in line]
    assert answer.startswith(("✅ Answer: 7+", "❌ Answer: 7+", "✅ Answer: 007+"))


@pytest.mark.row("S0-I1", "S0-E1")
@pytest.mark.parametrize("verb", ["repl", "evaluate"])
def test_a_model_size_is_compared_with_the_checkpoint(
    smoke_run: Path, capsys: pytest.CaptureFixture[str], verb: str
) -> None:
    assert main([verb, "--checkpoint", str(smoke_run), "--model-size", "small"]) == 2
    assert "is not of --model-size small: its n_layers is 2, not 4" in capsys.readouterr().err


def test_settings_that_mean_nothing_are_one_line(smoke_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["repl", str(smoke_run), "--mode", "probability", "--temperature", "1"]) == 2
    assert "has no effect in probability mode" in capsys.readouterr().err
    assert main(["repl", "models/no-such-model"]) == 2
    assert "no model at models/no-such-model" in capsys.readouterr().err
