"""What a run measures, as events for TensorBoard."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from longhand.errors import UserError
from longhand.runs.tracker import Value

FOLDER = "tensorboard"


class TensorBoardTracker:
    """Writes numbers to an event file in the run's `tensorboard` folder; look at them by `tensorboard --logdir RUN`.

    Every start of a run adds a file. Opened with `resume_at`, it tells TensorBoard to forget what earlier files say of
    later steps. Raises `UserError` when the folder cannot be written.
    """

    def __init__(self, directory: Path, *, resume_at: int | None = None) -> None:
        from tensorboard.compat.proto.event_pb2 import Event, SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        try:
            self._writer = EventFileWriter(str(directory / FOLDER))
        except OSError as error:
            raise UserError(f"cannot write {directory / FOLDER}: {error.strerror or error}") from error
        if resume_at is not None:
            begun = SessionLog(status=SessionLog.START)
            self._writer.add_event(Event(wall_time=time.time(), step=resume_at + 1, session_log=begun))

    def log(self, step: int, values: Mapping[str, Value]) -> None:
        """Record the numbers among the values."""
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.compat.proto.summary_pb2 import Summary

        numbers = [(tag, value) for tag, value in values.items() if isinstance(value, int | float)]
        summary = Summary(value=[Summary.Value(tag=tag, simple_value=float(value)) for tag, value in numbers])
        self._writer.add_event(Event(wall_time=time.time(), step=step, summary=summary))
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()
