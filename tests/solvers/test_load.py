from __future__ import annotations

from pathlib import Path

import pytest
import torch

import longhand
from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.runs.checkpoint import Checkpoint, save_checkpoint
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.load import load
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

FORMAT = Format(operand_width=2, answer_width=3, reverse_answer=True)
DOMAIN = Domain(max_operand=99)
PROMPTS = ["1+1=", "99-9", "What is 12 + 34?"]


@pytest.fixture
def saved(tmp_path: Path) -> tuple[Path, AutoregressiveSolver]:
    config = ModelConfig(name="llama2", d_model=16, n_heads=2, n_layers=2, max_seq_len=16, init_std=0.5)
    words = vocabulary("mini18")
    model = build_model(config, len(words), seed=1)
    checkpoint = Checkpoint(
        model=config.model_dump(mode="json"),
        weights={name: weight.numpy() for name, weight in model.state_dict().items()},
        vocabulary=words,
        format=FORMAT,
        domain=DOMAIN,
    )
    save_checkpoint(tmp_path / "run" / "model", checkpoint)
    return tmp_path / "run", AutoregressiveSolver(model, words, FORMAT, DOMAIN)


def test_a_loaded_solver_is_the_one_that_was_saved(saved: tuple[Path, AutoregressiveSolver]) -> None:
    path, original = saved
    for place in (path, path / "model", str(path)):
        solver = load(place)
        assert (solver.domain, solver.format, solver.vocabulary) == (DOMAIN, FORMAT, original.vocabulary)
        for one, other in zip(solver.solve(PROMPTS), original.solve(PROMPTS), strict=True):
            assert (one.token_ids, one.logprobs, one.answer) == (other.token_ids, other.logprobs, other.answer)


def test_the_package_loads_it_too(saved: tuple[Path, AutoregressiveSolver]) -> None:
    assert isinstance(longhand.load(saved[0]), longhand.Solver)


def test_weights_are_float32_unless_asked_otherwise(saved: tuple[Path, AutoregressiveSolver]) -> None:
    assert {p.dtype for p in load(saved[0]).model.parameters()} == {torch.float32}
    half = load(saved[0], dtype=torch.bfloat16)
    assert {p.dtype for p in half.model.parameters()} == {torch.bfloat16}
    assert len(half.solve(PROMPTS)) == len(PROMPTS)


def test_threads_are_set_when_asked(saved: tuple[Path, AutoregressiveSolver]) -> None:
    before = torch.get_num_threads()
    try:
        load(saved[0], threads=2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_edited_weights_are_refused(saved: tuple[Path, AutoregressiveSolver]) -> None:
    weights = saved[0] / "model" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.safetensors was changed after it was written"):
        load(saved[0])


def test_a_device_that_is_not_there_is_one_line(saved: tuple[Path, AutoregressiveSolver]) -> None:
    with pytest.raises(UserError, match="cannot put the model on device 'cuda:99'") as caught:
        load(saved[0], device="cuda:99")
    assert "\n" not in str(caught.value)


def test_a_place_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere"):
        load(tmp_path / "nowhere")
    with pytest.raises(UserError, match="is not a longhand checkpoint"):
        load(tmp_path)
