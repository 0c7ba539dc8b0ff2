"""Files and directories appear whole or not at all."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from longhand.atomic import create_file, replacing_directory, replacing_file, write_json, write_text
from longhand.errors import UserError


def test_a_file_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    write_text(path, "old")
    with pytest.raises(RuntimeError), replacing_file(path) as temporary:  # noqa: PT012
        temporary.write_text("half of the n")
        raise RuntimeError("interrupted")
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.txt"]


def test_a_directory_that_fails_half_way_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    with replacing_directory(path) as temporary:
        (temporary / "a").write_text("old")
    with pytest.raises(KeyboardInterrupt), replacing_directory(path) as temporary:  # noqa: PT012
        (temporary / "b").write_text("new")
        raise KeyboardInterrupt
    assert [entry.name for entry in path.iterdir()] == ["a"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["directory"]


def test_a_finished_directory_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "directory"
    for name in ("a", "b"):
        with replacing_directory(path) as temporary:
            (temporary / name).write_text(name)
    assert [entry.name for entry in path.iterdir()] == ["b"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["directory"]


def test_text_keeps_its_line_ends_and_the_users_permissions(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "file", "a\r\nb\n")
    finally:
        os.umask(before)
    assert (tmp_path / "file").read_bytes() == b"a\r\nb\n"
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_a_new_file_is_never_written_over_an_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = os.umask(0o027)
    try:
        create_file(tmp_path / "folder" / "file", b"one")
    finally:
        os.umask(before)
    with pytest.raises(FileExistsError):
        create_file(tmp_path / "folder" / "file", b"two")
    assert (tmp_path / "folder" / "file").read_bytes() == b"one"
    assert stat.S_IMODE((tmp_path / "folder" / "file").stat().st_mode) == 0o640

    def interrupt(self: Path, target: Path) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "hardlink_to", interrupt)
    with pytest.raises(KeyboardInterrupt):
        create_file(tmp_path / "folder" / "other", b"one")
    assert [entry.name for entry in (tmp_path / "folder").iterdir()] == ["file"]


def test_json_without_a_meaning_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file.json", {"loss": float("nan")})
    assert list(tmp_path.iterdir()) == []
    write_json(tmp_path / "file.json", {"minus": "−"})
    assert json.loads((tmp_path / "file.json").read_text(encoding="utf-8")) == {"minus": "−"}


def test_a_folder_that_cannot_be_written_is_the_users_to_put_right(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        write_text(tmp_path / "file" / "inside", "text")
    with pytest.raises(UserError, match="cannot write"):
        create_file(tmp_path / "file" / "inside", b"")
    with pytest.raises(UserError, match="cannot write"), replacing_directory(tmp_path / "file" / "inside"):
        pass
