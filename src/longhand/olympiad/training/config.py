"""How a recursive model is trained."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from longhand.errors import UserError
from longhand.training.config import TrainingConfig
from longhand.training.schedule import Schedule


class RecursiveTrainingConfig(BaseModel):
    """Settings of a run; a step is an optimizer step, of which every batch gets one per step of the supervision."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(0, ge=0, description="seed of the initial weights and of what is drawn in training")
    epochs: int = Field(1, ge=1, description="times all batches are visited (count)")
    max_steps: int | None = Field(None, ge=1, description="optimizer steps after which training ends, if earlier")
    accumulate_grad_batches: int = Field(1, ge=1, description="batches whose gradients make one step (count)")
    learning_rate: float = Field(1e-4, gt=0, description="highest learning rate (per step)")
    schedule: Literal["constant", "linear", "cosine"] = Field(
        "cosine", description="shape of the learning rate after the warm-up"
    )
    warmup_steps: int = Field(0, ge=0, description="steps of linear warm-up (count)")
    min_lr_ratio: float = Field(0.1, ge=0, le=1, description="learning rate at the last step / highest")
    betas: tuple[float, float] = Field((0.9, 0.95), description="decay of both moments (per step)")
    eps: float = Field(1e-8, gt=0, description="added to the root of the second moment")
    weight_decay: float = Field(0.1, ge=0, description="decay of matrices, times the learning rate (per step)")
    grad_clip: float | None = Field(1.0, gt=0, description="largest gradient norm; longer ones are scaled down")
    ema_decay: float | None = Field(
        0.999, gt=0, lt=1, description="keep a moving average of the weights in float32, evaluate and save that"
    )
    precision: Literal["fp32", "bf16"] = Field("fp32", description="matrix products; weights are float32 in both")
    compile: bool = Field(False, description="compile the net with torch.compile (true/false)")
    save_interval: int | None = Field(
        None, ge=1, description="steps between states to resume from (default: at the end only)"
    )

    def adamw(self) -> TrainingConfig:
        """The settings of the optimizer, as `longhand.training` has them."""
        return TrainingConfig(betas=self.betas, eps=self.eps, weight_decay=self.weight_decay)

    def plan(self, total_steps: int) -> Schedule:
        """The learning rate over `total_steps`; raises `UserError` for a warm-up that outlasts them."""
        if self.warmup_steps > total_steps:
            raise UserError(
                f"the warm-up of {self.warmup_steps} steps is longer than the training of {total_steps};"
                " lower warmup_steps"
            )
        return Schedule(
            shape=self.schedule,
            peak=self.learning_rate,
            start=0.0,
            floor=self.learning_rate * self.min_lr_ratio,
            warmup=self.warmup_steps,
            decay_start=self.warmup_steps,
            total=total_steps,
        )
