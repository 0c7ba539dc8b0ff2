"""What the user sees while a model trains: a live bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from time import perf_counter
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn
from rich.table import Column
from rich.text import Text

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_REDRAWS = 0.2


class ProgressReport(Protocol):
    """Told by the training loop how far it is."""

    def start(self, step: int, total_steps: int) -> None:
        """Training goes from `step` to `total_steps` at most."""
        ...

    def advance(self, step: int) -> None:
        """`step` steps are done; called after every one."""
        ...

    def show(self, step: int, row: Mapping[str, Any]) -> None:
        """A row has been measured: loss, speed, held-out metrics."""
        ...

    def say(self, message: str) -> None:
        """Something the user should read."""
        ...

    def stop(self) -> None:
        """Training is over; called once, whatever happened."""
        ...


def make_progress(*, is_main: bool) -> ProgressReport:
    """A bar where standard output is a terminal, lines where it is not, and silence in all but one process."""
    if not is_main:
        return Silence()
    return LiveBar() if sys.stdout.isatty() else PlainLines()


class Silence:
    """Says nothing."""

    def start(self, step: int, total_steps: int) -> None:
        """Ignored."""

    def advance(self, step: int) -> None:
        """Ignored."""

    def show(self, step: int, row: Mapping[str, Any]) -> None:
        """Ignored."""

    def say(self, message: str) -> None:
        """Ignored."""

    def stop(self) -> None:
        """Ignored."""


class PlainLines:
    """Prints a line every few seconds, and the last one."""

    def __init__(self, seconds: float = SECONDS_BETWEEN_LINES) -> None:
        self.seconds = seconds
        self._line, self._printed, self._last = Measurements(), "", -float("inf")

    def start(self, step: int, total_steps: int) -> None:
        """Remember how many steps there are."""
        self._line.start(step, total_steps)

    def advance(self, step: int) -> None:
        """Nothing is printed between measurements."""

    def show(self, step: int, row: Mapping[str, Any]) -> None:
        """Print the measurements if the last line is old enough, and those of whole epochs always."""
        self._line.update(step, row)
        if ("epoch" in row and "val_loss" in row) or perf_counter() - self._last >= self.seconds:
            self._print()

    def say(self, message: str) -> None:
        """Print a message."""
        print(message, flush=True)

    def stop(self) -> None:
        """Print the last measurements, if they have not been."""
        if self._line.step:
            self._print()

    def _print(self) -> None:
        epoch = self._line.values.get("epoch")
        text = f"step {self._line.step:,}/{self._line.total_steps:,}  {self._line.text()}"
        text = text if epoch is None else f"epoch {epoch:g}  {text}"
        if text != self._printed:
            print(text, flush=True)
        self._printed, self._last = text, perf_counter()


class LiveBar:
    """A bar with the measurements behind it, redrawn a few times a second."""

    def __init__(self, console: Console | None = None) -> None:
        self._line = Measurements()
        self._progress = Progress(
            BarColumn(bar_width=14),  # the whole line fits 80 columns
            MofNCompleteColumn(),
            _MeasuredColumn(self._line),
            console=console or Console(highlight=False),
            auto_refresh=False,  # a thread of its own would take time from the training
        )
        self._task = self._progress.add_task("training", total=None)
        self._drawn = 0.0

    def start(self, step: int, total_steps: int) -> None:
        """Draw the bar."""
        self._line.start(step, total_steps)
        self._progress.update(self._task, completed=step, total=total_steps)
        self._progress.start()

    def advance(self, step: int) -> None:
        """Redraw it, if that is not too soon."""
        now = perf_counter()
        if now - self._drawn >= SECONDS_BETWEEN_REDRAWS:
            self._line.step = step
            self._progress.update(self._task, completed=step)
            self._progress.refresh()
            self._drawn = now

    def show(self, step: int, row: Mapping[str, Any]) -> None:
        """Put measurements behind the bar."""
        self._line.update(step, row)
        self._drawn = 0.0
        self.advance(step)

    def say(self, message: str) -> None:
        """Print a message above the bar."""
        self._progress.console.print(message, markup=False, soft_wrap=True)

    def stop(self) -> None:
        """Leave the bar as it is."""
        if self._progress.live.is_started:
            self._progress.refresh()
            self._progress.stop()


class Measurements:
    """The latest measurements as text."""

    def __init__(self) -> None:
        self.step = self.first_step = self.total_steps = 0
        self.started = perf_counter()
        self.values: dict[str, Any] = {}

    def start(self, step: int, total_steps: int) -> None:
        """The clock of the remaining time begins."""
        self.step = self.first_step = step
        self.total_steps, self.started = total_steps, perf_counter()

    def update(self, step: int, row: Mapping[str, Any]) -> None:
        """A row has been measured; what it lacks stays as it was."""
        self.step = step
        self.values.update({key: value for key, value in row.items() if value is not None})

    def text(self, *, short: bool = False) -> str:
        """All of it on one line."""
        values = self.values
        exact_match, speed = ("held-out", "ex/s") if short else ("held-out exact match", "examples/s")
        parts = []
        if "loss" in values:
            parts.append(f"loss {values['loss']:.4f}")
        if "val_loss" in values and not short:
            parts.append(f"held-out loss {values['val_loss']:.4f}")
        if "val_exact_match" in values:
            parts.append(f"{exact_match} {values['val_exact_match']:.2%}")
        if "wrong_windows" in values:
            parts.append(f"wrong windows {values['wrong_windows']:,}")
        if "examples_per_second" in values:
            parts.append(f"{values['examples_per_second']:,.0f} {speed}")
        done = self.step - self.first_step
        if done and self.step < self.total_steps:
            seconds = (perf_counter() - self.started) * (self.total_steps - self.step) / done
            parts.append(f"ETA {_clock(seconds)}")
        return "  ".join(parts)


class _MeasuredColumn(ProgressColumn):
    def __init__(self, line: Measurements) -> None:
        super().__init__(table_column=Column(no_wrap=True))
        self._line = line

    def render(self, task: Any) -> Text:
        return Text(self._line.text(short=True), no_wrap=True, overflow="ellipsis")


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
