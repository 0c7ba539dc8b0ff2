"""`longhand olympiad` as a user calls it, in this process, on models and problems of a few kilobytes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from longhand.cli.main import main


class Done(NamedTuple):
    """What a command left: its exit code, its output and its error output."""

    code: int
    out: str
    err: str


Run = Callable[..., Done]


def runner(capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls `longhand olympiad …` with words of any type."""

    def command(*words: object) -> Done:
        capsys.readouterr()
        code = main(["olympiad", *map(str, words)])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return command


def fine(done: Done) -> str:
    """Assert that a command succeeded, and return its output."""
    assert done.code == 0, f"{done.out}\n{done.err}"
    return done.out


def refused(done: Done, *fragments: str) -> None:
    """Assert that a command was refused in one line with these fragments."""
    assert done.code == 2, f"{done.out}\n{done.err}"
    assert len(done.err.strip().splitlines()) == 1, done.err
    for fragment in fragments:
        assert fragment in done.err
    assert "Traceback" not in done.err


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, by relative path; none if it is not there."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def lines_of(path: Path) -> list[dict[str, Any]]:
    """The rows of a jsonl file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
