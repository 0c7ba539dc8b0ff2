from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.runs.checkpoint import (
    Checkpoint,
    copy_checkpoint,
    find_checkpoint,
    load_checkpoint,
    load_metrics,
    load_vocabulary,
    save_checkpoint,
)
from longhand.runs.manifest import check_files, listed_files, write_manifest
from longhand.text.formats import Format
from longhand.text.presets import vocabulary

MODEL = ModelConfig(d_model=8, n_heads=2, n_layers=1, d_ff=16, max_seq_len=12)


def make_checkpoint(name: str = "unified") -> Checkpoint:
    tokens = vocabulary(name)
    weights = build_model(MODEL, len(tokens), seed=1).state_dict()
    return Checkpoint(
        model=MODEL.model_dump(mode="json"),
        weights={key: value.numpy() for key, value in weights.items()},
        vocabulary=tokens,
        format=Format(reverse_answer=True, answer_width=3),
        domain=Domain(max_operand=99),
        metrics={"val_exact_match": 0.75},
        training={"steps": 12, "data": {"share": 0.2}, "config": {"model": {}}},
    )


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "c", make_checkpoint())
    return tmp_path / "c"


def edit(path: Path, **values: object) -> None:
    """Change a JSON file and make the manifest agree, as somebody would who knows what they do."""
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
    (path.parent / "manifest.json").unlink()
    write_manifest(path.parent)


def test_what_is_saved_is_loaded(saved: Path) -> None:
    original, loaded = make_checkpoint(), load_checkpoint(saved)
    assert replace(loaded, weights={}) == replace(original, weights={})
    assert loaded.weights.keys() == original.weights.keys()
    for name, array in original.weights.items():
        assert loaded.weights[name].dtype == array.dtype
        np.testing.assert_array_equal(loaded.weights[name], array)


def test_the_model_of_a_checkpoint_computes_what_the_original_did(saved: Path) -> None:
    ids = torch.arange(10)[None]
    original = build_model(MODEL, len(vocabulary("unified")), seed=1)
    assert torch.equal(load_checkpoint(saved).build_model()(ids), original(ids))


