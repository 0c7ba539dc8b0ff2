"""The plan of the experiment, as it was registered before its results: sizes, budgets, arms, seeds and the rule."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from longhand.errors import UserError
from longhand.models.config import ModelConfig
from longhand.models.trm_config import TrmConfig
from longhand.olympiad.training.config import RecursiveTrainingConfig
from longhand.recipes.recursion.tasks import TASKS, Task

REGISTERED = Path(__file__).parent / "plans" / "ablation.yaml"
"""The plan of the published results."""
SMOKE = REGISTERED.with_name("smoke.yaml")
"""The same experiment in seconds: whether it runs."""

ArmName = Literal["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a8", "a8r", "a9", "a10", "a11"]
TaskName = Literal["C", "A", "M"]


class Sizes(BaseModel):
    """The sizes all models share, and how often the recursive ones pass their net."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    d_model: int = Field(ge=2, description="width of all models (channels)")
    n_heads: int = Field(ge=1, description="attention heads (count)")
    d_ff: int = Field(ge=1, description="hidden width of the MLP (channels)")
    n_layers: int = Field(ge=3, description="blocks of the small model, and of the looped one: as many weights")
    n_latent: int = Field(ge=1, description="refinements of z before one of y (count)")
    t_recursion: int = Field(ge=1, description="rounds of a step (count)")
    n_supervision: int = Field(ge=1, description="steps of the deep supervision (count)")
    rope_theta: float = Field(10_000.0, gt=0, description="base of the wavelengths of rotary positions")
    max_seq_len: int = Field(64, ge=1, description="longest row (tokens)")

    def backbone(self) -> ModelConfig:
        """The small model: a Llama with as many blocks as the looped model has."""
        return ModelConfig(name="llama2", n_layers=self.n_layers, init="scaled", **self._shared())

    def looped(self, n_loops: int) -> ModelConfig:
        """The looped model: a prelude and a coda of one block each, and the loop between them."""
        return ModelConfig(
            name="looped", n_prelude=1, n_layers=self.n_layers - 2, n_coda=1, n_loops=n_loops,
            random_loops=False, **self._shared(),
        )  # fmt: skip

    def net(self, **keys: Any) -> TrmConfig:
        """A net for the states of the backbone; `keys` are what an arm has of its own."""
        own = {"n_layers": 1, "residual": "post", "start": "zeros", "attention": "causal", **keys}
        sizes = {"n_latent": self.n_latent, "t_recursion": self.t_recursion, "n_supervision": self.n_supervision}
        return TrmConfig(**{**self._shared(), **sizes, **own})

    @property
    def passes(self) -> int:
        """Passes through the net in one step of the recursion."""
        return self.t_recursion * (self.n_latent + 1)

    def _shared(self) -> dict[str, Any]:
        return {
            "d_model": self.d_model, "n_heads": self.n_heads, "d_ff": self.d_ff, "max_seq_len": self.max_seq_len,
            "rope_theta": self.rope_theta,
        }  # fmt: skip


class TaskPlan(BaseModel):
    """What one task asks, and what each arm may spend on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    options: Mapping[str, Any] = Field(default_factory=dict, description="levels trained and asked")
    rows: int = Field(ge=1, description="problems of a batch (count)")
    backbone_flops: float = Field(gt=0, description="what the backbone is trained with (operations)")
    flops: float = Field(gt=0, description="what each arm is trained with, passes without gradients among it")
    loops: tuple[int, int] = Field(description="passes of the loop of a9 in training: even between both, inclusive")
    loops_follow_level: bool = Field(False, description="these are added to the level of the batch")
    examples: int = Field(ge=1, description="problems seen at the other ledger's mark (count)")
    arms: tuple[ArmName, ...] = Field(description="arms that run on this task")

    def passes(self, level: int) -> range:
        """The numbers of passes of the loop that are drawn from, for a batch of this level."""
        low, high = (bound + level if self.loops_follow_level else bound for bound in self.loops)
        return range(low, high + 1)


class Plan(BaseModel):
    """The experiment. Raises `UserError`, one line, for what is impossible."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    sizes: Sizes
    tasks: Mapping[TaskName, TaskPlan]
    seeds: tuple[int, ...] = Field(min_length=1, description="seeds of weights and batches")
    training: RecursiveTrainingConfig
    learning_rates: Mapping[ArmName, float] = Field(
        default_factory=dict, description="highest learning rates of arms that have one of their own (per step)"
    )
    asked: int = Field(ge=1, description="problems of each level (count)")
    asked_of_curves: int = Field(ge=1, description="problems of each level in the curves over depth (count)")
    depths: tuple[int, ...] = Field(description="loops, rounds or steps that are tried in answering")
    curve_seeds: int = Field(ge=0, description="seeds that the curves are measured for, the first ones (count)")
    resamples: int = Field(10_000, ge=1, description="bootstrap samples (count)")
    alpha: float = Field(0.05, gt=0, lt=1, description="significance after Holm's correction")

    @model_validator(mode="after")
    def _is_possible(self) -> Self:
        for name, task in self.tasks.items():
            if "a10" in task.arms and not {"a6", "a8"} <= set(task.arms):
                raise UserError(f"a10 on task {name} asks a8 at the cost of a6: run those two arms as well")
            if "a11" in task.arms and not TASKS[name].whole_answers:
                raise UserError(f"a11 writes whole answers, which task {name} does not have")
        return self

    def learning_rate(self, arm: str, step: int) -> float:
        """It rises for as many updates as the warm-up has, and then stays."""
        highest = {str(name): rate for name, rate in self.learning_rates.items()}.get(arm, self.training.learning_rate)
        return highest * min(1.0, (step + 1) / max(1, self.training.warmup_steps))

    def own_loops(self, name: TaskName) -> int:
        """Passes of the loop of a9 when it answers: as many as it was trained with at most."""
        return max(self.tasks[name].passes(max(self.task(name).trained)))

    def task(self, name: TaskName) -> Task:
        """The task of that name with the plan's levels."""
        return TASKS[name](**self.tasks[name].options)


def load_plan(path: Path) -> Plan:
    """Read a plan; raises `UserError`, one line, for a file that is none."""
    try:
        return Plan.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"cannot read the plan {path}: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "it"
        raise UserError(f"{path} is no plan of this experiment: {where}: {first['msg']}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{path} is no YAML: {str(error).splitlines()[0]}") from error
