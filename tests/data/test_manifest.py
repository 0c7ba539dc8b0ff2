"""A manifest says how data were made, and notices when they change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from longhand.data.make import make_dataset
from longhand.data.manifest import MANIFEST, changed_files, read_manifest, sha256_of
from longhand.errors import UserError
from longhand.version import __version__


@pytest.fixture
def made(tmp_path: Path) -> Path:
    make_dataset("mini", tmp_path / "d", {"n_samples": 20, "seed": 3})
    return tmp_path / "d"


def test_a_manifest_has_everything_needed_to_make_the_data_again(made: Path, tmp_path: Path) -> None:
    manifest = read_manifest(made)
    assert manifest is not None
    assert (manifest.profile, manifest.seed, manifest.shape) == ("mini", 3, "jsonl")
    assert manifest.longhand_version == __version__
    assert {name: entry.rows for name, entry in manifest.files.items()} == {
        "train.jsonl": 16,
        "val.jsonl": 2,
        "test.jsonl": 2,
    }
    make_dataset(manifest.profile, tmp_path / "again", manifest.options, "jsonl")
    assert read_manifest(tmp_path / "again") == manifest
    assert sha256_of(tmp_path / "again" / "train.jsonl") == manifest.files["train.jsonl"].sha256


def test_edited_and_missing_files_are_noticed(made: Path) -> None:
    manifest = read_manifest(made)
    assert manifest is not None
    assert changed_files(made, manifest) == []
    (made / "val.jsonl").unlink()
    with (made / "train.jsonl").open("a") as file:
        file.write("\n")
    assert changed_files(made, manifest) == ["train.jsonl", "val.jsonl"]


def test_a_manifest_of_another_program_is_none_of_ours(tmp_path: Path) -> None:
    assert read_manifest(tmp_path) is None
    (tmp_path / MANIFEST).write_text('{"name": "app", "icons": []}')
    assert read_manifest(tmp_path) is None
    (tmp_path / MANIFEST).write_text("[]")
    assert read_manifest(tmp_path) is None


def test_a_broken_manifest_of_ours_gets_one_line(made: Path) -> None:
    content = json.loads((made / MANIFEST).read_text())
    (made / MANIFEST).write_text(json.dumps({**content, "shape": 7}))
    with pytest.raises(UserError, match="shape"):
        read_manifest(made)
    (made / MANIFEST).write_text(json.dumps(content)[:-5])
    with pytest.raises(UserError, match="is not JSON"):
        read_manifest(made)
