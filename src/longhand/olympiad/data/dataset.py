"""A data set of word problems in local files: opened, checked, and read as a stream."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.olympiad.data.boxed import ConversionError
from longhand.olympiad.data.files import resolve_files
from longhand.olympiad.data.rows import columns_of, iter_rows
from longhand.olympiad.data.schemas import (
    OPTIONAL,
    REQUIRED,
    SCHEMAS,
    Schema,
    Steps,
    check_columns,
    detect_schema,
    to_word_problem,
)
from longhand.olympiad.data.word_problem import RowReport, WordProblem
from longhand.runs.manifest import file_sha256

_ON_THE_HUB: dict[str, str] = {
    "gsm8k": "openai/gsm8k",
    "numina": "AI-MO/NuminaMath-CoT",
    "math": "a copy of MATH with problem, solution, level and type",
}


@dataclass(frozen=True, slots=True)
class WordProblemFiles:
    """The files of one split of a data set, all of one schema. `open_dataset` makes one."""

    schema: Schema
    files: tuple[Path, ...]
    steps: Steps = "strip"

    def read(self, report: RowReport | None = None) -> Iterator[WordProblem]:
        """Stream the word problems in order of files and rows; rows that cannot be converted are counted in `report`.

        Rows that are kept are not counted here: whoever uses them does. Raises `UserError` for a file that cannot be
        read and for a row without the schema's columns.
        """
        for file in self.files:
            for number, row in iter_rows(file, (*REQUIRED[self.schema], *OPTIONAL)):
                id = f"{self.schema}/{file.stem}/{number}"
                missing = [column for column in REQUIRED[self.schema] if column not in row]
                if missing:
                    raise UserError(f"{file}, line {number}: the row has no {' and no '.join(missing)}")
                try:
                    yield to_word_problem(row, self.schema, id, self.steps)
                except ConversionError as error:
                    if report is not None:
                        report.drop(str(error))

    def describe(self) -> dict[str, Any]:
        """What is read, as JSON data: schema, options, and name, size and SHA-256 of every file."""
        files = [{"name": f.name, "bytes": f.stat().st_size, "sha256": file_sha256(f)} for f in self.files]
        return {"schema": self.schema, "steps": self.steps, "files": files}


def open_dataset(
    data: str | Path | None, *, dataset: Schema | None = None, split: str | None = None, steps: Steps = "strip"
) -> WordProblemFiles:
    """Open the local files of a data set; `dataset` None tells the schema from the columns.

    Raises `UserError` for a path that is missing or not local, for a split that is not there, and for files without
    the columns of the schema.
    """
    if dataset is not None and dataset not in SCHEMAS:
        raise UserError(f"no data set {dataset!r}; known: {', '.join(SCHEMAS)}")
    if data is None:
        name = _ON_THE_HUB[dataset or "gsm8k"]
        raise UserError(f"--dataset {dataset or 'NAME'} needs --data PATH, local parquet or jsonl files ({name})")
    files = resolve_files(data, split)
    _refuse_both_variants(files)
    schema = dataset or detect_schema(columns_of(files[0]), str(files[0]))
    for file in files:
        check_columns(columns_of(file), schema, str(file))
    return WordProblemFiles(schema, tuple(files), steps)


def _refuse_both_variants(files: list[Path]) -> None:
    """GSM8K comes in two folders with the same questions."""
    folders = {file.parent.name for file in files}
    if {"main", "socratic"} <= folders:
        raise UserError("these files have every question twice; name the folder main or socratic with --data")
