"""Writing files of problems in four shapes."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

from longhand.atomic import replacing_file
from longhand.data.manifest import FileEntry, describe_file
from longhand.data.readers import Shape
from longhand.data.record import Record
from longhand.errors import UserError


def write_records(path: Path, records: Iterable[Record], shape: Shape, *, max_operands: int = 2) -> FileEntry:
    """Write records to a file, whole or not at all, and return its rows, bytes and hash.

    Each shape is that of a published system: `csv` has the columns of math-llm-poc (equation, operand_1, operation,
    operand_2, answer; up to `max_operands` operands) and CRLF line ends, `jsonl` the objects of MiniLanguageModels
    (prompt, target, text), `json` the list of examples of math-llm, `txt` the lines of LLM-Math-Solver. Raises
    `UserError` when the file cannot be written.
    """
    write = {"csv": _write_csv, "jsonl": _write_jsonl, "json": _write_json, "txt": _write_txt}[shape]
    counted = _Counted(records)
    with replacing_file(path) as temporary:
        # An empty newline keeps line ends as they are written, on every system.
        with temporary.open("w", encoding="utf-8", newline="") as file:
            write(file, counted, max_operands)
        return describe_file(temporary, counted.rows)


class _Counted:
    """Records that are counted as they pass."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.records = records
        self.rows = 0

    def __iter__(self) -> Iterator[Record]:
        for record in self.records:
            self.rows += 1
            yield record


def _write_csv(file: TextIO, records: Iterable[Record], max_operands: int) -> None:
    writer = csv.writer(file)
    operators = ["operation", *(f"operation_{place}" for place in range(2, max_operands))]
    operands = [f"operand_{place}" for place in range(2, max_operands + 1)]
    pairs = [name for pair in zip(operators, operands, strict=True) for name in pair]
    writer.writerow(["equation", "operand_1", *pairs, "answer"])
    for record in records:
        if record.problem is None:
            raise UserError(f"{record.prompt!r} is a question in words, which has no columns; choose jsonl or json")
        first, *rest = record.problem.operands
        cells: list[object] = [first]
        for operator, operand in zip(record.problem.operators, rest, strict=True):
            cells += [operator, operand]
        cells += [""] * (2 * max_operands - 1 - len(cells))
        writer.writerow([record.rendered.text, *cells, record.answer])


def _write_jsonl(file: TextIO, records: Iterable[Record], _: int) -> None:
    for record in records:
        row = {"prompt": record.prompt, "target": record.target, "text": record.text}
        file.write(json.dumps(row) + "\n")


def _write_json(file: TextIO, records: Iterable[Record], _: int) -> None:
    file.write('{\n  "examples": [')
    comma = ""
    for record in records:
        file.write(f"{comma}\n    {json.dumps(record.text)}")
        comma = ","
    file.write("\n  ]\n}\n")


def _write_txt(file: TextIO, records: Iterable[Record], _: int) -> None:
    for record in records:
        # Only a TAB can part a question in words from its answer.
        file.write((record.text if record.problem else f"{record.prompt.strip()}\t{record.target}") + "\n")
