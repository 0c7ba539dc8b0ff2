"""What `longhand bench` shows: which comparison is under way, then its tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from longhand.cli.output import console

WIDTH_OF_A_FILE = 120
"""Columns where the output is no terminal and so has no width."""

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

    screen = Console(highlight=False, width=None if sys.stdout.isatty() else WIDTH_OF_A_FILE)
    for table in tables(result):
        print()
        shown = Table(title=table.title, title_justify="left", box=None, pad_edge=False, title_style="bold")
        for index, column in enumerate(table.columns):
            shown.add_column(column, justify="left" if index == 0 else "right", no_wrap=True)
        for row in table.rows:
            shown.add_row(*row)
        screen.print(shown)
        for line in table.absent:
            print(line)
    print()
    for note in notes(result):
        print(note)
    for path in files:
        print(f"wrote {path}")
