"""The trackers of a run: files always, and beside them what was asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

from longhand.errors import UserError
from longhand.runs.tracker import FileTracker, Tracker, Value

Logger = Literal["none", "tensorboard", "wandb"]


class Trackers:
    """Several trackers as one."""

    def __init__(self, trackers: Sequence[Tracker]) -> None:
        self._trackers = tuple(trackers)

    def log(self, step: int, values: Mapping[str, Value]) -> None:
        """Record values with all of them."""
        for tracker in self._trackers:
            tracker.log(step, values)

    def close(self) -> None:
        """Close all of them, whatever one of them says."""
        with ExitStack() as stack:
            for tracker in self._trackers:
                stack.callback(tracker.close)


def require_logger(logger: Logger) -> None:
    """Raise `UserError` with the command that installs it if the package a logger needs is not here."""
    if logger != "none" and find_spec(logger) is None:
        raise UserError(
            f"tracking.logger {logger} needs the package {logger}: pip install 'longhand[{logger}]'"
            " (metrics.jsonl and metrics.csv are written without it)"
        )


def open_trackers(
    directory: Path,
    columns: Sequence[str],
    config: Mapping[str, Any],
    *,
    logger: Logger = "none",
    project: str = "longhand",
    name: str | None = None,
    group: str | None = None,
    resume_at: int | None = None,
) -> Tracker:
    """Open the files of a run and its logger; `config` is the run's whole configuration, as JSON data.

    `columns` and `resume_at` are as for `FileTracker`. Raises `UserError` if something is missing or cannot be written.
    """
    require_logger(logger)
    files = FileTracker(directory, columns, resume_at=resume_at)
    try:
        if logger == "tensorboard":
            from longhand.runs.tensorboard_tracker import TensorBoardTracker

            return Trackers([files, TensorBoardTracker(directory, resume_at=resume_at)])
        if logger == "wandb":
            from longhand.runs.wandb_tracker import WandbTracker

            named = {"project": project, "name": name, "group": group}
            return Trackers([files, WandbTracker(directory, config, resume=bool(resume_at), **named)])  # type: ignore[arg-type]
    except BaseException:
        files.close()
        raise
    return files
