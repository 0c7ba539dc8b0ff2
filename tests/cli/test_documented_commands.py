"""The data commands of the five documents, with the flags they name."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from longhand.cli.main import main
from longhand.data.manifest import read_manifest
from longhand.data.profiles.registry import PROFILES


def made(tmp_path: Path, command: str) -> tuple[list[str], dict[str, object]]:
    """The files a command writes to `d`, and the options it was understood to have."""
    assert main([*command.format(out=tmp_path / "d").split()]) == 0
    manifest = read_manifest(tmp_path / "d")
    assert manifest is not None
    return sorted(path.name for path in (tmp_path / "d").iterdir()), manifest.options


@pytest.mark.row("S0-G1", "S0-G2")
def test_math_llm(tmp_path: Path) -> None:
    files, options = made(tmp_path, "data make --profile think --num-examples 600 --max-digits 2 --output-dir {out}")
    assert files == ["manifest.json", "test.json", "train.json", "val.json"]
    assert (options["num_examples"], options["max_digits"]) == (600, 2)
    for split, rows in (("train", 480), ("val", 60), ("test", 60)):
        examples = json.loads((tmp_path / "d" / f"{split}.json").read_text())["examples"]
        assert len(examples) == rows
        assert all(example.endswith("<end>") for example in examples)


@pytest.mark.row("S0-G1")
def test_the_defaults_of_math_llm() -> None:
    defaults = PROFILES["think"].options().model_dump()
    wanted = {"num_examples": 10_000, "max_digits": 2, "max_operands": 3, "seed": 42, "train_ratio": 0.8}
    assert {**defaults, **wanted, "val_ratio": 0.1, "fixed_length_cot": False} == defaults


@pytest.mark.row("S0-G1")
def test_shares_that_leave_no_test_rows_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--train-ratio", "0.95", "--val-ratio", "0.1", "--out", str(tmp_path / "d")]
    assert main(["data", "make", "--profile", "think", *words]) == 2
    assert "0.95" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


@pytest.mark.row("S0-B1")
def test_the_later_flags_of_math_llm(tmp_path: Path) -> None:
    flags = "--no-include-cot --zero-pad --max-operands 2"
    _, options = made(tmp_path, f"data make --profile think --num-examples 50 {flags} --out {{out}}")
    assert [options[key] for key in ("include_cot", "zero_pad", "max_operands")] == [False, True, 2]


@pytest.mark.row("S1-B1")
def test_llm_math_solver(tmp_path: Path) -> None:
    files, options = made(tmp_path, "data make --profile mathqa --n 400 --seed 0 --out {out}")
    assert files == ["manifest.json", "test.txt", "train.txt", "val.txt"]
    assert (options["n"], options["seed"]) == (400, 0)
    assert PROFILES["mathqa"].options().model_dump()["n"] == 500_000


@pytest.mark.row("S2-G1", "S2-G2")
def test_math_llm_poc(tmp_path: Path) -> None:
    files, options = made(tmp_path, "data make --profile poc --out {out}")
    assert files == ["manifest.json", "test.csv", "train.csv", "val.csv"]
    assert options == {"seed": 42}


@pytest.mark.row("S4-G1", "S4-G2")
def test_mini_language_models(tmp_path: Path) -> None:
    # The documented command, every flag at its documented value but the number of rows.
    flags = "--out_dir {out} --n_samples 700 --N 2 --A 0 --B 999 --ops + --seed 0"
    files, options = made(tmp_path, f"data make --profile mini {flags} --train_ratio .8 --val_ratio .1")
    assert files == ["manifest.json", "test.jsonl", "train.jsonl", "val.jsonl"]
    defaults = PROFILES["mini"].options().model_dump(mode="json")
    assert {**options, "n_samples": 70_000} == defaults
    row = json.loads((tmp_path / "d" / "train.jsonl").read_text().splitlines()[0])
    assert row["text"] == f"<bos>{row['prompt']}{row['target']}<eos>"


@pytest.mark.row("S4-E1")
def test_mini_language_models_evaluates(smoke_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path, "data make --profile mini --out_dir {out} --n_samples 90 --B 9 --ops + -")
    files = ["--samples", str(tmp_path / "s.jsonl"), "--output-file", str(tmp_path / "r.json")]
    assert main(["evaluate", "--ckpt", str(smoke_run), "--data_dir", str(tmp_path / "d"), *files]) == 0
    rows = [json.loads(line) for line in (tmp_path / "d" / "test.jsonl").read_text().splitlines()]
    samples = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert [(sample["prompt"], sample["expected"]) for sample in samples] == [
        (row["prompt"], row["target"]) for row in rows
    ]
    report = json.loads((tmp_path / "r.json").read_text())
    assert (report["total"], report["correct"]) == (9, sum(sample["verdict"] == "correct" for sample in samples))
    asked = {int(length): share["total"] for length, share in report["by_answer_length"].items()}
    assert asked == dict(Counter(len(row["target"].lstrip("-")) for row in rows))
    assert f"errors: {report['errors']}" in capsys.readouterr().out
