"""Training by torch: natively where there are kernels for the model, else by autograd."""

from __future__ import annotations

from contextlib import AbstractContextManager

from longhand.data.stream import TrainStream
from longhand.models.build import build_model
from longhand.training.config import RuntimeConfig
from longhand.training.distributed import Group, joined
from longhand.training.held_out import HeldOutRows
from longhand.training.run_config import RunConfig
from longhand.training.state import TrainingState, fresh_state


class TorchBackend:
    """Makes the parts of a run that torch computes."""

    def joined(self, runtime: RuntimeConfig) -> AbstractContextManager[Group]:
        """The processes torchrun started, or this one alone."""
        return joined(runtime)

    def held_out(self, stream: TrainStream, n: int | None, group: Group) -> HeldOutRows:
        """`n` held-out rows of a stream, shared among the processes."""
        return HeldOutRows(stream, n, group)

    def fresh_state(self, config: RunConfig, vocab_size: int, group: Group) -> TrainingState:
        """The state before the first step; the weights depend on the seed and on nothing else."""
        model = build_model(config.model, vocab_size, seed=config.training.seed)
        return fresh_state(model.to(group.device), config.training, config.runtime, group)
