"""Training by NumPy alone: one process, one number type, the gpt2 family."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from longhand.data.batches import Batch, make_batch
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.numpy_gpt.fits import check_fits
from longhand.numpy_gpt.loss import cross_entropy, equally_long
from longhand.numpy_gpt.model import NumpyGPT
from longhand.numpy_gpt.parameters import initial_parameters
from longhand.runtime import is_worker
from longhand.training.config import RuntimeConfig
from longhand.training.numpy_state import NumpyState, fresh_numpy_state
from longhand.training.run_config import RunConfig

ROWS_PER_PASS = 1024

_NOT_FOR_NUMPY = {
    "processes": "set processes: 1",
    "device": "set device: cpu",
    "threads": "set the threads of NumPy's own library, for example OPENBLAS_NUM_THREADS",
    "compile": "set compile: false",
    "micro_batch": "use training.accumulate_grad_batches",
}


@dataclass(frozen=True, slots=True)
class OneProcess:
    """A run that consists of this process."""

    rank: int = 0
    world: int = 1
    is_main: bool = True
    device_type: str = "cpu"

    @property
    def machine(self) -> str:
        """Where it computes, for the checkpoint."""
        return f"cpu ({platform.machine()})"

    def sum_numbers(self, numbers: Sequence[float]) -> list[float]:
        """The numbers."""
        return list(numbers)

    def wait_for_all(self) -> None:
        """Return."""


class NumpyBackend:
    """Makes the parts of a run that NumPy computes."""

    @contextmanager
    def joined(self, runtime: RuntimeConfig) -> Iterator[OneProcess]:
        """Be alone; raises `UserError` for settings of the other engines."""
        for key, remedy in _NOT_FOR_NUMPY.items():
            value = getattr(runtime, key)
            if value not in (RuntimeConfig.model_fields[key].default, "cpu"):
                raise UserError(f"runtime.{key} {value} is not for the numpy engine; {remedy}")
        if is_worker():
            raise UserError("the numpy engine trains in one process; start it without torchrun")
        yield OneProcess()

    def held_out(self, stream: TrainStream, n: int | None, group: OneProcess) -> NumpyHeldOut:
        """`n` held-out rows of a stream."""
        return NumpyHeldOut(stream, n)

    def fresh_state(self, config: RunConfig, vocab_size: int, group: OneProcess) -> NumpyState:
        """The state before the first step; the weights depend on the seed and on nothing else."""
        training = config.training
        check_fits(config.model)
        if config.model.dropout:
            raise UserError(f"model.dropout {config.model.dropout:g} is not for the numpy engine; set dropout: 0")
        if training.optimizer not in ("adamw", "sgd"):
            raise UserError(f"training.optimizer {training.optimizer} is not for the numpy engine; use adamw or sgd")
        if training.freeze:
            raise UserError("training.freeze is not for the numpy engine; leave it out or use another engine")
        if training.precision == "bf16":
            raise UserError("training.precision bf16 is not for the numpy engine; use auto or fp32")
        model = NumpyGPT(config.model, initial_parameters(config.model, vocab_size, training.seed))
        return fresh_numpy_state(model, training)


class NumpyHeldOut:
    """A fixed sample of held-out rows; false if nothing is held out.

    A row is right when the most likely token is the target everywhere from the end of the prompt to the end mark,
    fed with the right tokens before it. Greedy decoding then writes exactly that row.
    """

    def __init__(self, stream: TrainStream, n: int | None) -> None:
        self.total = len(tokens := stream.source.held_out("val", n).tokens)
        self.reads_prompts = stream.config.loss == "full"
        self.parts: list[tuple[Batch, Batch]] = []  # where the loss counts, and where the model has to write
        for start in range(0, self.total, ROWS_PER_PASS):
            rows = tokens.take(slice(start, start + ROWS_PER_PASS))
            counted, written = make_batch(rows, stream.config.loss), make_batch(rows, "completion")
            # Every row counts up to its end mark in both, and so both have the same buckets.
            self.parts += zip(equally_long(counted), equally_long(written), strict=True)

    def __bool__(self) -> bool:
        return self.total > 0

    def evaluate(self, model: NumpyGPT) -> dict[str, float]:
        """Loss (nats per counted token), exact match and token accuracy of the completion.

        Where the loss counts prompts too, also the accuracy of all tokens it counts.
        """
        weight = loss_sum = exact = hits = tokens = counted = 0.0
        for part, written in self.parts:
            logits, _ = model.forward(part.input_ids)
            right = logits.argmax(axis=-1) == part.targets
            asked = written.weights > 0
            loss_sum += cross_entropy(logits, part.targets, part.weights)[0]
            weight += float(part.weights.sum())
            exact += int((right | ~asked).all(axis=1).sum())
            hits, tokens = hits + int((right & asked).sum()), tokens + int(asked.sum())
            counted += int((right & (part.weights > 0)).sum())
        measured = {
            "val_loss": loss_sum / weight,
            "val_exact_match": exact / self.total,
            "val_token_accuracy": hits / tokens,
            "val_total": self.total,
        }
        return measured | ({"val_token_accuracy_all": counted / weight} if self.reads_prompts else {})
