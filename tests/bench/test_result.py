"""A result says the same after it has been written and read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longhand.bench.machine import describe_machine, load_average
from longhand.bench.result import Cell, Result, Sample, read_result, write_result
from longhand.errors import UserError


def result() -> Result:
    samples = [Sample(0, 3, 0.3, 0.25), Sample(1, 3, 0.4, 0.35)]
    return Result(
        kind="train",
        command="longhand bench train --quick",
        started="2026-01-01T00:00:00+00:00",
        clock="cpu",
        repeats=2,
        seconds_per_sample=0.5,
        machine=describe_machine(),
        load_before=load_average(),
        load_after=None,
        versions={"torch": "2"},
        formula="6 N",
        cells=[
            Cell("g", "longhand", "bf16", "train", {"width": 32, "batch": 8}, 8, 1e6, samples=samples, each=[0.1]),
            Cell("g", "lightning", "fp32", "train", {"width": 32, "batch": 8}, 8, status="not installed"),
        ],
        left_out=["width 512, batch 4096"],
        summary=[{"group": "g", "ratio": None}],
    )


def test_written_and_read(tmp_path: Path) -> None:
    path = tmp_path / "train.json"
    write_result(path, result())
    assert read_result(path).to_dict() == json.loads(path.read_text()) == json.loads(json.dumps(result().to_dict()))
    again = read_result(path)
    assert again.cells[0].samples == result().cells[0].samples
    assert again.cells[0].seconds("cpu") == {0: 0.25 / 3, 1: 0.35 / 3}
    assert not again.cells[1].measured


@pytest.mark.parametrize("text", ["{", "[]", '{"schema": 0}'])
def test_a_file_that_is_no_result(tmp_path: Path, text: str) -> None:
    path = tmp_path / "train.json"
    with pytest.raises(UserError, match="cannot read"):
        read_result(path)
    path.write_text(text)
    with pytest.raises(UserError, match=str(path)):
        read_result(path)


def test_the_machine_is_described() -> None:
    machine = describe_machine()
    assert machine["processor"]
    assert 1 <= machine["available_cores"] <= machine["cores"]
    assert machine["thread_settings"]["OMP_NUM_THREADS"] == "1"
