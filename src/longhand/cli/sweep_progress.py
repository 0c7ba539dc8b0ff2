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
def sweep_progress(what: str = "checking", *, unit: str | None = "problems") -> Iterator[Callable[[int, int], None]]:
    """Yield a function to be told how many problems have been asked, of how many; it shows nothing before.

    The rate is in `unit` per second; without a unit there is none, where the parts take seconds each.
    """
    if not sys.stdout.isatty():
        yield _Lines(what, unit)
        return
    rate = () if unit is None else (_RateColumn(unit),)
    columns = (TextColumn(what), BarColumn(bar_width=24), MofNCompleteColumn(), *rate, TimeRemainingColumn())
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
    def __init__(self, unit: str) -> None:
        super().__init__()
        self.unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f} {self.unit}/s")


class _Lines:
    def __init__(self, what: str, unit: str | None) -> None:
        self.what, self.unit = what, unit
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
        speed = f"  {rate:,.0f} {self.unit}/s" if rate and self.unit else ""
        left = f"  ETA {(total - done) / rate:.0f} s" if rate and done < total else ""
        print(f"{self.what} {done:,}/{total:,}{speed}{left}", flush=True)
