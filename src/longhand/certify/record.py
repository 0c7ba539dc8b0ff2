"""A certificate beside the weights it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from longhand.atomic import write_json
from longhand.certify.windowed import certify_windows
from longhand.errors import UserError
from longhand.runs.certificate import CERTIFICATE
from longhand.runs.checkpoint import load_checkpoint
from longhand.runs.manifest import write_manifest
from longhand.solvers.load import solver_of
from longhand.solvers.windowed import WindowedSolver


def certify_model(directory: Path) -> dict[str, Any]:
    """Prove the model of a checkpoint directory and write `certificate.json` into it; returns the certificate.

    Raises `UserError` for a model whose windows cannot be listed, and `NotCertifiedError`, having written nothing, for
    one that is wrong about a window.
    """
    checkpoint = load_checkpoint(directory)
    solver = solver_of(checkpoint)
    if not isinstance(solver, WindowedSolver):
        raise UserError(
            f"{directory} is no windowed model (model.block is {checkpoint.model.get('block', 'attention')}): what it"
            " writes may depend on all that came before, so there is no finite list to check"
        )
    report = certify_windows(directory, checkpoint, solver)
    write_json(directory / CERTIFICATE, report)
    write_manifest(directory)
    return report
