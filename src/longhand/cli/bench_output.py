"""What `longhand bench` shows: which comparison is under way, then its tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from longhand.cli.output import console, print_table

if TYPE_CHECKING:
    from longhand.bench.result import Result


@contextmanager
def bench_progress() -> Iterator[Callable[[str], None]]:
    """Yield a function to be told what is being measured: a moving line on a terminal, plain lines elsewhere."""
    if not sys.stdout.isatty():
        yield lambda text: print(f"measuring {text}", flush=True)
        return
    with console().status("starting") as status:
        yield lambda text: status.update(f"measuring {text}")


def print_result(result: Result, files: Sequence[Path]) -> None:
    """Print the tables of a result, what has to be said below them, and what was written."""
    from longhand.bench.tables import notes, tables

    for table in tables(result):
        print()
        print_table(table.title, table.columns, table.rows)
    print()
    for note in notes(result):
        print(note)
    for path in files:
        print(f"wrote {path}")
