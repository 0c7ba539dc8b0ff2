"""The rows of parquet and jsonl files one after the other, never more than a batch of them in memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.integrations.extras import extra

BATCH = 1024

Row = dict[str, Any]


def columns_of(file: Path) -> list[str]:
    """The columns of a file: of its schema (parquet), or of its first row (jsonl); raises `UserError`."""
    if file.suffix.lower() == ".parquet":
        with _naming(file):
            return list(_scan(file).collect_schema().names())
    for _, row in _jsonl_rows(file):
        return list(row)
    raise UserError(f"{file} holds no rows")


def iter_rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    """Numbered rows (from 1) with those of `columns` that they have.

    Raises `UserError` with the file, and in jsonl the line, for what cannot be read.
    """
    if file.suffix.lower() == ".parquet":
        yield from _parquet_rows(file, columns)
        return
    for number, row in _jsonl_rows(file):
        yield number, {column: row[column] for column in columns if column in row}


def _scan(file: Path) -> Any:
    with extra("olympiad"):
        import polars
    if not file.is_file():
        raise UserError(f"there is no file {file}")
    return polars.scan_parquet(file, glob=False)


@contextmanager
def _naming(file: Path) -> Iterator[None]:
    """What polars raises about a file becomes one line that names it."""
    try:
        yield
    except Exception as error:
        if isinstance(error, OSError) or type(error).__module__.startswith("polars"):
            raise UserError(f"cannot read {file}: {str(error).splitlines()[0]}") from error
        raise


def _parquet_rows(file: Path, columns: Sequence[str]) -> Iterator[tuple[int, Row]]:
    number = 0
    with _naming(file):
        frame = _scan(file)
        there = [name for name in frame.collect_schema().names() if name in columns]
        for batch in frame.select(there).collect_batches(chunk_size=BATCH, maintain_order=True):
            for row in batch.iter_rows(named=True):
                number += 1
                yield number, row


def _jsonl_rows(file: Path) -> Iterator[tuple[int, Row]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
                except UnicodeDecodeError as error:
                    raise UserError(f"{file}, line {number}: this is not text in UTF-8") from error
                except (json.JSONDecodeError, RecursionError) as error:
                    raise UserError(f"{file}, line {number}: this is not JSON") from error
                if not isinstance(row, dict):
                    raise UserError(f"{file}, line {number}: a row is an object with named columns")
                yield number, row
    except OSError as error:
        raise UserError(f"cannot read {file}: {error.strerror or error}") from error
