"""The real MLflow, with its registry in SQLite, keeps our checkpoints and gives them back byte for byte."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.engine import Engine
from tests.registry.conftest import bytes_of, flipped

import longhand
from longhand.errors import UserError
from longhand.integrations.mlflow import ARTIFACTS, TAG, MlflowRegistry
from longhand.registry.version import DamagedError
from longhand.shipped import model_path

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*noload.*:DeprecationWarning"),  # MLflow's own use of SQLAlchemy
]

MODEL, OTHER = model_path("certified-add-3"), model_path("mathqa-numpy")


@pytest.fixture(scope="module")
def unsynchronised() -> Iterator[None]:
    """SQLite does not wait for the disk, which it otherwise does hundreds of times while MLflow makes its tables."""

    def do_not_wait(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(Engine, "connect", do_not_wait)
    yield
    event.remove(Engine, "connect", do_not_wait)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory, unsynchronised: None) -> MlflowRegistry:
    """One for all tests, each of which uses a name of its own: to make its tables takes seconds."""
    home = tmp_path_factory.mktemp("mlflow")
    made = MlflowRegistry(f"sqlite:///{home / 'mlflow.db'}")
    made.client.create_experiment("longhand", artifact_location=(home / "artifacts").as_uri())
    return made


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LONGHAND_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache" / "registry"


def artifacts(registry: MlflowRegistry, name: str, version: int) -> Path:
    """Where MLflow keeps the files of a version."""
    return Path(registry.client.get_model_version(name, str(version)).source.removeprefix("file://"))


def test_a_checkpoint_is_a_version_by_number_and_by_alias(registry: MlflowRegistry) -> None:
    first = registry.push(MODEL, "add", alias="production", note="the first")
    second = registry.push(OTHER, "add")
    assert (first.version, second.version) == (1, 2)
    assert registry.resolve("add@production") == registry.resolve("add:1") == first
    assert bytes_of(registry.fetch("add@production")) == bytes_of(MODEL)
    registry.promote("add", 2)
    assert registry.resolve("add@production") == second
    assert bytes_of(registry.fetch("add@production")) == bytes_of(OTHER)
    assert longhand.load(registry.fetch("add:1")).solve(["951+11="])[0].answer == "962"


def test_the_same_checkpoint_is_the_same_version(registry: MlflowRegistry) -> None:
    assert registry.push(MODEL, "twice") == registry.push(MODEL, "twice", alias="staging")
    assert registry.resolve("twice@staging").version == 1


def test_mlflow_itself_shows_what_the_model_is(registry: MlflowRegistry) -> None:
    registry.push(MODEL, "shown", note="a remark")
    shown = registry.client.get_model_version("shown", "1")
    assert shown.description == "a remark"
    assert shown.tags["longhand.parameters"] == "13368"
    assert shown.tags["longhand.claim"].startswith("for all whole numbers")
    run = registry.client.get_run(shown.run_id)
    assert run.data.metrics["val_exact_match"] == 1.0
    assert {item.path for item in registry.client.list_artifacts(shown.run_id, ARTIFACTS)} == {
        f"{ARTIFACTS}/{path.name}" for path in MODEL.iterdir()
    }


@pytest.mark.parametrize("spoil", [flipped, lambda content: content[:-1], None])
def test_a_file_that_changed_is_refused_and_not_kept(
    registry: MlflowRegistry, cache: Path, spoil: Callable[[bytes], bytes] | None
) -> None:
    target = registry.push(OTHER, "damaged")
    file = artifacts(registry, "damaged", 1) / "model.safetensors"
    original = file.read_bytes()
    if spoil is None:
        file.unlink()
    else:
        file.write_bytes(spoil(original))
    with pytest.raises(DamagedError, match=r"damaged:1 in MLflow is damaged and not used: model\.safetensors"):
        registry.fetch(target)
    assert not cache.exists()
    file.write_bytes(original)


def test_what_is_not_there_or_not_ours_is_one_line(registry: MlflowRegistry, cache: Path) -> None:
    registry.push(MODEL, "some")
    registry.client.create_registered_model("foreign")
    registry.client.create_model_version("foreign", "file:///nowhere", tags={TAG: "../../evil"})
    for reference, message in {
        "nothing@production": "nothing",
        "nothing:1": "nothing",
        "some@production": "production",
        "some:9": "9",
        "some": "names no version",
        "foreign:1": "no model of longhand",
    }.items():
        with pytest.raises(UserError, match=message) as refused:
            registry.fetch(reference)
        assert "\n" not in str(refused.value)
    with pytest.raises(UserError, match="9"):
        registry.promote("some", 9)
    with pytest.raises(UserError, match="no model at nowhere"):
        registry.push("nowhere", "some")
    with pytest.raises(UserError, match="cannot be the name"):
        registry.push(MODEL, "Some model")
    assert not cache.exists()


def test_without_mlflow_its_install_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("mlflow.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mlflow", None)
    monkeypatch.delitem(sys.modules, "longhand.integrations.mlflow")
    with pytest.raises(UserError, match=r"needs mlflow.*, which is not installed: pip install 'longhand\[mlflow\]'"):
        __import__("longhand.integrations.mlflow")
