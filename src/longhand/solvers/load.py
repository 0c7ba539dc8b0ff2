"""From a checkpoint directory to a solver."""

from __future__ import annotations

from pathlib import Path

import torch

from longhand.errors import UserError
from longhand.runs.checkpoint import load_checkpoint
from longhand.shipped import model_path
from longhand.solvers.autoregressive import AutoregressiveSolver
from longhand.solvers.native import Engine


def load(
    path: str | Path,
    *,
    device: str | torch.device = "cpu",
    dtype: torch.dtype | None = None,
    threads: int | None = None,
    engine: Engine = "auto",
) -> AutoregressiveSolver:
    """Return the solver of a checkpoint or run directory, or of a model shipped with longhand.

    The directory says everything else itself, and its files are compared with their SHA-256 first. `dtype` is
    float32 unless given; `threads` sets the threads of torch in this whole process;
    `engine` torch decodes by the reference path, which is slower. Raises `UserError`, one line,
    for a directory that is missing, foreign, truncated or edited, and for a device that is not there.
    """
    if threads is not None:
        torch.set_num_threads(threads)
    checkpoint = load_checkpoint(model_path(path))
    model = checkpoint.build_model()
    try:
        model = model.to(device=device, dtype=dtype or torch.float32)
    except (RuntimeError, AssertionError) as error:  # torch built without CUDA asserts
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"cannot put the model on device {str(device)!r}: {reason}") from error
    return AutoregressiveSolver(model, checkpoint.vocabulary, checkpoint.format, checkpoint.domain, engine=engine)
