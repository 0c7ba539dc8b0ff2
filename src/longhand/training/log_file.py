"""What a run said and measured, with the time of each line, for whoever was not there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.training.progress import Measurements, ProgressReport


class LogFile:
    """Hands everything on to another report, and appends it to a file: one line per message and per measured row.

    Times are local with their offset from UTC. Raises `UserError` if the file cannot be written.
    """

    def __init__(self, path: Path, shown: ProgressReport) -> None:
        self._path, self._shown, self._line = path, shown, Measurements()

    def start(self, step: int, total_steps: int) -> None:
        """Training goes from `step` to `total_steps` at most."""
        self._line.start(step, total_steps)
        self._write(f"training from step {step:,} to {total_steps:,}")
        self._shown.start(step, total_steps)

    def advance(self, step: int) -> None:
        """Nothing is written between measurements."""
        self._shown.advance(step)

    def show(self, step: int, row: Mapping[str, Any]) -> None:
        """Write the row as it was measured, nothing older beside it."""
        self._line.values.clear()
        self._line.update(step, row)
        self._write(f"step {step:,}/{self._line.total_steps:,}  {self._line.text()}")
        self._shown.show(step, row)

    def say(self, message: str) -> None:
        """Write a message."""
        self._write(message)
        self._shown.say(message)

    def stop(self) -> None:
        """The run is over; what is said afterwards is written too."""
        self._write(f"stopped at step {self._line.step:,}")
        self._shown.stop()

    def _write(self, text: str) -> None:
        time = datetime.now().astimezone().isoformat(sep=" ", timespec="milliseconds")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("a", encoding="utf-8", newline="\n") as file:
                file.writelines(f"{time}  {line}\n" for line in text.splitlines())
        except OSError as error:
            raise UserError(f"cannot write {self._path}: {error.strerror or error}") from error
