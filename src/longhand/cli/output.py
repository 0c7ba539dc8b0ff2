"""Printing results: tables and lines for people, JSON for machines."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from longhand.atomic import write_json


def console() -> Console:
    """Return a console on standard output; colour and width follow the terminal and NO_COLOR."""
    return Console(highlight=False, soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a small table; every column but the first is aligned to the right."""
    table = Table(title=title, title_justify="left", box=None, pad_edge=False, title_style="bold")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console().print(table)


def write_result(path: Path | None, result: Any) -> None:
    """Write `result` as JSON to `path`, if one was asked for, and say so."""
    if path is not None:
        write_json(path, result)
        print(f"wrote {path}")


def program() -> str:
    """How to call this program from here: `longhand`, or its path where the shell would not find it."""
    called = Path(sys.argv[0])
    found = shutil.which("longhand")
    if called.name != "longhand" or (found is not None and Path(found).resolve() == called.resolve()):
        return "longhand"
    return os.path.relpath(called)


def print_json(result: Any) -> None:
    """Print one JSON value on one line, for programs that read standard output line by line."""
    sys.stdout.write(json.dumps(result, ensure_ascii=False) + "\n")
