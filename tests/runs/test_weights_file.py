"""Weights are found as a directory or as a file, in safetensors or as torch saves them, and no code is run."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from longhand.errors import UserError
from longhand.runs.checkpoint import Checkpoint, load_checkpoint
from longhand.runs.weights_file import SAFETENSORS, TORCH, read_weights, write_torch_weights
from longhand.shipped import model_path

SHIPPED = "add-sub-3"

LAYOUTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "bare": lambda state: state,
    "model_state_dict": lambda state: {"epoch": 3, "model_state_dict": state},
    "state_dict": lambda state: {"state_dict": state, "optimizer": {"lr": 0.1}},
}


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A copy of the shipped model."""
    return Path(shutil.copytree(model_path(SHIPPED), tmp_path / "model"))


def same(one: Checkpoint, other: Checkpoint) -> bool:
    assert one.weights.keys() == other.weights.keys()
    return all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)


@pytest.mark.row("S0-B14", "S0-B21")
@pytest.mark.parametrize("layout", LAYOUTS)
def test_weights_in_every_layout_of_torch_are_those_in_safetensors(model: Path, layout: str) -> None:
    wanted = load_checkpoint(model)
    state = {name: torch.from_numpy(array.copy()) for name, array in wanted.weights.items()}
    torch.save(LAYOUTS[layout](state), model / TORCH)
    assert same(load_checkpoint(model / TORCH), wanted)
    (model / SAFETENSORS).unlink()
    assert same(load_checkpoint(model), wanted)


@pytest.mark.row("S0-O1", "S0-B21")
def test_what_is_written_for_torch_is_a_bare_state_dict_without_code(model: Path) -> None:
    wanted = load_checkpoint(model)
    write_torch_weights(model / TORCH, wanted.weights)
    state = torch.load(model / TORCH, weights_only=True)
    assert set(state) == set(wanted.weights)
    assert same(load_checkpoint(model / TORCH), wanted)
    wanted.build_model().load_state_dict(state)
    assert same(load_checkpoint(model), wanted), "a file that the manifest does not list is nobody's concern"


@pytest.mark.row("S0-B14")
def test_a_file_is_described_by_the_configuration_beside_it_or_one_folder_up(model: Path, tmp_path: Path) -> None:
    wanted = load_checkpoint(model)
    (model / "best").mkdir()
    (model / SAFETENSORS).rename(model / "best" / SAFETENSORS)
    found = load_checkpoint(model / "best" / SAFETENSORS)
    assert same(found, wanted)
    assert found.metrics == {}, "what was measured of other weights is not theirs"
    lonely = tmp_path / "elsewhere" / SAFETENSORS
    lonely.parent.mkdir()
    (model / "best" / SAFETENSORS).rename(lonely)
    with pytest.raises(UserError, match=r"no config\.json found near .*elsewhere"):
        load_checkpoint(lonely)
    with pytest.raises(UserError, match=r"no model\.safetensors or pytorch_model\.bin found in .*model"):
        load_checkpoint(model)


@pytest.mark.row("S0-E1")
def test_the_weights_of_a_run_are_found_where_other_programs_write_them(model: Path, tmp_path: Path) -> None:
    assert model_path(tmp_path / SAFETENSORS) == model / SAFETENSORS
    with pytest.raises(UserError, match=r"no model at .*pytorch_model\.bin"):
        model_path(tmp_path / TORCH)


def test_its_own_weights_are_still_compared_with_the_manifest(model: Path) -> None:
    data = bytearray((model / SAFETENSORS).read_bytes())
    data[-1] ^= 1
    (model / SAFETENSORS).write_bytes(data)
    for path in (model, model / SAFETENSORS):
        with pytest.raises(UserError, match="was changed after it was written"):
            load_checkpoint(path)


class _Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, ("ran",))


@pytest.mark.row("S0-B21")
def test_a_file_that_holds_code_is_refused_and_the_code_is_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": {"weight": _Evil()}}, tmp_path / TORCH)
    with pytest.raises(UserError, match="holds more than weights, or is damaged"):
        read_weights(tmp_path / TORCH)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [{}, {"state_dict": {"a": 1}}, [torch.zeros(1)]], ids=str)
def test_a_file_of_torch_that_holds_no_weights_is_one_line(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / TORCH)
    with pytest.raises(UserError, match="holds no state dict"):
        read_weights(tmp_path / TORCH)


@pytest.mark.parametrize("name", [SAFETENSORS, TORCH])
def test_a_file_that_was_cut_off_is_one_line(model: Path, name: str) -> None:
    write_torch_weights(model / TORCH, load_checkpoint(model).weights)
    (model / "cut").mkdir()
    cut = model / "cut" / name
    cut.write_bytes((model / name).read_bytes()[:-100])
    with pytest.raises(UserError, match="is damaged"):
        load_checkpoint(cut)