def test_the_directory_has_the_files_hugging_face_users_expect(saved: Path) -> None:
    names = {"README.md", "config.json", "generation_config.json", "metrics.json", "model.safetensors"}
    names |= {"tokenizer.json", "training.json"}
    assert set(listed_files(saved)) == names
    assert {path.name for path in saved.iterdir()} == names | {"manifest.json"}
    generation = json.loads((saved / "generation_config.json").read_text())
    # A completion is at most the sign-free three digits of 99+99 and the end mark.
    assert generation == {
        "do_sample": False, "max_new_tokens": 4, "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    }  # fmt: skip


def test_the_model_card_states_the_facts(saved: Path) -> None:
    card = (saved / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0\n")
    assert f"{make_checkpoint().num_parameters:,} parameters" in card
    assert "+ - on 2 operands from 0 to 99, without negative answers" in card
    assert "| val_exact_match | 0.75 |" in card
    assert "| share | 0.2 |" in card


def test_saving_again_replaces_the_whole_directory(saved: Path) -> None:
    (saved / "left_over.txt").write_text("")
    save_checkpoint(saved, replace(make_checkpoint("mini18"), metrics={}))
    assert load_vocabulary(saved).name == "mini18"
    assert not (saved / "left_over.txt").exists()
    assert [path.name for path in saved.parent.iterdir()] == ["c"]


def test_a_failed_save_leaves_the_old_checkpoint_and_nothing_else(saved: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "state.pt").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(UserError, match="No space left on device"):
        save_checkpoint(saved, make_checkpoint("mini18"), write_state=fail)
    assert load_vocabulary(saved).name == "unified"
    assert [path.name for path in saved.parent.iterdir()] == ["c"]


def test_a_copy_is_the_checkpoint_without_its_training_state(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    save_checkpoint(
        source, make_checkpoint(), write_state=lambda folder: (folder / "state.pt").write_text("x") and None
    )
    assert "training_state/state.pt" in listed_files(source)
    copy_checkpoint(source, target)
    check_files(target)
    assert load_metrics(target) == {"val_exact_match": 0.75}
    assert not (target / "training_state").exists()


def test_a_run_directory_stands_for_its_model(tmp_path: Path) -> None:
    for name in ("checkpoints/step_00000001", "checkpoints/step_00000002"):
        save_checkpoint(tmp_path / name, make_checkpoint())
    assert find_checkpoint(tmp_path) == tmp_path / "checkpoints" / "step_00000002"
    save_checkpoint(tmp_path / "model", make_checkpoint())
    assert find_checkpoint(tmp_path) == tmp_path / "model"


def truncate(directory: Path) -> None:
    path = directory / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def flip_a_bit(directory: Path) -> None:
    path = directory / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def reseal(directory: Path, content: bytes) -> None:
    (directory / "model.safetensors").write_bytes(content)
    (directory / "manifest.json").unlink()
    write_manifest(directory)


SPOILED: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing": (shutil.rmtree, "no checkpoint at .*: no such directory"),
    "empty": (lambda d: [p.unlink() for p in d.iterdir()], "not a longhand checkpoint: it has no config.json"),
    "truncated": (truncate, r"model.safetensors is truncated: [0-9,]+ of [0-9,]+ bytes"),
    "edited": (flip_a_bit, "model.safetensors was changed after it was written"),
    "incomplete": (lambda d: (d / "tokenizer.json").unlink(), "tokenizer.json is missing"),
    "without manifest": (lambda d: (d / "manifest.json").unlink(), "it has no manifest.json"),
    "damaged manifest": (lambda d: (d / "manifest.json").write_text('{"files": 3}'), "manifest.json is damaged"),
    "damaged config": (lambda d: (d / "config.json").write_text("{"), "config.json is damaged"),
    "foreign": (lambda d: edit(d / "config.json", model_type="llama"), "describes a model of type 'llama'"),
    "newer": (lambda d: edit(d / "config.json", format_version=2), "pip install --upgrade longhand"),
    "other vocabulary": (
        lambda d: edit(d / "tokenizer.json", **vocabulary("mini18").to_dict()),
        "tokenizer.json has 18 tokens, but the model was trained with 34",
    ),
    "no vocabulary": (lambda d: edit(d / "tokenizer.json", tokens=3), "tokenizer.json: the tokens of a vocabulary"),
    "no weights": (lambda d: reseal(d, b"not weights"), "model.safetensors is damaged"),
}  # fmt: skip


@pytest.mark.parametrize("spoil", SPOILED)
def test_a_spoiled_directory_is_refused_in_one_line(saved: Path, spoil: str) -> None:
    act, words = SPOILED[spoil]
    act(saved)
    with pytest.raises(UserError, match=words) as caught:
        load_checkpoint(saved)
    assert "\n" not in str(caught.value)
    assert saved.name in str(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda w: w.pop("norm.weight"), "lack norm.weight"),
        (lambda w: w.update(extra=np.zeros(1)), "have extra, which the model lacks"),
        (lambda w: w.update({"embedding.weight": np.zeros((3, 8))}), r"embedding.weight as \[3, 8\], the model as"),
    ],
)
def test_weights_of_another_model_are_refused_in_one_line(
    change: Callable[[dict[str, np.ndarray]], object], words: str
) -> None:
    checkpoint = make_checkpoint()
    weights = dict(checkpoint.weights)
    change(weights)
    with pytest.raises(UserError, match=words):
        replace(checkpoint, weights=weights).build_model()


def test_a_file_beside_the_checkpoint_is_nobodys_concern(saved: Path) -> None:
    (saved / "report.json").write_text("{}")
    load_checkpoint(saved)
    check_files(saved)
