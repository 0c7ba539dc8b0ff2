"""TensorBoard and Weights & Biases are told what the files are told; each is asked by its own library."""

from __future__ import annotations

import importlib.util
import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from longhand.errors import UserError
from longhand.runs.tracker import read_rows
from longhand.runs.tracker_choice import Trackers, open_trackers
from longhand.runs.wandb_tracker import RUN_ID

COLUMNS = ("loss", "learning_rate", "val_exact_match", "val_token_accuracy", "note")


def row(step: int) -> dict[str, Any]:
    return {
        "loss": 1 / step,
        "learning_rate": 0.5,
        "val_exact_match": step / 8,
        "val_token_accuracy": None,
        "note": "x",
    }


def write(directory: Path, steps: range, *, resume_at: int | None = None, **settings: Any) -> None:
    tracker = open_trackers(directory, COLUMNS, {"model": {"d_model": 8}}, resume_at=resume_at, **settings)
    for step in steps:
        tracker.log(step, row(step))
    tracker.close()


def test_files_are_written_whatever_the_logger_is(tmp_path: Path) -> None:
    write(tmp_path / "a", range(1, 4))
    write(tmp_path / "b", range(1, 4), logger="tensorboard")
    for name in ("metrics.jsonl", "metrics.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.row("S0-W1", "S4-T1")
def test_tensorboard_reads_every_number_and_forgets_steps_that_were_taken_again(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    write(tmp_path, range(1, 6), logger="tensorboard")
    write(tmp_path, range(4, 8), logger="tensorboard", resume_at=3)
    events = EventAccumulator(str(tmp_path / "tensorboard"))
    events.Reload()
    assert set(events.Tags()["scalars"]) == {"loss", "learning_rate", "val_exact_match"}
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [
        (step, pytest.approx(1 / step)) for step in range(1, 8)
    ]
    assert [row["step"] for row in read_rows(tmp_path / "metrics.jsonl")] == list(range(1, 8))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Weights & Biases keeps to this machine and to itself."""
    import wandb

    for key, value in {"WANDB_MODE": "offline", "WANDB_SILENT": "true", "WANDB_ERROR_REPORTING": "false"}.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setattr(wandb, "login", lambda *_, **__: pytest.fail("logging in is for the user to do"))
    yield
    wandb.teardown()


def history(directory: Path) -> list[dict[str, Any]]:
    """The rows of all offline runs below a directory, oldest run first, in wandb's own messages."""
    from wandb.proto.wandb_internal_pb2 import Record

    rows = []
    for path in sorted(directory.glob("wandb/offline-run-*/run-*.wandb"), key=lambda path: path.stat().st_mtime):
        for data in leveldb_records(path.read_bytes()[7:], already_read=7):
            record = Record()
            record.ParseFromString(data)
            if record.HasField("history"):
                items = record.history.item
                rows.append({item.key or item.nested_key[0]: json.loads(item.value_json) for item in items})
    return rows


def leveldb_records(data: bytes, already_read: int) -> Iterator[bytes]:
    """The records of a LevelDB log: chunks with their checksum, length and kind, in blocks of 32 KiB."""
    block, place, begun = 2**15, 0, b""
    while place + 7 <= len(data):
        left = block - (place + already_read) % block
        if left < 7:
            place += left
            continue
        _, length, kind = struct.unpack_from("<IHB", data, place)
        begun += data[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # a whole record, or the last part of one
            yield begun
            begun = b""


@pytest.mark.row("S0-W1", "S4-T1")
def test_weights_and_biases_is_told_every_value_and_goes_on_with_the_same_run(tmp_path: Path, offline: None) -> None:
    import wandb

    write(tmp_path, range(1, 3), logger="wandb", project="sums", group="g", name="first")
    kept = json.loads((tmp_path / RUN_ID).read_text())
    assert kept["project"] == "sums"
    write(tmp_path, range(2, 4), logger="wandb", project="sums", resume_at=1)
    assert json.loads((tmp_path / RUN_ID).read_text()) == kept
    wandb.teardown()  # only now is everything surely on the disk
    rows = history(tmp_path)
    assert [row["step"] for row in rows] == [1, 2, 2, 3]
    assert len(list(tmp_path.glob(f"wandb/offline-run-*/run-{kept['id']}.wandb"))) == 2
    assert rows[0]["loss"] == 1.0
    assert rows[0]["val_exact_match"] == 0.125
    assert "val_token_accuracy" not in rows[0]


@pytest.mark.parametrize("logger", ["wandb", "tensorboard"])
def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logger: Any
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr("longhand.runs.tracker_choice.find_spec", lambda name: None if name == logger else found(name))
    with pytest.raises(UserError, match=rf"pip install 'longhand\[{logger}\]'"):
        write(tmp_path / "run", range(1), logger=logger)
    assert not (tmp_path / "run").exists()


def test_a_logger_that_cannot_be_closed_leaves_no_other_open() -> None:
    closed = []

    class Broken:
        def log(self, step: int, values: Any) -> None: ...

        def close(self) -> None:
            closed.append(self)
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        Trackers([Broken(), Broken(), Broken()]).close()
    assert len(closed) == 3
