"""Which file of a checkpoint a run goes on from: each backend has its own."""

from __future__ import annotations

from pathlib import Path

from longhand.errors import UserError
from longhand.runs.checkpoint import TRAINING_STATE
from longhand.runs.manifest import check_files, listed_files


def state_file(checkpoint: Path, name: str) -> Path:
    """The file `name` of the training state in a checkpoint directory, as it was written.

    Raises `UserError` if there is no state, it is another backend's, or it is damaged.
    """
    found = [file for file in listed_files(checkpoint) if file.startswith(f"{TRAINING_STATE}/")]
    if not found:
        raise UserError(f"{checkpoint} is a model without a training state; resume from one under checkpoints/")
    if f"{TRAINING_STATE}/{name}" not in found:
        raise UserError(
            f"{checkpoint} holds {found[0]}, not {name}: it was trained by torch or numpy, and this run by the other;"
            " set runtime.engine as it was"
        )
    check_files(checkpoint, (f"{TRAINING_STATE}/{name}",))
    return checkpoint / TRAINING_STATE / name
