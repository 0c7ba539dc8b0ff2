from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from longhand.errors import UserError
from longhand.runs.tracker import FileTracker, read_rows

COLUMNS = ("loss", "note")


def write(directory: Path, steps: range, resume_at: int | None = None) -> None:
    with FileTracker(directory, COLUMNS, resume_at=resume_at) as tracker:
        for step in steps:
            tracker.log(step, {"loss": step / 8, **({"note": 'a, "b"'} if step % 2 else {})})


def test_both_files_hold_every_row(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    rows = read_rows(tmp_path / "metrics.jsonl")
    assert rows == [
        {"step": 1, "loss": 0.125, "note": 'a, "b"'},
        {"step": 2, "loss": 0.25},
        {"step": 3, "loss": 0.375, "note": 'a, "b"'},
    ]
    with (tmp_path / "metrics.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert [{key: cell for key, cell in row.items() if cell} for row in table] == [
        {key: str(value) for key, value in row.items()} for row in rows
    ]


def test_a_row_is_on_the_disk_as_soon_as_it_is_logged(tmp_path: Path) -> None:
    tracker = FileTracker(tmp_path, COLUMNS)
    tracker.log(1, {"loss": 0.5})
    assert json.loads((tmp_path / "metrics.jsonl").read_text()) == {"step": 1, "loss": 0.5}
    assert (tmp_path / "metrics.csv").read_text() == "step,loss,note\n1,0.5,\n"
    tracker.close()


def test_resuming_leaves_the_files_an_uninterrupted_run_would_have_written(tmp_path: Path) -> None:
    write(tmp_path / "whole", range(1, 7))
    write(tmp_path / "parts", range(1, 6))
    with (tmp_path / "parts" / "metrics.jsonl").open("a") as file:
        file.write('{"step": 6, "lo')  # killed while it wrote
    write(tmp_path / "parts", range(4, 7), resume_at=3)
    for name in ("metrics.jsonl", "metrics.csv"):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_new_tracker_begins_anew(tmp_path: Path) -> None:
    write(tmp_path, range(1, 4))
    write(tmp_path, range(1, 2))
    assert len(read_rows(tmp_path / "metrics.jsonl")) == 1


def test_a_file_that_is_not_there_has_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "metrics.jsonl") == []


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    with FileTracker(tmp_path, COLUMNS) as tracker, pytest.raises(ValueError, match="not JSON compliant"):
        tracker.log(1, {"loss": float("nan")})


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot write"):
        FileTracker(tmp_path / "file" / "run", COLUMNS)
