"""Making a data set: a folder that appears whole, and never over somebody's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from longhand.data import make
from longhand.data.make import make_dataset
from longhand.data.manifest import MANIFEST, read_manifest
from longhand.data.profiles.mini import MiniOptions
from longhand.data.profiles.poc import PocOptions
from longhand.errors import UserError

SMALL = MiniOptions(n_samples=20)


def test_the_summary_is_the_manifest(tmp_path: Path) -> None:
    summary = make_dataset("mini", tmp_path / "d", SMALL)
    manifest = read_manifest(tmp_path / "d")
    assert manifest is not None
    assert summary == manifest.model_dump(mode="json")
    assert sorted(file.name for file in (tmp_path / "d").iterdir()) == sorted([*summary["files"], MANIFEST])


def test_options_may_be_given_as_a_mapping(tmp_path: Path) -> None:
    given = make_dataset("mini", tmp_path / "a", {"n_samples": 20})
    assert given == make_dataset("mini", tmp_path / "b", SMALL)


def test_another_shape_has_the_same_rows(tmp_path: Path) -> None:
    summary = make_dataset("mini", tmp_path / "d", SMALL, "csv")
    assert {name: entry["rows"] for name, entry in summary["files"].items()} == {
        "train.csv": 16,
        "val.csv": 2,
        "test.csv": 2,
    }


def test_an_empty_folder_is_free_and_a_used_one_is_not(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    make_dataset("mini", tmp_path / "d", SMALL)
    before = (tmp_path / "d" / "train.jsonl").read_bytes()
    with pytest.raises(UserError, match="is not empty; choose another folder, or add --overwrite"):
        make_dataset("mini", tmp_path / "d", {"n_samples": 20, "seed": 1})
    assert (tmp_path / "d" / "train.jsonl").read_bytes() == before
    make_dataset("mini", tmp_path / "d", {"n_samples": 20, "seed": 1}, "csv", overwrite=True)
    assert sorted(file.suffix for file in (tmp_path / "d").iterdir()) == [".csv", ".csv", ".csv", ".json"]


def test_overwriting_never_removes_what_no_manifest_lists(tmp_path: Path) -> None:
    make_dataset("mini", tmp_path / "d", SMALL)
    (tmp_path / "d" / "notes.md").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.md"):
        make_dataset("mini", tmp_path / "d", SMALL, overwrite=True)
    foreign = tmp_path / "photos"
    foreign.mkdir()
    (foreign / "train.csv").write_text("mine")
    with pytest.raises(UserError, match=r"train\.csv"):
        make_dataset("mini", foreign, SMALL, overwrite=True)
    assert (foreign / "train.csv").read_text() == "mine"


def test_the_current_folder_is_never_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for path in (".", ".."):
        with pytest.raises(UserError, match="a folder of its own"):
            make_dataset("mini", path, SMALL, overwrite=True)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interruption_leaves_nothing_and_the_old_data_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, interruption: Any
) -> None:
    make_dataset("mini", tmp_path / "old", SMALL)
    before = {file.name: file.read_bytes() for file in (tmp_path / "old").iterdir()}

    def interrupted(*_: object) -> None:
        raise interruption

    monkeypatch.setattr(make, "write_manifest", interrupted)
    expected = KeyboardInterrupt if interruption is KeyboardInterrupt else UserError
    for name in ("old", "new"):
        with pytest.raises(expected):
            make_dataset("mini", tmp_path / name, {"n_samples": 30}, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["old"]
    assert {file.name: file.read_bytes() for file in (tmp_path / "old").iterdir()} == before


def test_a_place_that_cannot_be_written_gets_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file"):
        make_dataset("mini", tmp_path / "file", SMALL)
    with pytest.raises(UserError, match="cannot write"):
        make_dataset("mini", tmp_path / "file" / "below", SMALL)


@pytest.mark.parametrize(
    ("profile", "options", "message"),
    [
        ("mimi", {}, "did you mean mini"),
        ("xyz", {}, "known are poc, mini"),
        ("mini", {"n_sample": 3}, "n_sample"),
        ("mini", {"n_samples": 0}, "n_samples 0"),
        ("mini", {"n_samples": "many"}, "n_samples 'many'"),
        ("mini", {"ops": ["^"]}, "ops"),
        ("mini", {"min": 5, "max": 4}, "min 5 is above max 4"),
        ("mini", {"train_ratio": 0.9, "val_ratio": 0.2}, "not shares of one whole"),
        ("mini", PocOptions(), "takes MiniOptions"),
    ],
)
def test_impossible_requests_are_refused_before_anything_is_written(
    tmp_path: Path, profile: str, options: Any, message: str
) -> None:
    with pytest.raises(UserError, match=message):
        make_dataset(profile, tmp_path / "d", options)
    assert list(tmp_path.iterdir()) == []


def test_a_split_without_rows_has_no_file_and_a_warning(tmp_path: Path) -> None:
    summary = make_dataset("mini", tmp_path / "d", {"n_samples": 3, "val_ratio": 0.0})
    assert list(summary["files"]) == ["train.jsonl", "test.jsonl"]
    assert summary["warnings"] == ["val has no rows and no file"]
