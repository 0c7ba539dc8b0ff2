"""Configurations of MiniLanguageModels load as they are, and every one of their keys acts."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.training.mini_yaml import PARTS, of_its_document, of_its_files

from longhand.errors import UserError
from longhand.models.build import build_model
from longhand.models.norms import RMSNorm
from longhand.shipped import config_path
from longhand.training.run_config import RunConfig, load_run_config

NAMES = list(PARTS)


def loaded(tmp_path: Path, text: str, **overrides: str) -> RunConfig:
    (tmp_path / "its.yaml").write_text(text)
    return load_run_config(tmp_path / "its.yaml", {key.replace("__", "."): v for key, v in overrides.items()})


@pytest.mark.row("S4-C1")
@pytest.mark.parametrize("name", NAMES)
def test_its_files_with_a_data_directory_are_the_configurations_shipped_here(tmp_path: Path, name: str) -> None:
    shipped = load_run_config(config_path(name), {"data.path": "d"})
    assert loaded(tmp_path, of_its_files(name), data__path="d") == shipped


@pytest.mark.row("S4-C1")
@pytest.mark.parametrize("name", NAMES)
def test_its_documented_values_load_and_are_those_of_the_model(tmp_path: Path, name: str) -> None:
    config = loaded(tmp_path, of_its_document(name), data__path="d")
    model, training = config.model, config.training
    assert (model.d_model, model.n_heads, model.n_layers, model.d_ff) == (128, 4, 4, 512)
    assert (model.max_seq_len, model.dropout, model.tie_weights) == (64, 0.1, True)
    assert {key: getattr(model, key) for key in PARTS[name]} == PARTS[name]
    assert (training.val_check_interval, training.max_steps, training.learning_rate) == (0.25, 10_000, 3e-4)
    assert (config.vocabulary, config.format.begin) == ("mini18", True)
    assert (config.data.source, config.data.path, config.data.loss) == ("files", "d", "answer")


@pytest.mark.row("S4-C1")
@pytest.mark.bug("S4-2")
@pytest.mark.parametrize(
    ("key", "value", "kept", "gone"),
    [
        ("norm", "rmsnorm", "blocks.0.attention_norm.weight", "blocks.0.attention_norm.bias"),
        ("mlp", "swiglu", "blocks.0.mlp.gate.weight", None),
        ("pos_encoding", "rope", "embedding.weight", "positions.weight"),
    ],
)
def test_norm_mlp_and_pos_encoding_act(tmp_path: Path, key: str, value: str, kept: str, gone: str | None) -> None:
    usual = build_model(loaded(tmp_path, of_its_document("gpt2"), data__path="d").model, 18)
    changed = build_model(loaded(tmp_path, of_its_document("gpt2", **{key: value}), data__path="d").model, 18)
    before, after = usual.state_dict().keys(), changed.state_dict().keys()
    assert before != after
    assert kept in after
    assert gone is None or gone in before - after
    assert isinstance(changed.norm, RMSNorm) == (key == "norm")


def test_a_key_of_experts_is_refused_where_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"model\.top_k.* mlp: gelu; remove it"):
        loaded(tmp_path, of_its_document("gpt2", top_k=2), data__path="d")


def test_two_sections_without_files_are_a_run_on_our_own_problems(tmp_path: Path) -> None:
    config = loaded(tmp_path, "model: {d_model: 32}\ntraining: {max_steps: 3}\n", training__max_steps="4")
    assert (config.data.source, config.vocabulary, config.training.save_top_k) == ("stream", "unified", 1)


def test_what_a_file_says_itself_is_not_decided_for_it(tmp_path: Path) -> None:
    text = "model: {}\ntraining: {save_top_k: 3}\n"
    config = loaded(tmp_path, text, data__path="d", data__loss="full")
    assert (config.training.save_top_k, config.data.loss, config.vocabulary) == (3, "full", "mini18")
    with pytest.raises(UserError, match=r"data\.path 'd' has no effect with data\.source: stream"):
        loaded(tmp_path, text + "vocabulary: unified\n", data__path="d")


def test_mistakes_in_its_files_are_named_by_file_and_key(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"its\.yaml: unknown key training\.learning_rat; did you mean"):
        loaded(tmp_path, "training: {learning_rat: 1}\n", data__path="d")
