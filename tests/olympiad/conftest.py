"""A tokenizer trained on generated problems, a small model and some data, shared by the tests of a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.olympiad.commands import Run, runner

from longhand.cli.main import main
from longhand.olympiad.data.chat import ChatFormat
from longhand.olympiad.tokenizer import train_bpe
from longhand.olympiad.word_problems.generate import generate


@pytest.fixture(scope="session")
def bpe() -> Any:
    return train_bpe((text for row in generate(150) for text in row.values()), 512)


@pytest.fixture(scope="session")
def chat(bpe: Any) -> ChatFormat:
    return ChatFormat(bpe)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


@pytest.fixture(scope="session")
def word_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Qwen2 directory of 30,000 random weights, made by the command."""
    out = tmp_path_factory.mktemp("models") / "tiny-qwen2"
    sizes = "--hidden 32 --layers 2 --heads 2 --kv-heads 1 --vocab 400 --context 400"
    assert main(["olympiad", "model", "--out", str(out), *sizes.split()]) == 0
    return out


@pytest.fixture(scope="session")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ten problems for training and three for testing."""
    folder = tmp_path_factory.mktemp("words")
    for split, n in (("train", 10), ("test", 3)):
        out = str(folder / f"{split}.jsonl")
        assert main(["olympiad", "problems", "--split", split, "--n", str(n), "--out", out]) == 0
    return folder


@pytest.fixture(scope="session")
def parrot(word_model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the `run` of a model that has one problem by heart, that problem and another as its test.

    In `odd.jsonl` there is one whose answer is no number.
    """
    folder = tmp_path_factory.mktemp("parrot")
    known, other = (
        {"question": "How much is it?", "answer": "#### 7"},
        {"question": "How far is it?", "answer": "#### 8"},
    )
    odd = {"problem": "How much?", "solution": r"It is \boxed{\text{odd}}."}
    for name, rows in (("train", [known]), ("test", [known, other]), ("odd", [odd])):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    flags = "--method whole --gradient-accumulation 1 --epochs 60 --lr 1e-2 --batch-size 1"
    start = f"train --model {word_model} --data {folder / 'train.jsonl'} --output-dir {folder / 'run'} {flags}"
    assert main(["olympiad", *start.split()]) == 0
    return folder
