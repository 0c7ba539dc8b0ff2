"""Configurations and models that come with longhand are found by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest

from longhand.data.make import make_dataset
from longhand.errors import UserError
from longhand.shipped import config_path, model_path, shipped_names
from longhand.solvers.load import load
from longhand.training.run_config import RunConfig, dump_run_config, load_run_config
from longhand.training.start import start_training


def test_a_path_that_exists_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo.yaml").write_text("")
    monkeypatch.chdir(tmp_path)
    assert config_path("demo.yaml") == Path("demo.yaml")
    assert model_path("demo") == Path("demo")


def test_names_are_found_with_and_without_folder_and_suffix(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # where there is no configs/ folder
    found = config_path("demo")
    assert found.is_file()
    assert config_path("demo.yaml") == config_path("configs/demo.yaml") == config_path("configs/demo") == found


def test_a_name_that_is_not_shipped_lists_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"shipped: .*demo.*gpt2"):
        config_path("no-such-config")
    with pytest.raises(UserError, match="no model at"):
        model_path(tmp_path / "demo")


@pytest.mark.parametrize("name", shipped_names("configs"))
def test_every_shipped_configuration_is_valid_and_survives_being_saved(name: str, tmp_path: Path) -> None:
    config = load_run_config(config_path(name))
    (tmp_path / "resolved.yaml").write_text(dump_run_config(config))
    assert load_run_config(tmp_path / "resolved.yaml") == config
    assert RunConfig.from_dict(config.to_dict()) == config


SMALL = {"mini": {"n_samples": 60}, "mathqa": {"n": 400}, "think": {"num_examples": 60}, "poc": {}}


@pytest.fixture(scope="module")
def data_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A small data set of a profile."""

    @cache
    def make(profile: str) -> Path:
        out = tmp_path_factory.mktemp("data") / profile
        make_dataset(profile, out, SMALL[profile])
        return out

    return make


@pytest.mark.parametrize("name", shipped_names("configs"))
def test_every_shipped_configuration_trains(name: str, tmp_path: Path, data_of: Callable[[str], Path]) -> None:
    config = load_run_config(config_path(name))
    overrides = {"training.max_steps": "2", "training.batch_size": "16", "training.eval_samples": "20"}
    if config.training.warmup_steps:
        overrides["training.warmup_steps"] = "1"
    if config.training.schedule_unit == "epoch":  # two steps are not one epoch
        overrides |= {"training.schedule_unit": "step", "training.flat_epochs": "0"}
        overrides |= {"training.warmup_epochs": "0", "training.warmup_start_ratio": "0"}
    if config.model.d_model > 128:
        overrides["model.d_model"] = "64"
    if config.data.source == "files":
        assert config.data.path is not None
        overrides["data.path"] = str(data_of(Path(config.data.path).name))  # data/mini holds what profile mini writes
    result = start_training(load_run_config(config_path(name), overrides), tmp_path / "run")
    assert result.steps == 2
    operator = "+" if config.data.domain is None else config.data.domain.operators[0]
    assert len(load(tmp_path / "run").solve([f"3{operator}4="], max_new_tokens=8)) == 1
