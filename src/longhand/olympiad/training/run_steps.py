"""The loop all trainers of this package share: steps until the end or a pause, and states saved on the way."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

Report = TypeVar("Report")


class Trainer(Protocol):
    """What counts its steps and can be saved after each of them."""

    step: int

    def save(self, directory: Path) -> None:
        """Write a checkpoint with everything needed to go on, whole or not at all."""
        ...


def run_steps(
    trainer: Trainer,
    take_step: Callable[[], Report | None],
    end: int,
    directory: Path | None = None,
    every: int | None = None,
    on_step: Callable[[Report], bool | None] | None = None,
) -> None:
    """Take steps up to `end`, or until `on_step` says so; save every so many steps, and when it stops."""
    saved_at = -1
    while trainer.step < end:
        report = take_step()
        paused = report is not None and on_step is not None and bool(on_step(report))
        if directory is not None and every is not None and trainer.step % every == 0:
            trainer.save(directory)
            saved_at = trainer.step
        if paused:
            break
    if directory is not None and saved_at != trainer.step:
        trainer.save(directory)
