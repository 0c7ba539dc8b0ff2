"""`longhand bench` measures, prints and writes; with --quick in seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from longhand.bench.result import read_result
from longhand.cli.main import main


def bench(*words: object) -> int:
    return main(["bench", *map(str, words)])


@pytest.mark.row("S0-B19")
def test_training_against_peers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("train", "--quick", "--against", "eager", "hugging-face", "--output-dir", tmp_path) == 0
    result = read_result(tmp_path / "train.json")
    assert [(cell.contender, cell.status, len(cell.samples)) for cell in result.cells] == [
        (name, "measured", 2)
        for name in ("longhand", "longhand-fp32", "eager", "hugging-face", "matrix product", "matrix product")
    ]
    assert result.versions["torch"]
    assert result.versions["transformers"]
    for row in result.summary[:4]:
        assert row["rate"]["low"] > 0
        assert 0 < row["share"] < 2
        assert row["peak_memory"] > 2**26
    printed = capsys.readouterr().out
    for words in ("examples/s", "TFLOP/s", "hugging-face", "6 x matrix parameters", f"wrote {tmp_path}"):
        assert words in printed
    assert (tmp_path / "train.png").read_bytes().startswith(b"\x89PNG")


def test_decoding_against_peers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert bench("decode", "--quick", "--against", "eager", "hugging-face", "--output-dir", tmp_path) == 0
    result = read_result(tmp_path / "decode.json")
    agreements = {cell.agreement for cell in result.cells if cell.precision == "fp32" and cell.kind == "decode"}
    assert agreements == {1.0}
    single = [row for row in result.summary if row["group"] == "answer, width 32, batch 1" and row["latency"]]
    assert [row["contender"] for row in single] == ["longhand", "longhand-bf16", "eager", "hugging-face"]
    assert all(0 < row["latency"][0] <= row["latency"][1] for row in single)
    assert "same: share" in capsys.readouterr().out
    assert (tmp_path / "decode.png").exists()


@pytest.mark.parametrize(
    ("words", "fragments"),
    [
        (["serve"], ["server", "train"]),
        (["train", "--against", "eagr"], ["eagr", "did you mean eager?"]),
        (["decode", "--against", "lightning"], ["lightning", "no decode"]),
        (["sweep", "--against", "eager"], ["sweep", "--against"]),
        (["train", "--against", "mine.py"], ["mine.py", "train_contender"]),
        (["train", "--repeats", "0"], ["--repeats", "0"]),
        (["train", "--seconds", "soon"], ["--seconds", "soon"]),
        (["training"], ["training", "train"]),
    ],
)
def test_a_mistake_is_one_line(
    words: list[str], fragments: list[str], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert bench(*words, "--output-dir", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    for fragment in fragments:
        assert fragment in error
    assert not (tmp_path / "out").exists()
