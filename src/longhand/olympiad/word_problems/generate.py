"""Streams of generated problems: without duplicates, as rows, as a source of training data, and as files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longhand.atomic import replacing_file
from longhand.errors import UserError
from longhand.integrations.extras import extra
from longhand.olympiad.data.boxed import ConversionError
from longhand.olympiad.data.schemas import SCHEMAS, Schema, Steps, to_word_problem
from longhand.olympiad.data.word_problem import RowReport, WordProblem
from longhand.olympiad.word_problems.problem import SPLITS, GeneratedProblem, Split, problem_at, templates_of
from longhand.olympiad.word_problems.render import to_row

_MOST_DUPLICATES = 2_000  # one after the other: then there are hardly any new ones


def generate(n: int, seed: int = 0, split: Split = "train", schema: Schema = "gsm8k") -> Iterator[dict[str, Any]]:
    """Return `n` different problems as rows of a schema; the same arguments give the same rows.

    A longer stream begins with the shorter one. Raises `UserError` for an unknown split or schema, and where a split
    has no `n` different problems.
    """
    _known(split, schema)
    return (to_row(problem, schema) for problem in distinct_problems(n, seed, split))


def distinct_problems(n: int, seed: int = 0, split: Split = "train") -> Iterator[GeneratedProblem]:
    """The first `n` problems of a stream of which no two ask the same; `UserError` if they run out.

    Remembers eight bytes of a hash for every problem.
    """
    seen: set[bytes] = set()
    index = found = duplicates = 0
    while found < n:
        problem = problem_at(seed, split, index)
        index += 1
        key = hashlib.blake2b(normalised(problem.story.question).encode(), digest_size=8).digest()
        if key in seen:
            duplicates += 1
            if duplicates > _MOST_DUPLICATES:
                raise UserError(f"{split} has hardly more than {found:,} different problems; ask for fewer than {n:,}")
            continue
        duplicates = 0
        seen.add(key)
        found += 1
        yield problem


def normalised(question: str) -> str:
    """The question without differences of case and spacing: equal for questions that are the same to a reader."""
    return " ".join(question.lower().split())


@dataclass(frozen=True, slots=True)
class GeneratedSource:
    """Generated problems as a source for `build_store`, without a file in between."""

    n: int
    seed: int = 0
    split: Split = "train"
    schema: Schema = "gsm8k"
    steps: Steps = "strip"

    def __post_init__(self) -> None:
        _known(self.split, self.schema)

    def read(self, report: RowReport | None = None) -> Iterator[WordProblem]:
        """Stream the problems; none is dropped."""
        for problem in distinct_problems(self.n, self.seed, self.split):
            try:
                yield to_word_problem(to_row(problem, self.schema), self.schema, problem.id, self.steps)
            except ConversionError as error:  # the generator's own rows convert, or it is wrong
                raise AssertionError(f"{problem.id}: {error}") from error

    def describe(self) -> dict[str, Any]:
        """What is generated, as JSON data."""
        return {
            "generated": self.n,
            "seed": self.seed,
            "split": self.split,
            "schema": self.schema,
            "steps": self.steps,
            "templates": len(templates_of(self.split)),
        }


def write_problems(path: Path | str, n: int, seed: int = 0, split: Split = "train", schema: Schema = "gsm8k") -> int:
    """Write `generate(…)` to a `.jsonl` or `.parquet` file, whole or not at all, and return the number of rows.

    Raises `UserError` for another ending, and what `generate` raises; then nothing is written.
    """
    path = Path(path)
    if path.suffix not in (".jsonl", ".parquet"):
        raise UserError(f"{path} ends neither in .jsonl nor in .parquet")
    if n < 1:
        raise UserError(f"{n} problems are too few; ask for 1 or more")
    rows = generate(n, seed, split, schema)
    with replacing_file(path) as temporary:
        if path.suffix == ".jsonl":
            _write_lines(temporary, rows)
            return n
        with extra("olympiad"):
            import polars
        lines = temporary.with_suffix(".jsonl")
        try:
            _write_lines(lines, rows)
            polars.scan_ndjson(lines).sink_parquet(temporary)
        finally:
            lines.unlink(missing_ok=True)
    return n


def _write_lines(path: Path, rows: Iterator[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")


def _known(split: str, schema: str) -> None:
    if split not in SPLITS:
        raise UserError(f"no split {split!r}; known: {', '.join(SPLITS)}")
    if schema not in SCHEMAS:
        raise UserError(f"no schema {schema!r}; known: {', '.join(SCHEMAS)}")
