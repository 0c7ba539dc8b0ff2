"""What a run measured, row by row, in files that anything can read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, TextIO

from longhand.atomic import write_text
from longhand.errors import UserError

JSONL, CSV = "metrics.jsonl", "metrics.csv"

Value = float | int | str | bool | None


class Tracker(Protocol):
    """Something that records what a run measures."""

    def log(self, step: int, values: Mapping[str, Value]) -> None:
        """Record values measured after `step` optimizer steps; steps never decrease."""
        ...

    def close(self) -> None:
        """Finish; nothing is recorded after."""
        ...


class FileTracker:
    """Writes every row to `metrics.jsonl` and, in fixed columns, to `metrics.csv`, and at once to the disk.

    `columns` names all values a row may have; in the CSV file a value that a row lacks is an empty cell. Opened with
    `resume_at`, rows of later steps are dropped first, together with a last line that was cut off. Raises `UserError`
    when the files cannot be written.
    """

    def __init__(self, directory: Path, columns: Sequence[str], *, resume_at: int | None = None) -> None:
        self.columns = ("step", *columns)
        kept = [] if resume_at is None else read_rows(directory / JSONL, up_to=resume_at)
        write_text(directory / JSONL, "".join(_json_line(row) for row in kept))
        header = ",".join(self.columns) + "\n"
        write_text(directory / CSV, header + "".join(self._csv_line(row) for row in kept))
        self._jsonl = _open_to_append(directory / JSONL)
        self._csv = _open_to_append(directory / CSV)

    def log(self, step: int, values: Mapping[str, Value]) -> None:
        """Append one row."""
        row = {"step": step, **values}
        unknown = row.keys() - set(self.columns)
        assert not unknown, f"columns not announced: {unknown}"
        for file, line in ((self._jsonl, _json_line(row)), (self._csv, self._csv_line(row))):
            try:
                file.write(line)
                file.flush()
            except OSError as error:
                raise UserError(f"cannot write {file.name}: {error.strerror or error}") from error

    def close(self) -> None:
        """Close both files."""
        self._jsonl.close()
        self._csv.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _csv_line(self, row: Mapping[str, Value]) -> str:
        text = io.StringIO()
        csv.DictWriter(text, self.columns, extrasaction="ignore", lineterminator="\n").writerow(row)
        return text.getvalue()


def read_rows(path: Path, *, up_to: int | None = None) -> list[dict[str, Any]]:
    """The rows of a `metrics.jsonl` in order, those after step `up_to` left out.

    Reading ends at the first line that is not a whole row, which is where a killed run stopped writing. A missing
    file has no rows.
    """
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
            step = int(row["step"])
        except (ValueError, TypeError, KeyError):
            break
        if up_to is None or step <= up_to:
            rows.append(row)
    return rows


def _json_line(row: Mapping[str, Value]) -> str:
    return json.dumps(row, allow_nan=False) + "\n"


def _open_to_append(path: Path) -> TextIO:
    try:
        return path.open("a", encoding="utf-8", newline="")
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
