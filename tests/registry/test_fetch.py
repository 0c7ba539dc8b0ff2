"""A version comes to this machine as it was pushed, or not at all."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from pathlib import Path

import pytest
from tests.registry.conftest import Checkpoints, Spoil, bytes_of, flipped, on_both

import longhand
from longhand.errors import UserError
from longhand.registry.aliases import promote, resolve
from longhand.registry.contents import sha256
from longhand.registry.fetch import fetch, keep, pull
from longhand.registry.find import find_model
from longhand.registry.push import push
from longhand.registry.store import Store
from longhand.registry.version import DamagedError
from longhand.runs.manifest import MANIFEST


@pytest.fixture
def one(store: Store, checkpoints: Checkpoints) -> Store:
    """A registry with one version in production."""
    push(store, checkpoints(1), "add")
    promote(store, "add", 1)
    return store


def left(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


@on_both
def test_a_version_is_kept_under_its_hash_and_fetched_once(one: Store, cache: Path, spoil: Spoil) -> None:
    target = resolve(one, "add@production")
    path = fetch(one, "add@production")
    assert path == cache / target.sha256
    assert left(cache) == [target.sha256]
    spoil("add/versions/1/model.safetensors", None)
    assert fetch(one, target) == fetch(one, "add:1") == path


def test_a_damaged_file_in_the_cache_is_fetched_again(one: Store, checkpoints: Checkpoints) -> None:
    path = fetch(one, "add:1")
    for name, content in {"config.json": b"{}", MANIFEST: b"{}", "model.safetensors": None}.items():
        if content is None:
            (path / name).unlink()
        else:
            (path / name).write_bytes(content)
        assert fetch(one, "add:1") == path
        assert bytes_of(path) == bytes_of(checkpoints(1))


@on_both
def test_a_byte_that_changed_in_the_store_is_refused_in_one_line(one: Store, cache: Path, spoil: Spoil) -> None:
    for name in ("model.safetensors", MANIFEST):
        path = f"add/versions/1/{name}"
        original = one.read(path)
        for content in (flipped(original), original[:-1], original + b"\n", None):
            spoil(path, content)
            for reference in ("add@production", "add:1"):
                with pytest.raises(DamagedError, match=rf"^add:1 .* is damaged and not used: {name}") as refused:
                    fetch(one, reference)
                assert "\n" not in str(refused.value)
            assert left(cache) == []
        spoil(path, original)
    fetch(one, "add:1")


def forge(store: Store, spoil: Spoil, name: str, content: bytes = b"evil") -> None:
    """Let the manifest of add:1 list another file, and all hashes agree, as somebody would who can write the store."""
    manifest = json.loads(store.read("add/versions/1/manifest.json"))
    manifest["files"][name] = {"bytes": len(content), "sha256": sha256(content)}
    forged = json.dumps(manifest).encode()
    record = json.loads(store.read("add/versions/1/version.json"))
    spoil("add/versions/1/manifest.json", forged)
    spoil("add/versions/1/version.json", json.dumps({**record, "sha256": sha256(forged)}).encode())


@pytest.mark.parametrize(
    "name",
    ["../evil", "..", ".", "", "/tmp/evil", "a/../../evil", "a/b", "C:evil", "a\\b", ".hidden", "a\nb", "a\x00b",
     "manifest.json", "version.json", "x" * 201],
)  # fmt: skip
def test_a_file_name_that_could_lead_elsewhere_is_refused(
    store: Store, checkpoints: Checkpoints, spoil: Spoil, name: str, cache: Path, tmp_path: Path
) -> None:
    push(store, checkpoints(1), "add")
    forge(store, spoil, name)
    before = sorted(path for path in tmp_path.rglob("*") if "registry" not in path.parts[-6:])
    with pytest.raises(DamagedError, match="no plain name of a file"):
        fetch(store, "add:1")
    assert left(cache) == []
    assert sorted(path for path in tmp_path.rglob("*") if "registry" not in path.parts[-6:]) == before


def test_another_checkpoint_in_the_place_of_the_promoted_one_is_refused(one: Store, spoil: Spoil, cache: Path) -> None:
    forge(one, spoil, "more.txt")
    spoil("add/versions/1/more.txt", b"evil")
    with pytest.raises(DamagedError, match="is what was promoted"):
        fetch(one, "add@production")
    assert left(cache) == []


@pytest.mark.parametrize("change", [{"sha256": "../../evil"}, {"name": "sub"}, {"version": 2}, {"format_version": 2}])
def test_a_record_that_is_none_of_this_version_is_refused(one: Store, spoil: Spoil, change: dict[str, object]) -> None:
    record = json.loads(one.read("add/versions/1/version.json"))
    spoil("add/versions/1/version.json", json.dumps({**record, **change}).encode())
    with pytest.raises(DamagedError, match=r"version\.json"):
        fetch(one, "add:1")


def test_pull_writes_into_a_new_directory_only(one: Store, tmp_path: Path) -> None:
    (tmp_path / "used").mkdir()
    pull(one, "add@production", tmp_path / "used")
    with pytest.raises(UserError, match="is not empty"):
        pull(one, "add@production", tmp_path / "used")
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is not empty"):
        pull(one, "add@production", tmp_path / "file")


def test_a_cache_that_cannot_be_written_is_one_line(
    one: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("LONGHAND_CACHE", str(tmp_path / "file"))
    with pytest.raises(UserError, match="LONGHAND_CACHE names another place"):
        fetch(one, "add:1")


def _keep(files: dict[str, bytes]) -> Path:
    return keep(files)


def test_several_processes_may_keep_the_same_version_at_once(checkpoints: Checkpoints, cache: Path) -> None:
    files = bytes_of(checkpoints(1))
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        (path,) = set(pool.map(_keep, [files] * 8, chunksize=1))
    assert bytes_of(path) == files
    assert left(cache) == [path.name]


def test_a_model_is_found_by_path_by_version_and_by_shipped_name(
    root: str, one: Store, checkpoints: Checkpoints, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LONGHAND_REGISTRY", root)
    assert find_model("add@production") == find_model("add:1") == fetch(one, "add:1")
    assert longhand.load("add@production").solve(["951+11="])[0].answer == "962"
    assert find_model("certified-add-3").is_dir()
    shutil.copytree(checkpoints(2), tmp_path / "add@production")
    assert find_model("add@production") == Path("add@production")  # what lies here goes before
    with pytest.raises(UserError, match="no version 7"):
        find_model("add:7")
    with pytest.raises(UserError, match="no model at Add@production"):
        find_model("Add@production")
