"""The `training.proof` section of a run's configuration."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ProofConfig(BaseModel):
    """When a windowed model is proved, and whether what it still gets wrong is practised."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    min_margin: float = Field(
        0.5, ge=0, description="training ends when the right token leads by more than this after every window (logits)"
    )
    drill_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="windows that were nearly wrong at the last evaluation, added to each batch, at most this share of"
        " its tokens and each at most once",
    )
    drill_margin: float = Field(1.0, gt=0, description="lead below which a window counts as nearly wrong (logits)")
