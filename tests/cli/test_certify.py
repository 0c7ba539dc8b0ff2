from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from longhand.cli.main import main
from longhand.shipped import model_path


@pytest.mark.parametrize(
    ("name", "windows", "asked"),
    [
        ("certified-add-3", "24,741", f"{'9' * 1000}+1="),
        ("certified-compare-3", "363", f"{'9' * 1000}?{'9' * 999}8="),
    ],
)
def test_a_windowed_model_is_proved_checked_and_asked_for_a_thousand_digits(
    name: str, windows: str, asked: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = shutil.copytree(model_path(name), tmp_path / "model")
    (model / "certificate.json").unlink()
    assert main(["certify", str(model)]) == 0
    printed = capsys.readouterr().out
    assert f"{windows} windows" in printed
    assert "P12" in printed
    assert "proved: for all whole numbers a, b >= 0 of any length" in printed
    assert main(["certify", str(model), "--check"]) == 0
    assert main(["solve", str(model), asked]) == 0
    assert "correct   (certified)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("certify", "add-sub-3", "--check"), "has no certificate.json; write one"),
        (("certify", "nowhere"), "no model at nowhere"),
        (("solve", "certified-add-3", "5-3="), "'-'"),
        (("solve", "certified-add-3", "5+-3="), "'-'"),
        (("solve", "certified-add-3", "5?3="), "'?'"),
        (("solve", "certified-compare-3", "5?-3="), "'-'"),
        (("solve", "certified-compare-3", "1?2?3="), "ask a?b= with numbers of at least 0"),
        (("train", "--config", "certified-compare", "--data.domain.operators", "['?', '+']"), "give it alone"),
        (("train", "--config", "certified-compare", "--data.domain.n_operands", "3"), "a comparison takes 2"),
        (("train", "--config", "certified-compare", "--data.mixture", "{cascade: 1}"), "no travelling carry"),
        (("train", "--config", "demo", "--data.domain.operators", "['?']", "--data.mixture", "{short: 1}"), "in rows"),
        (("train", "--config", "add", "--until-certified", "--training.max_steps", "200"), "windowed models"),
    ],
)
def test_what_cannot_be_certified_or_asked_is_one_line(
    words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    more = ("--output-dir", str(tmp_path / "run")) if words[0] == "train" else ()
    assert main([*words, *more]) == 2
    shown = capsys.readouterr().err
    assert message in shown
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(("config", "windows"), [("certified-add", "24,741"), ("certified-compare", "363")])
def test_training_until_certified_says_what_is_wrong_when_the_budget_is_spent(
    config: str, windows: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = ("train", "--config", config, "--until-certified", "--output-dir", str(tmp_path / "run"))
    assert main([*run, "--training.max_steps", "20", "--training.warmup_steps", "5"]) == 1
    printed = capsys.readouterr().out
    assert f"of {windows} windows are wrong: " in printed
    assert "not certified: " in printed
    assert "the shortest problem found: " in printed
    assert not (tmp_path / "run" / "model" / "certificate.json").exists()
