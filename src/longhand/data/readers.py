"""Reading files of problems: four shapes, told apart by what is in them."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from longhand.data.record import Record
from longhand.data.rows import read_pair, read_row, strip_marks
from longhand.errors import UserError
from longhand.text.formats import Format

Shape = Literal["csv", "jsonl", "json", "txt"]

_OBJECT_OF_EXAMPLES = re.compile(r'\{\s*(?:"examples"|"metadata"|$)')


def read_file(path: Path | str, format: Format | None = None) -> list[Record]:
    """Every row of a file; raises `UserError` with file and line for the first one that cannot be read."""
    return list(iter_records(path, format))


def iter_records(path: Path | str, format: Format | None = None) -> Iterator[Record]:
    """The rows of a file one by one, with `format` if it is known how they are written.

    Blank lines are skipped. Raises `UserError` with file and line for a row that cannot be read, and for a file
    without rows.
    """
    path = Path(path)
    read = {"csv": _csv_records, "jsonl": _jsonl_records, "json": _json_records, "txt": _text_records}[sniff(path)]
    rows = 0
    for record in read(path, format):
        rows += 1
        yield record
    if rows == 0:
        raise _nothing_in(path)


def sniff(path: Path) -> Shape:
    """The shape of a file by its first line that is not blank; raises `UserError` if there is none.

    `csv` has a header with a column `equation`, `jsonl` an object per line, `json` one object with a list of
    `examples`; everything else is text, one row per line.
    """
    first = next((line.strip() for _, line in _lines(path) if line.strip()), None)
    if first is None:
        raise _nothing_in(path)
    if first.startswith("{"):
        return "json" if _OBJECT_OF_EXAMPLES.match(first) else "jsonl"
    return "csv" if "equation" in first.lower().split(",") else "txt"


def _csv_records(path: Path, format: Format | None) -> Iterator[Record]:
    reader = csv.reader((line for _, line in _lines(path)), strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            if header is None:
                header = [cell.strip().lower() for cell in cells]
                continue
            if not cells:
                continue
            if len(cells) != len(header):
                raise UserError(f"{len(cells)} cells, where the header has {len(header)}")
            row = dict(zip(header, cells, strict=True))
            record = read_row(row["equation"], format, line=reader.line_num)
            _compare_columns(record, row)
            yield record
    except (UserError, csv.Error) as error:
        raise _at_line(path, reader.line_num, error) from error


def _compare_columns(record: Record, row: Mapping[str, str]) -> None:
    """Refuse a row whose columns say something else than its equation."""
    problem = record.problem
    if problem is None:
        raise UserError(f"the equation {row['equation']!r} is no arithmetic")
    operands = [cell for name, cell in row.items() if name.startswith("operand_") and cell]
    operators = [cell for name, cell in row.items() if name.startswith("operation") and cell]
    if operands and operands != [str(operand) for operand in problem.operands]:
        raise UserError(f"the equation {row['equation']!r} has other operands than its columns: {' '.join(operands)}")
    if operators and operators != list(problem.operators):
        raise UserError(f"the equation {row['equation']!r} has other operators than its columns: {' '.join(operators)}")
    if row.get("answer", record.answer) != record.answer:
        raise UserError(f"the equation {row['equation']!r} has another answer than its column: {row['answer']}")


def _jsonl_records(path: Path, format: Format | None) -> Iterator[Record]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            prompt, target, text = _pair_of(json.loads(line))
            yield read_pair(prompt, target, text, format, line=number)
        except json.JSONDecodeError as error:
            raise _at_line(path, number, f"this is not JSON: {error.msg} at character {error.pos + 1}") from error
        except UserError as error:
            raise _at_line(path, number, error) from error


def _pair_of(row: Any) -> tuple[str, str, str]:
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("prompt", "target")):
        raise UserError('a row is an object with the strings "prompt" and "target"')
    prompt, target = row["prompt"], row["target"]
    text = row.get("text", prompt + target)
    if not isinstance(text, str) or strip_marks(text) != strip_marks(prompt + target):
        raise UserError(f'"text" is {text!r}, but prompt and target make {prompt + target!r}')
    return prompt, strip_marks(target), text


def _json_records(path: Path, format: Format | None) -> Iterator[Record]:
    content = "".join(line for _, line in _lines(path))
    try:
        examples = json.loads(content)["examples"]
    except json.JSONDecodeError as error:
        raise _at_line(path, error.lineno, f"this is not JSON: {error.msg}") from error
    except KeyError:
        examples = None
    if not isinstance(examples, list):
        raise UserError(f'{path} has no list of "examples"')
    for number, example in enumerate(examples, start=1):
        try:
            if not isinstance(example, str):
                raise UserError(f"{json.dumps(example)} is not a string")
            yield read_row(example, format, line=number)
        except UserError as error:
            raise UserError(f"{path}, example {number}: {error}") from error


def _text_records(path: Path, format: Format | None) -> Iterator[Record]:
    for number, line in _lines(path):
        if not line.strip():
            continue
        try:
            yield read_row(line.rstrip("\r\n"), format, line=number)
        except UserError as error:
            raise _at_line(path, number, error) from error


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines with their ends; raises `UserError` for what is not UTF-8, and where a file cannot be read."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                try:
                    text = line.decode("utf-8-sig" if number == 1 else "utf-8")
                except UnicodeDecodeError as error:
                    raise _at_line(path, number, "this is not text in UTF-8") from error
                yield number, text
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error


def _at_line(path: Path, number: int, fault: object) -> UserError:
    return UserError(f"{path}, line {number}: {fault}")


def _nothing_in(path: Path) -> UserError:
    return UserError(f"{path} holds no rows")
