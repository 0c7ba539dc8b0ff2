"""What a training run asks of whatever computes it: torch, or NumPy alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from longhand.data.batches import Batch
from longhand.data.stream import TrainStream
from longhand.runtime import torch_is_installed
from longhand.training.config import RuntimeConfig
from longhand.training.run_config import RunConfig
from longhand.training.selection import BestCheckpoints, EarlyStopping


class Processes(Protocol):
    """The place of this process among all that train together."""

    @property
    def rank(self) -> int:
        """Which of them this is, from 0."""
        ...

    @property
    def world(self) -> int:
        """How many there are."""
        ...

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and talks to the user."""
        ...

    @property
    def device_type(self) -> str:
        """Where they compute: cpu, cuda, mps."""
        ...

    @property
    def machine(self) -> str:
        """The same with the name of the processor, for the checkpoint."""
        ...

    def sum_numbers(self, numbers: Sequence[float]) -> list[float]:
        """The sums of numbers over all processes."""
        ...

    def wait_for_all(self) -> None:
        """Return when every process has come here."""
        ...


class HeldOut(Protocol):
    """A fixed sample of held-out rows; false if nothing is held out."""

    def __bool__(self) -> bool: ...

    def evaluate(self, model: Any) -> dict[str, float]:
        """How `State.evaluated` does on them."""
        ...


class ProofStatus(Protocol):
    """What was found the last time that all windows were looked at."""

    @property
    def is_done(self) -> bool:
        """Whether the model is right after every one of them, with the margin asked for."""
        ...

    @property
    def n_drilled(self) -> int:
        """How many windows were added to batches, since they were nearly wrong."""
        ...

    def report(self) -> str:
        """What is still wrong, in a line."""
        ...


class State(Protocol):
    """The moving parts of a run: step, weights, optimizer, average, sums since the last logged row, selection."""

    step: int
    seconds: float
    best: BestCheckpoints
    early: EarlyStopping | None

    @property
    def proof(self) -> ProofStatus | None:
        """How far the proof is that training is for; None where it is for none."""
        ...

    @property
    def evaluated(self) -> Any:
        """The model that is evaluated and saved: the average if there is one."""
        ...

    @property
    def num_parameters(self) -> int:
        """Trainable numbers, tied weights counted once."""
        ...

    @property
    def grad_norm(self) -> float:
        """Norm of the last gradient before clipping."""
        ...

    def take_step(self, micro_batches: Sequence[Batch], learning_rate: float, *, wants_stop: bool = False) -> bool:
        """Move the weights by the gradient of the mean loss over all tokens that count; whether any process stops."""
        ...

    def prove(self) -> dict[str, Any]:
        """What of the windows of its layout the evaluated model gets wrong, if that is asked for."""
        ...

    def totals(self) -> tuple[float, float, float]:
        """Loss, weight and balance loss, summed since the last logged row."""
        ...

    def start_row(self) -> None:
        """Begin these sums anew."""
        ...

    def weights(self) -> dict[str, NDArray[np.floating[Any]]]:
        """Those of the evaluated model by name, for its checkpoint."""
        ...

    def describe(self, longest: int) -> dict[str, str | int]:
        """What was chosen where the configuration left it open, for rows of `longest` tokens."""
        ...

    def write(self, folder: Path) -> None:
        """Write the state into a `training_state` folder."""
        ...

    def read(self, checkpoint: Path) -> None:
        """Take over the state saved in a checkpoint directory; raises `UserError` if it belongs to another run."""
        ...


class Backend(Protocol):
    """Makes the parts of a run that are computed."""

    def joined(self, runtime: RuntimeConfig) -> AbstractContextManager[Processes]:
        """The processes this run consists of."""
        ...

    def held_out(self, stream: TrainStream, n: int | None, group: Any) -> HeldOut:
        """`n` held-out rows of a stream, shared among the processes."""
        ...

    def fresh_state(self, config: RunConfig, vocab_size: int, group: Any) -> State:
        """The state before the first step; raises `UserError` for a configuration it does not compute."""
        ...


def choose_backend(runtime: RuntimeConfig) -> Backend:
    """NumPy where it is asked for or torch is not installed, else torch."""
    if runtime.engine == "numpy" or (runtime.engine == "auto" and not torch_is_installed()):
        from longhand.training.numpy_backend import NumpyBackend

        return NumpyBackend()
    from longhand.training.torch_backend import TorchBackend

    return TorchBackend()
