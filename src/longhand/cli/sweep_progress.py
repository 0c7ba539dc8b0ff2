"""How far a sweep is: a bar on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

SECONDS_BETWEEN_LINES = 5.0


@contextmanager
def sweep_progress(what: str = "checking") -> Iterator[Callable[[int, int], None]]:
    """Yield a function to be told how many problems have been asked, of how many; it shows nothing before."""
    if not sys.stdout.isatty():
        yield _Lines(what)
        return
    columns = (TextColumn(what), BarColumn(bar_width=24), MofNCompleteColumn(), _RateColumn(), TimeRemainingColumn())
    bar = Progress(*columns, refresh_per_second=5)
    task = bar.add_task(what, total=None)

    def show(done: int, total: int) -> None:
        bar.start()  # only now: the training before it has a bar of its own
        bar.update(task, completed=done, total=total)

    try:
        yield show
    finally:
        bar.stop()


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f} problems/s")


class _Lines:
    def __init__(self, what: str) -> None:
        self.what = what
        self.started = self.printed = 0.0
        self.first = 0

    def __call__(self, done: int, total: int) -> None:
        now = perf_counter()
        if not self.started:  # the clock starts with the first part: before it there may have been a training
            self.started = self.printed = now
            self.first = done
        if now - self.printed < SECONDS_BETWEEN_LINES and done < total:
            return
        self.printed = now
        rate = (done - self.first) / max(now - self.started, 1e-9)
        speed = f"  {rate:,.0f} problems/s" if rate else ""
        left = f"  ETA {(total - done) / rate:.0f} s" if rate and done < total else ""
        print(f"{self.what} {done:,}/{total:,}{speed}{left}", flush=True)
