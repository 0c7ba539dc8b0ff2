"""What a run measures, for Weights & Biases."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

from longhand.atomic import write_json
from longhand.errors import UserError
from longhand.runs.tracker import Value

FOLDER, RUN_ID = "wandb", "wandb.json"


class WandbTracker:
    """Logs values to one run of Weights & Biases, whose id is kept in the run's `wandb.json`.

    Opened with `resume`, it goes on with that run. The axis of all values is `step`, so that steps which a resumed run
    takes again lie over the old ones. Whether anything leaves the machine is for wandb to decide: WANDB_MODE=offline
    keeps it here. Raises `UserError` where wandb refuses to start.
    """

    def __init__(
        self,
        directory: Path,
        config: Mapping[str, Any],
        *,
        project: str,
        name: str | None = None,
        group: str | None = None,
        resume: bool = False,
    ) -> None:
        import wandb

        run_id = (_kept_id(directory) if resume else None) or uuid4().hex[:8]
        write_json(directory / RUN_ID, {"id": run_id, "project": project})
        try:
            self._run = wandb.init(
                project=project, name=name or directory.name, group=group, id=run_id, resume="allow",
                dir=str(directory), config=dict(config), reinit="create_new",
                settings=wandb.Settings(console="off"),  # the terminal is ours; logs/training.log has what is said
            )  # fmt: skip
        except wandb.errors.Error as error:
            reason = str(error).strip().splitlines()[0]
            raise UserError(
                f"Weights & Biases does not start ({reason}); call `wandb login` yourself, set WANDB_MODE=offline,"
                " or use tracking.logger: none"
            ) from error
        self._run.define_metric("*", step_metric="step")

    def log(self, step: int, values: Mapping[str, Value]) -> None:
        """Record all values that are there."""
        self._run.log({"step": step, **{key: value for key, value in values.items() if value is not None}})

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


def _kept_id(directory: Path) -> str | None:
    try:
        return str(json.loads((directory / RUN_ID).read_text(encoding="utf-8"))["id"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
