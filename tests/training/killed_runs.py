"""Train in child processes that are killed, again and again, until one comes to the end; run by `test_resume.py`.

Usage: killed_runs.py CONFIG.yaml OUTPUT_DIR KILL...  where KILL is a step, or PLACE:STEP for a place in the code. Every
child resumes where its predecessor was killed. The last one is not.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

import longhand.training.loop as loop
from longhand.training.progress import Silence
from longhand.training.run_config import load_run_config
from longhand.training.run_directory import RunDirectory
from longhand.training.state import TrainingState


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


class KillAfterStep(Silence):
    """Dies after a step, before anything is logged or saved."""

    def __init__(self, step: int) -> None:
        self.step = step

    def advance(self, step: int) -> None:
        if step == self.step:
            die()


def arm(place: str, step: int) -> None:
    """Make this process die in the middle of saving, before removing old states, or while writing the result."""
    if place == "saving":
        write = TrainingState.write

        def half(self: TrainingState, folder: Path) -> None:
            write(self, folder)
            if self.step == step:
                state = folder / "state.pt"
                state.write_bytes(state.read_bytes()[:1000])
                die()

        TrainingState.write = half  # type: ignore[method-assign]
    elif place == "pruning":
        keep_only = RunDirectory.keep_only

        def never(self: RunDirectory, steps: Any) -> None:
            if step in steps and len(self.saved_steps()) > 1:
                die()
            keep_only(self, steps)

        RunDirectory.keep_only = never  # type: ignore[method-assign]
    else:
        assert place == "finishing"
        loop.copy_checkpoint = lambda source, target: die()


def main() -> None:
    config, output_dir = load_run_config(Path(sys.argv[1])), Path(sys.argv[2])
    for kill in [*sys.argv[3:], None]:
        child = os.fork()
        if child == 0:
            progress = Silence()
            if kill is not None and ":" in kill:
                place, _, step = kill.partition(":")
                arm(place, int(step))
            elif kill is not None:
                progress = KillAfterStep(int(kill))
            loop.train(config, output_dir, resume="auto", progress=progress)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        ended = os.waitstatus_to_exitcode(status)
        if ended != (0 if kill is None else -signal.SIGKILL):
            raise SystemExit(f"the child for {kill} ended with {ended}")


if __name__ == "__main__":
    main()
