"""The `training` and `runtime` sections of a run's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from longhand.errors import UserError
from longhand.training.proof_config import ProofConfig

Metric = Literal["val_loss", "val_exact_match", "val_token_accuracy"]

DEFAULT_STEPS = 10_000
DEFAULT_EVAL_INTERVAL = 500
DEFAULT_MIN_LR_RATIO = 0.1
DEFAULT_MUON_LEARNING_RATE = 0.02
HELD_OUT_PROMPTS = 4


def is_better(metric: Metric, value: float, than: float, *, by: float = 0.0) -> bool:
    """Whether `value` improves on `than` by more than `by`: losses fall, accuracies rise."""
    return value < than - by if metric == "val_loss" else value > than + by


class EarlyStoppingConfig(BaseModel):
    """When to give up: the metric has not improved for `patience` evaluations in a row."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    metric: Metric = Field("val_loss", description="what has to improve")
    patience: int = Field(5, ge=1, description="evaluations without improvement after which training ends (count)")
    min_delta: float = Field(0.0, ge=0, description="smallest change that counts as an improvement (metric's unit)")


class TrainingConfig(BaseModel):
    """How a model is trained. Steps are optimizer steps; epochs exist where data comes from files.

    Every key acts or is refused: a key that has no meaning beside the others may only keep its default.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(0, ge=0, description="seed of the initial weights, the batches, dropout and shifted places")
    batch_size: int = Field(128, ge=1, description="rows per forward pass, over all processes (count)")
    accumulate_grad_batches: int = Field(1, ge=1, description="batches whose gradients make one step (count)")
    max_steps: int | None = Field(
        None, ge=1, description=f"steps after which training ends (default: {DEFAULT_STEPS}, none with max_epochs)"
    )
    max_epochs: float | None = Field(
        None, gt=0, description="epochs after which training ends; with max_steps too, whichever comes first"
    )

    learning_rate: float = Field(1e-3, gt=0, description="highest learning rate (per step)")
    schedule: Literal["constant", "linear", "cosine", "flat_cosine"] = Field(
        "cosine", description="shape of the learning rate after the warm-up"
    )
    warmup_steps: int = Field(0, ge=0, description="steps of linear warm-up (count)")
    warmup_epochs: float | None = Field(None, ge=0, description="the same in epochs, instead of warmup_steps")
    warmup_start_ratio: float = Field(
        0.0, ge=0, le=1, description="learning rate before the first step (of the first epoch) / highest"
    )
    schedule_unit: Literal["step", "epoch"] = Field(
        "step", description="how often the learning rate changes; epoch: every key of the schedule counts whole epochs"
    )
    flat_fraction: float | None = Field(
        None, ge=0, le=1, description="flat_cosine only: share of all steps after which the fall begins (default: 0.5)"
    )
    flat_epochs: float | None = Field(
        None, ge=0, description="flat_cosine only: epoch in which the fall begins, instead of flat_fraction"
    )
    min_lr_ratio: float = Field(
        DEFAULT_MIN_LR_RATIO, ge=0, le=1, description="learning rate at the last step / highest"
    )

    optimizer: Literal["adamw", "adopt", "muon", "sgd"] = Field(
        "adamw",
        description="adamw or adopt for all weights, or muon for the matrices of the blocks and adamw for the rest, or"
        " (engine numpy) sgd",
    )
    momentum: float = Field(0.0, ge=0, lt=1, description="sgd only: share of the last step that is taken again")
    muon_learning_rate: float = Field(
        DEFAULT_MUON_LEARNING_RATE, gt=0, description="muon only: highest learning rate of the matrices of the blocks"
    )
    betas: tuple[float, float] = Field((0.9, 0.999), description="decay of both moments (per step); adopt: 0.9, 0.9999")
    eps: float = Field(1e-8, gt=0, description="added to the root of the second moment; adopt: its least value, 1e-6")
    weight_decay: float = Field(0.1, ge=0, description="AdamW: decay of matrices, times the learning rate (per step)")
    decay_vectors: bool = Field(False, description="AdamW: let biases and norm gains decay too, as torch's does")
    grad_clip: float | None = Field(1.0, gt=0, description="largest gradient norm; longer ones are scaled down")
    freeze: tuple[str, ...] = Field(
        (), description="weights that stay as they begin: their names, * for anything in between (blocks.0.*)"
    )
    ema_decay: float | None = Field(
        None, gt=0, lt=1, description="keep a moving average of the weights (per step), evaluate and save that"
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto",
        description="number format of the matrix products; auto is bf16 where the processor multiplies it faster",
    )

    eval_interval: int | None = Field(
        None, ge=1, description=f"steps between evaluations on held-out problems (default: {DEFAULT_EVAL_INTERVAL})"
    )
    val_check_interval: int | float | None = Field(
        None, gt=0, description="the same in batches (whole number) or as a share of an epoch (1.0 or less)"
    )
    eval_samples: int | None = Field(2000, ge=1, description="held-out problems per evaluation (count); null: all")
    log_interval: int = Field(50, ge=1, description="steps between logged rows (count)")
    save_interval: int | None = Field(
        None, ge=1, description="steps between states to resume from (default: at every evaluation)"
    )
    save_top_k: int = Field(
        1, ge=0, description="best checkpoints kept; the best becomes the model of the run, with 0 the last one does"
    )
    save_metric: Metric = Field("val_exact_match", description="what makes a checkpoint best; of equals the later")
    sample_interval: int = Field(
        0, ge=0, description="steps between sample answers written to samples.jsonl (count); 0: at the end only"
    )
    sample_prompts: tuple[str, ...] | None = Field(
        None, description=f"what is asked for sample answers; default: the first {HELD_OUT_PROMPTS} held-out problems"
    )
    early_stopping: EarlyStoppingConfig | None = Field(None, description="end training when a metric has settled")
    proof: ProofConfig | None = Field(
        None, description="name: windowed only: end training when the model is right after every window there is"
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, values: Any) -> Any:
        if isinstance(values, Mapping) and values.get("optimizer") == "adopt":
            return {"betas": (0.9, 0.9999), "eps": 1e-6, **values}
        return values

    @model_validator(mode="after")
    def _every_key_acts(self) -> Self:
        if self.warmup_steps and self.warmup_epochs is not None:
            raise UserError("training.warmup_steps and warmup_epochs are both set; keep one")
        if self.flat_fraction is not None and self.flat_epochs is not None:
            raise UserError("training.flat_fraction and flat_epochs are both set; keep one")
        if self.eval_interval is not None and self.val_check_interval is not None:
            raise UserError("training.eval_interval and val_check_interval are both set; keep one")
        for key in ("flat_fraction", "flat_epochs"):
            if getattr(self, key) is not None and self.schedule != "flat_cosine":
                raise UserError(
                    f"training.{key} has no effect with schedule: {self.schedule}; use schedule: flat_cosine"
                )
        if self.schedule == "constant" and self.min_lr_ratio not in (DEFAULT_MIN_LR_RATIO, 1.0):
            raise UserError("training.min_lr_ratio has no effect with schedule: constant; remove it")
        if self.warmup_start_ratio and not (self.warmup_steps or self.warmup_epochs):
            raise UserError("training.warmup_start_ratio has no effect without warmup_steps or warmup_epochs")
        if self.schedule_unit == "epoch":
            self._check_schedule_of_epochs()
        if self.decay_vectors and not self.weight_decay:
            raise UserError("training.decay_vectors has no effect with weight_decay: 0; remove it")
        if self.optimizer != "muon" and self.muon_learning_rate != DEFAULT_MUON_LEARNING_RATE:
            raise UserError(
                f"training.muon_learning_rate has no effect with optimizer: {self.optimizer}; use optimizer: muon"
            )
        if self.optimizer != "sgd" and self.momentum:
            raise UserError(f"training.momentum has no effect with optimizer: {self.optimizer}; use optimizer: sgd")
        for key in ("betas", "eps", "weight_decay", "decay_vectors") if self.optimizer == "sgd" else ():
            if getattr(self, key) != type(self).model_fields[key].default:
                raise UserError(f"training.{key} has no effect with optimizer: sgd; remove it or use optimizer: adamw")
        if not all(0 <= beta < 1 for beta in self.betas):
            raise UserError(f"training.betas {list(self.betas)} must both be at least 0 and below 1")
        if self.val_check_interval is not None and self.val_check_interval > 1 and self.val_check_interval % 1:
            raise UserError(
                f"training.val_check_interval {self.val_check_interval:g} is neither a whole number of batches"
                " nor a share of an epoch"
            )
        return self

    def _check_schedule_of_epochs(self) -> None:
        if self.schedule == "constant" and not self.warmup_epochs:
            raise UserError("training.schedule_unit: epoch has no effect on a constant learning rate; remove it")
        if self.warmup_steps:
            raise UserError("training.warmup_steps with schedule_unit: epoch; give whole warmup_epochs instead")
        if self.schedule == "flat_cosine" and self.flat_epochs is None:
            raise UserError("training.schedule_unit: epoch needs flat_epochs, the last epoch before the fall")
        if self.warmup_epochs and not (self.warmup_start_ratio and self.warmup_epochs > 1):
            raise UserError(
                "training.schedule_unit: epoch warms up from warmup_start_ratio in the first of several epochs;"
                " set it above 0, and warmup_epochs above 1 or to 0"
            )
        for key in ("warmup_epochs", "flat_epochs"):
            value = getattr(self, key) or 0
            if value % 1:
                raise UserError(f"training.{key} {value:g} is no whole number, as schedule_unit: epoch needs")

    @property
    def examples_per_step(self) -> int:
        """Rows whose gradients make one optimizer step."""
        return self.batch_size * self.accumulate_grad_batches


class RuntimeConfig(BaseModel):
    """Where and on how much of the machine a run computes; nothing here changes what is computed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="where to compute; auto is cuda where there is one, else cpu"
    )
    threads: int | None = Field(
        None, ge=1, description="CPU threads per process (count; default: 1, processes use cores better than threads)"
    )
    processes: int = Field(1, ge=1, description="data-parallel processes on this machine (count)")
    engine: Literal["auto", "native", "torch", "numpy"] = Field(
        "auto",
        description="how a step is computed: native kernels, plain torch, or NumPy alone; auto is native where it can"
        " be, and numpy where torch is not installed",
    )
    compile: bool = Field(
        False, description="torch engine: compile the loss with torch.compile, on CUDA into CUDA graphs (true/false)"
    )
    micro_batch: int | None = Field(
        None, ge=1, description="rows per pass of the native engine (count; default: what fits in a fixed memory)"
    )
