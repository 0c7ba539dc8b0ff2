"""Building a store of tokenised word problems as a stream, whole or not at all."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

from longhand.atomic import replacing_directory, write_json
from longhand.errors import UserError
from longhand.olympiad.data.boxed import ConversionError
from longhand.olympiad.data.chat import ChatFormat
from longhand.olympiad.data.store import (
    CONTENTS,
    FORMAT,
    ID_TYPE,
    IDS,
    MANIFEST,
    OFFSETS,
    PROMPT_LENGTHS,
    chat_description,
    read_manifest,
)
from longhand.olympiad.data.word_problem import RowReport, WordProblem
from longhand.runs.manifest import file_sha256

BATCH = 512
TOO_LONG, NO_ANSWER = "too long", "no boxed answer"


class Source(Protocol):
    """Where word problems come from: `WordProblemFiles`, or generated ones."""

    def read(self, report: RowReport | None = None) -> Iterator[WordProblem]:
        """Stream the problems; count rows that cannot become one in `report`."""
        ...

    def describe(self) -> dict[str, Any]:
        """What is read, as JSON data."""
        ...


def build_store(
    path: Path | str,
    source: Source,
    chat: ChatFormat,
    *,
    max_length: int,
    require_answer: bool = True,
    progress: Callable[[RowReport], None] = lambda report: None,
) -> RowReport:
    """Tokenise every problem of `source` into a store at `path`, and report what became of the rows.

    A row of more than `max_length` tokens, end mark included, is dropped and counted, never cut: a cut row would teach
    a model neither its answer nor when to stop. So are, with `require_answer`, rows that box nothing. Needs memory for
    a batch and 12 bytes a row. `progress` is told the report after every batch. Raises `UserError`, and leaves what
    was at `path`, if nothing is kept, if a source cannot be read, or if something else than a store is there.
    """
    path = Path(path)
    if max_length < 1:
        raise UserError(f"max_length {max_length} is too short for any row; give at least 1")
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        read_manifest(path)  # only a store is replaced
    report = RowReport()
    description = source.describe()
    with replacing_directory(path) as folder:
        offsets, prompt_lengths = array("q", [0]), array("i")
        with (folder / IDS).open("wb") as file:
            for problems in _batches(source.read(report)):
                _write(problems, chat, max_length, require_answer, report, file, offsets, prompt_lengths)
                progress(report)
        if not report.kept:
            raise UserError(f"no row is left for a store at {path} (max_length {max_length}): {report}")
        np.save(folder / OFFSETS, np.frombuffer(offsets, dtype=np.int64))
        np.save(folder / PROMPT_LENGTHS, np.frombuffer(prompt_lengths, dtype=np.int32))
        manifest = {
            "format": FORMAT,
            "rows": report.kept,
            "tokens": offsets[-1],
            "longest": int(np.diff(np.frombuffer(offsets, dtype=np.int64)).max()),
            "max_length": max_length,
            "require_answer": require_answer,
            "report": report.to_dict(),
            "source": description,
            **chat_description(chat),
            "contents": {
                name: {"bytes": (folder / name).stat().st_size, "sha256": file_sha256(folder / name)}
                for name in CONTENTS
            },
        }
        write_json(folder / MANIFEST, manifest)
    return report


def _write(
    problems: list[WordProblem],
    chat: ChatFormat,
    max_length: int,
    require_answer: bool,
    report: RowReport,
    file: BinaryIO,
    offsets: array[int],
    prompt_lengths: array[int],
) -> None:
    wanted = []
    for problem in problems:
        if require_answer and problem.answer is None:
            report.drop(NO_ANSWER)
        else:
            wanted.append(problem)
    for row in chat.encode(wanted):
        if isinstance(row, ConversionError):
            report.drop(str(row))
        elif len(row.ids) > max_length:
            report.drop(TOO_LONG)
        else:
            file.write(np.asarray(row.ids, dtype=ID_TYPE).tobytes())
            offsets.append(offsets[-1] + len(row.ids))
            prompt_lengths.append(row.prompt_length)
            report.keep()


def _batches(problems: Iterable[WordProblem]) -> Iterator[list[WordProblem]]:
    stream = iter(problems)
    while batch := list(islice(stream, BATCH)):
        yield batch
