"""The `tracking` section of a run's configuration."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longhand.errors import UserError
from longhand.runs.tracker_choice import Logger

DEFAULT_PROJECT = "longhand"


class TrackingConfig(BaseModel):
    """Where metrics go beside the run's own metrics.jsonl and metrics.csv; nothing here changes what is computed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    logger: Logger = Field("none", description="tensorboard: event files in the run; wandb: Weights & Biases; or none")
    project: str = Field(DEFAULT_PROJECT, description="wandb only: the project the run belongs to")
    name: str | None = Field(None, description="wandb only: what to call the run (default: its output directory)")
    group: str | None = Field(None, description="wandb only: runs that belong together")

    @model_validator(mode="after")
    def _every_key_acts(self) -> Self:
        if self.logger != "wandb":
            for key, default in (("project", DEFAULT_PROJECT), ("name", None), ("group", None)):
                if getattr(self, key) != default:
                    raise UserError(
                        f"tracking.{key} has no effect with logger: {self.logger}; remove it or use logger: wandb"
                    )
        return self
