"""A user's mistake gets one clear line and exit code 2, and leaves nothing half-written."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from longhand.cli.main import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command and return its exit code, its output and its error output."""

    def command(*words: object) -> tuple[int, str, str]:
        try:
            code = main([str(word) for word in words])
        except SystemExit as stop:  # argparse
            code = int(stop.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return command


def refused(result: tuple[int, str, str], *fragments: str) -> str:
    """Assert that the command was refused in one line with these fragments, and return the line."""
    code, _, error = result
    assert code == 2, error
    lines = error.strip().splitlines()
    assert len(lines) == 1, error
    for fragment in fragments:
        assert fragment in lines[0]
    return lines[0]


@pytest.mark.parametrize(
    ("override", "fragments"),
    [
        (["--model.d_modle", "64"], ["model.d_modle", "did you mean --model.d_model"]),
        (["--modle.d_model", "64"], ["modle.d_model", "did you mean"]),
        (["--model.d_model", "63"], ["d_model 63", "n_heads 8"]),
        (["--model.d_model", "many"], ["model.d_model", "many"]),
        (["--model.max_seq_len", "8"], ["max_seq_len", "8"]),
        (["--model.n_layers", "0"], ["model.n_layers"]),
        (["--vocabulary", "unifeid"], ["unifeid"]),
        (["--data.train_fraction", "0.99", "--data.val_fraction", "0.5"], ["sum to more than 1"]),
        (["--format.operand_width", "2"], ["2"]),
        (["--training.schedule", "flat"], ["training.schedule"]),
        (["--training.max_steps"], ["needs a value"]),
        (["--nonsense"], ["--nonsense"]),
    ],
    ids=lambda value: " ".join(value) if value[0].startswith("--") else "",
)
def test_a_wrong_key_or_value_of_the_configuration(
    run: Run, tmp_path: Path, override: list[str], fragments: list[str]
) -> None:
    out = tmp_path / "run"
    line = refused(run("train", "--config", "demo", "--output-dir", out, *override), *fragments)
    assert "Traceback" not in line
    assert not out.exists()


@pytest.mark.parametrize(
    ("text", "fragments"),
    [
        ("model: {d_model: 64}\nmodel: {d_model: 32}\n", ["given twice"]),
        ("model: [1, 2]\n", ["model"]),
        ("model: {d_model: 64\n", ["line"]),
        ("modle: {d_model: 64}\n", ["modle", "model"]),
    ],
)
def test_a_wrong_configuration_file(run: Run, tmp_path: Path, text: str, fragments: list[str]) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    refused(run("train", "--config", path, "--output-dir", tmp_path / "run"), str(path), *fragments)


def test_a_configuration_that_is_not_there(run: Run) -> None:
    refused(run("train", "--config", "demoo"), "demoo", "demo")
    refused(run("train"), "--config")


def test_an_empty_data_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    refused(run("data", "check", tmp_path / "data"), str(tmp_path / "data"))
    result = run("train", "--config", "gpt2", "--data.path", tmp_path / "data", "--output-dir", tmp_path / "run")
    refused(result, str(tmp_path / "data"))
    assert not (tmp_path / "run").exists()


def test_a_data_folder_with_files_of_two_shapes(run: Run, tmp_path: Path) -> None:
    for shape in ("csv", "jsonl"):
        words = ["--out", tmp_path / shape, "--n-samples", 50, "--format", shape]
        code, _, error = run("data", "make", "--profile", "mini", *words)
        assert code == 0, error
    (tmp_path / "csv" / "train.jsonl").write_bytes((tmp_path / "jsonl" / "train.jsonl").read_bytes())
    refused(run("data", "check", tmp_path / "csv"), str(tmp_path / "csv"))


def test_a_line_that_does_not_parse_is_named_by_file_and_line(run: Run, tmp_path: Path) -> None:
    run("data", "make", "--profile", "mini", "--out", tmp_path / "data", "--n-samples", 50)
    path = tmp_path / "data" / "train.jsonl"
    lines = path.read_text().splitlines()
    lines[6] = lines[6][:-3]
    path.write_text("\n".join(lines) + "\n")
    refused(run("data", "check", tmp_path / "data"), "train.jsonl", "7")


def test_a_wrong_row_is_found_and_named(run: Run, tmp_path: Path) -> None:
    run("data", "make", "--profile", "mini", "--out", tmp_path / "data", "--n-samples", 50)
    path = tmp_path / "data" / "train.jsonl"
    lines = path.read_text().splitlines()
    row = json.loads(lines[3])
    row["target"] = str(int(row["target"]) + 1)
    row["text"] = f"<bos>{row['prompt']}{row['target']}<eos>"
    lines[3] = json.dumps(row)
    path.write_text("\n".join(lines) + "\n")
    code, out, _ = run("data", "check", tmp_path / "data")
    assert code == 1
    assert "train.jsonl" in out
    assert row["prompt"] in out


def test_a_used_output_folder(run: Run, tmp_path: Path, smoke_run: Path) -> None:
    run("data", "make", "--profile", "mini", "--out", tmp_path / "data", "--n-samples", 50)
    refused(run("data", "make", "--profile", "mini", "--out", tmp_path / "data"), "--overwrite")
    before = (smoke_run / "model" / "model.safetensors").read_bytes()
    refused(run("train", "--config", "smoke", "--output-dir", smoke_run), str(smoke_run), "--resume", "--overwrite")
    refused(run("demo", "--config", "smoke", "--output-dir", smoke_run), str(smoke_run), "--overwrite")
    assert (smoke_run / "model" / "model.safetensors").read_bytes() == before


def test_an_output_folder_that_cannot_be_made(run: Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    result = run("train", "--config", "smoke", "--output-dir", tmp_path / "file" / "run")
    refused(result, str(tmp_path / "file"))
    refused(run("data", "make", "--profile", "mini", "--n-samples", 50, "--out", tmp_path / "file" / "data"), "file")


def test_a_disk_without_room_leaves_nothing_half_written(tmp_path: Path) -> None:
    # A limit on the size of files stands in for the full disk: the same write fails, with another reason.
    limited = subprocess.run(
        [sys.executable, "-m", "longhand", "data", "make", "--profile", "mini", "--out", str(tmp_path / "data")],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert limited.returncode == 2, limited.stderr
    assert "cannot write" in limited.stderr
    assert len(limited.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("prompt", "fragment"),
    [("951+é=", "é"), ("１+1=", "１"), ("", "nothing"), ("9999+1=", "9999"), ("x" * 30, "x")],
)
def test_a_prompt_that_cannot_be_asked(run: Run, smoke_run: Path, prompt: str, fragment: str) -> None:
    refused(run("solve", smoke_run, prompt), fragment)


def test_a_model_that_is_not_one(run: Run, tmp_path: Path) -> None:
    refused(run("solve", tmp_path / "nowhere", "1+1="), "nowhere")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "config.json").write_text('{"model_type": "bert"}')
    refused(run("solve", tmp_path / "foreign", "1+1="), "bert")
    refused(run("evaluate", tmp_path / "foreign"), "bert")
    refused(run("info", tmp_path / "foreign"), "bert")


def test_a_checkpoint_with_another_vocabulary(run: Run, tmp_path: Path, smoke_run: Path) -> None:
    import shutil

    shutil.copytree(smoke_run / "model", tmp_path / "model")
    code, _, _ = run("vocab", "poc16", "--output-file", tmp_path / "model" / "tokenizer.json")
    assert code == 0
    refused(run("solve", tmp_path / "model", "1+1="), "tokenizer.json")


def test_a_truncated_or_edited_checkpoint(run: Run, tmp_path: Path, smoke_run: Path) -> None:
    import shutil

    shutil.copytree(smoke_run / "model", tmp_path / "short")
    weights = tmp_path / "short" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    refused(run("solve", tmp_path / "short", "1+1="), "model.safetensors")
    shutil.copytree(smoke_run / "model", tmp_path / "edited")
    edited = bytearray((tmp_path / "edited" / "model.safetensors").read_bytes())
    edited[-1] ^= 1
    (tmp_path / "edited" / "model.safetensors").write_bytes(edited)
    refused(run("solve", tmp_path / "edited", "1+1="), "model.safetensors")


def test_unknown_words_and_flags(run: Run) -> None:
    refused(run("solv", "models/x"), "solv", "longhand --help")
    refused(run("vocab", "cot16", "--colour"), "--colour", "longhand vocab --help")
    refused(run("vocab", "unifeid"), "unifeid", "unified")
