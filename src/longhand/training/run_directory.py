"""Where a run keeps what: one directory per run.

::

    config.yaml                  the resolved configuration
    metrics.jsonl, metrics.csv   what was measured, row by row
    training_logs.txt            the same a line per epoch, where there are epochs
    samples.jsonl                what the model answered to a few problems, at the end and at every sample_interval
    results.json                 how the run ended, with the metrics of its model and of its last step
    logs/training.log            what was said, with the time of each line
    training_config.json, test_results.json   what `longhand train` adds: the configuration again, and the final test
    tensorboard/, wandb/         what tracking.logger writes, if there is one
    checkpoints/step_00000500/   the newest state and the best ones; each is a whole checkpoint
    model/                       the result: a copy of the best checkpoint, `longhand.load(run directory)` finds it

There is no directory that is replaced while the run goes on: a new state gets a new name, and appears under it whole. A
run that is killed at any moment therefore leaves a state to go on from, once it has written its first.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from longhand.errors import UserError
from longhand.runs.manifest import MANIFEST
from longhand.runs.tensorboard_tracker import FOLDER as TENSORBOARD_FOLDER
from longhand.runs.tracker import CSV, JSONL
from longhand.runs.wandb_tracker import FOLDER as WANDB_FOLDER
from longhand.runs.wandb_tracker import RUN_ID


@dataclass(frozen=True)
class RunDirectory:
    """The paths of one run."""

    path: Path

    @property
    def config(self) -> Path:
        """The resolved configuration."""
        return self.path / "config.yaml"

    @property
    def epoch_log(self) -> Path:
        """What was measured, a line per epoch."""
        return self.path / "training_logs.txt"

    @property
    def samples(self) -> Path:
        """What the model answered to a few problems."""
        return self.path / "samples.jsonl"

    @property
    def results(self) -> Path:
        """How the run ended."""
        return self.path / "results.json"

    @property
    def log(self) -> Path:
        """What was said while the run went on."""
        return self.path / "logs" / "training.log"

    @property
    def training_config(self) -> Path:
        """The configuration with the sizes of the model, as JSON."""
        return self.path / "training_config.json"

    @property
    def test_results(self) -> Path:
        """How the model did on the test file of its data."""
        return self.path / "test_results.json"

    @property
    def checkpoints(self) -> Path:
        """The folder of states."""
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The result of the run."""
        return self.path / "model"

    def checkpoint(self, step: int) -> Path:
        """The state after `step` optimizer steps."""
        return self.checkpoints / f"step_{step:08d}"

    def saved_steps(self) -> list[int]:
        """Steps of which there is a whole state, ascending."""
        return sorted(int(found.parent.name[5:]) for found in self.checkpoints.glob(f"step_*/{MANIFEST}"))

    def newest_checkpoint(self) -> Path | None:
        """The state of the latest step, if there is one."""
        steps = self.saved_steps()
        return self.checkpoint(steps[-1]) if steps else None

    def how_to_go_on(self, step: int) -> str:
        """What to tell a user whose run was interrupted after `step` steps and has saved its state."""
        return (
            f"interrupted after step {step:,}; the state is saved. Go on with: longhand train"
            f" --config {self.config} --output-dir {self.path} --resume auto"
        )

    def is_used(self) -> bool:
        """Whether a run has left something here."""
        return any(path.exists() for path in self._own())

    def refuse_if_used(self) -> None:
        """Raise `UserError` with the remedies if there already is a run here."""
        if self.path.exists() and not self.path.is_dir():
            raise UserError(f"{self.path} is a file; choose another --output-dir")
        if self.is_used():
            raise UserError(
                f"{self.path} already holds a run; go on with it by --resume auto, choose another --output-dir,"
                " or replace it by --overwrite"
            )

    def create(self) -> None:
        """Make the directory; raises `UserError` if that cannot be done."""
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"cannot write {self.path}: {error.strerror or error}") from error

    def clear(self) -> None:
        """Remove what a run has left here, and nothing else."""
        for path in self._own():
            _remove(path)

    def keep_only(self, steps: Collection[int]) -> None:
        """Remove the states of all other steps, and what killed runs left unfinished."""
        kept = {self.checkpoint(step).name for step in steps}
        for path in self.checkpoints.iterdir():
            if path.name not in kept and path.name.lstrip(".").startswith("step_"):
                _remove(path)

    def _own(self) -> list[Path]:
        tracked = [self.path / name for name in (JSONL, CSV, TENSORBOARD_FOLDER, WANDB_FOLDER, RUN_ID)]
        told = [self.epoch_log, self.log, self.samples, self.results, self.training_config, self.test_results]
        return [self.config, self.checkpoints, self.model, *told, *tracked]


def _remove(path: Path) -> None:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(f"cannot remove {path}: {error.strerror or error}") from error
