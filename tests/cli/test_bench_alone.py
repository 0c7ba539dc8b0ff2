"""`longhand bench` where there are no peers: data, sweeps, scaling, and a peer that is not installed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from longhand.bench.result import read_result
from longhand.cli.main import main


def bench(*words: object) -> int:
    return main(["bench", *map(str, words)])


@pytest.mark.parametrize("kind", ["data", "sweep", "scaling"])
def test_the_kinds_without_peers(tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str) -> None:
    assert bench(kind, "--quick", "--clock", "cpu", "--output-dir", tmp_path) == 0
    result = read_result(tmp_path / f"{kind}.json")
    assert result.clock == "cpu"
    assert all(cell.measured for cell in result.cells)
    printed = capsys.readouterr().out
    assert ("predicted" if kind == "scaling" else "problems/s") in printed
    if kind == "scaling":
        assert {curve["name"] for curve in result.summary} == {
            "width", "layers", "batch", "tokens per row", "problems swept"
        }  # fmt: skip
        assert (tmp_path / "scaling.png").exists()


def test_a_missing_package_is_a_row(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # A folder that is found before the real one and says that it is not there.
    hidden = tmp_path / "hidden" / "lightning"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text("raise ModuleNotFoundError('No module', name='lightning')\n")
    monkeypatch.setenv("PYTHONPATH", f"{hidden.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    assert bench("train", "--quick", "--against", "lightning", "--output-dir", tmp_path) == 0
    assert "not installed: pip install longhand[bench]" in capsys.readouterr().out
    statuses = {cell.contender: cell.measured for cell in read_result(tmp_path / "train.json").cells}
    assert statuses["longhand"]
    assert not statuses["lightning"]
