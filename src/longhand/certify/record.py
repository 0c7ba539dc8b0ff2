"""A certificate beside the weights it is about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from longhand.certify.windowed import certify_windows
from longhand.errors import UserError
from longhand.runs.certificate import Certificate
from longhand.runs.checkpoint import TRAINING_STATE, load_checkpoint, save_checkpoint
from longhand.solvers.load import solver_of
from longhand.solvers.windowed import WindowedSolver


def certify_model(directory: Path) -> dict[str, Any]:
    """Prove the model of a checkpoint directory and write `certificate.json` into it; returns the certificate.

    Raises `UserError` for a model whose windows cannot be listed, and `NotCertifiedError`, having written nothing, for
    one that is wrong about a window.
    """
    if (directory / TRAINING_STATE).exists():
        raise UserError(f"{directory} is a state of a run; certify the model the run ends with")
    checkpoint = load_checkpoint(directory, with_certificate=False)
    solver = solver_of(checkpoint)
    if not isinstance(solver, WindowedSolver):
        raise UserError(
            f"{directory} is no windowed model (model.block is {checkpoint.model.get('block', 'attention')}): what it"
            " writes may depend on all that came before, so there is no finite list to check"
        )
    report = certify_windows(directory, checkpoint, solver)
    save_checkpoint(directory, replace(checkpoint, certificate=Certificate(report)))
    return report
