"""The three schemas of word problems: told apart by their columns, and read into one shape."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal, get_args

from longhand.errors import UserError
from longhand.olympiad.data.boxed import ConversionError, last_box, mark_to_box
from longhand.olympiad.data.calculations import strip_calculations
from longhand.olympiad.data.characters import normalise_characters
from longhand.olympiad.data.word_problem import WordProblem

Schema = Literal["gsm8k", "numina", "math"]
Steps = Literal["strip", "keep"]

SCHEMAS: tuple[Schema, ...] = get_args(Schema)
REQUIRED: dict[Schema, tuple[str, str]] = {
    "gsm8k": ("question", "answer"),
    "numina": ("problem", "solution"),
    "math": ("problem", "solution"),
}
OPTIONAL = ("source", "level", "type")


def detect_schema(columns: Collection[str], name: str) -> Schema:
    """The schema of a data set with these columns; raises `UserError` that names them if there is none.

    `question` and `answer` are gsm8k; `problem` and `solution` are math with `level` and `type` beside them, and numina
    without.
    """
    if has_columns(columns, "gsm8k"):
        return "gsm8k"
    if has_columns(columns, "math"):
        return "math" if {"level", "type"} <= set(columns) else "numina"
    raise UserError(
        f"{name} has the columns {', '.join(sorted(columns)) or 'none'}; word problems have question and answer"
        " (gsm8k), or problem and solution (numina, math)"
    )


def check_columns(columns: Collection[str], schema: Schema, name: str) -> None:
    """Raise `UserError` if columns that `schema` needs are not there, naming the schema that would fit."""
    if has_columns(columns, schema):
        return
    wanted = " and ".join(REQUIRED[schema])
    fits = [other for other in SCHEMAS if has_columns(columns, other)]
    remedy = f"; --dataset {' or '.join(fits)} has these" if fits else ""
    raise UserError(f"{name} has the columns {', '.join(sorted(columns))}, but {schema} has {wanted}{remedy}")


def has_columns(columns: Collection[str], schema: Schema) -> bool:
    """Whether a schema's two columns are among these."""
    return set(REQUIRED[schema]) <= set(columns)


def to_word_problem(row: Mapping[str, Any], schema: Schema, id: str, steps: Steps = "strip") -> WordProblem:
    r"""One row as a word problem: characters normalised, `#### N` as `\boxed{N}`, `<<…>>` taken out or kept.

    Raises `ConversionError` with a short reason for a row that has no question, no solution, or for gsm8k no final
    answer, and `UserError` for a cell that is no text.
    """
    question_column, solution_column = REQUIRED[schema]
    question, solution = (_text(row, column, id).strip() for column in (question_column, solution_column))
    if not question or not solution:
        raise ConversionError(f"no {question_column if not question else solution_column}")
    answer: str | None
    if schema == "gsm8k":
        solution, answer = mark_to_box(strip_calculations(solution) if steps == "strip" else solution)
    else:
        answer = last_box(solution) or None
    return WordProblem(id, question, solution, answer, **{column: _text(row, column, id) for column in OPTIONAL})


def _text(row: Mapping[str, Any], column: str, id: str) -> str:
    value = row.get(column)
    if value is None:
        return ""
    if not isinstance(value, str):
        if column in OPTIONAL:
            return str(value)
        raise UserError(f"{id}: {column} is {str(value)[:40]!r}, which is no text")
    return normalise_characters(value)
