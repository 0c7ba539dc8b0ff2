"""What computes the gradients of a step: the fused pass where it can, or None, and then autograd does."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray

from longhand.data.batches import Batch
from longhand.errors import UserError
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.models.fused import FusedDecoder, why_not_fused
from longhand.models.rows import RowPlan, plan_rows
from longhand.native.build import cpu_features
from longhand.native.library import status
from longhand.training.config import RuntimeConfig, TrainingConfig

BYTES_PER_PASS = 96 * 2**20
"""What a pass may keep for its way back: more rows share more beginnings, fewer stay in the processor's cache."""


class NativeEngine:
    """Adds the gradients of batches to a model's, some examples at a time."""

    def __init__(
        self, model: Decoder, parameters: FlatParameters, dtype: torch.dtype, micro_batch: int | None = None
    ) -> None:
        self.fused = FusedDecoder(model, parameters, dtype)
        self.micro_batch = micro_batch
        self._bytes_per_row = bytes_per_row(model.config, dtype)

    def examples_per_pass(self, time: int) -> int:
        """How many examples of `time` tokens go through the model at once."""
        return self.micro_batch or max(1, BYTES_PER_PASS // (self._bytes_per_row * time))

    def add_gradients(self, batch: Batch, factor: float) -> float:
        """Add the gradient of `factor` times the loss of a batch; returns that loss: nats, summed over its weights.

        Examples are taken from the shortest to the longest, since sixteen neighbours take the time of the longest of
        them in attention; a pass holds as many of them as there is room for.
        """
        lengths = batch.attention_mask.sum(axis=1)
        order = np.argsort(lengths, kind="stable")
        loss = 0.0
        for examples in self._passes(lengths[order], order):
            plan, targets, weights = plan_batch(batch.take(examples), self.fused.vocab_size)
            loss += self.fused.add_gradients(plan, targets, weights, factor)
        return loss

    def _passes(self, lengths: NDArray[np.int64], order: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
        """Parts of `order`, whose examples have these lengths, ascending."""
        start = 0
        while start < len(order):
            size = self.micro_batch
            if size is None:
                room = BYTES_PER_PASS // self._bytes_per_row
                tokens = np.cumsum(lengths[start:])
                size = max(1, int(np.searchsorted(tokens, room, side="right")))
            yield order[start : start + size]
            start += size


def build_engine(
    model: Decoder, parameters: FlatParameters, training: TrainingConfig, runtime: RuntimeConfig
) -> NativeEngine | None:
    """The engine a configuration asks for, None for autograd.

    Raises `UserError` if it asks for native kernels that cannot compute this model.
    """
    reason = why_not_fused(model)
    if runtime.engine == "native" and runtime.compile:
        raise UserError("runtime.compile is for the torch engine; set runtime.engine: torch or compile: false")
    if runtime.engine == "native" and reason is not None:
        raise UserError(f"runtime.engine native cannot train this model ({reason}); use auto")
    if runtime.engine == "torch" or reason is not None or runtime.compile:
        if runtime.micro_batch is not None:
            raise UserError("runtime.micro_batch is for the native engine; use training.accumulate_grad_batches")
        return None
    dtype = torch.bfloat16 if uses_bf16(training, torch.device("cpu")) else torch.float32
    return NativeEngine(model, parameters, dtype, runtime.micro_batch)


def uses_bf16(training: TrainingConfig, device: torch.device) -> bool:
    """Whether products are computed in bfloat16: as configured, or where the processor has instructions for it."""
    if training.precision != "auto":
        return training.precision == "bf16"
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return device.type == "cpu" and not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(cpu_features())


def describe(
    model: Decoder, engine: NativeEngine | None, training: TrainingConfig, runtime: RuntimeConfig, world: int, time: int
) -> dict[str, str | int]:
    """What was chosen where the configuration left it open; for the log and the checkpoint."""
    device = next(model.parameters()).device
    chosen: dict[str, str | int] = {
        "processes": world,
        "threads": torch.get_num_threads(),
        "precision": "bf16" if uses_bf16(training, device) else "fp32",
        "engine": "torch, compiled" if runtime.compile else "torch",
    }
    if engine is not None:
        rows = training.batch_size // world
        chosen |= {"engine": f"native ({status()})", "micro_batch": min(rows, engine.examples_per_pass(time))}
    return chosen


def plan_batch(batch: Batch, vocab_size: int) -> tuple[RowPlan, NDArray[np.int64], NDArray[np.float32]]:
    """The rows of a batch, and the targets and weights [B, T - keep] of the columns where any weight counts."""
    ids, targets, weights, mask = batch.input_ids, batch.targets, batch.weights, batch.attention_mask
    length = mask.sum(axis=1, dtype=np.int32)
    shift = mask.argmax(axis=1)  # padding on the left; positions count real tokens only
    if shift.any():
        source = (np.arange(ids.shape[1]) + shift[:, None]) % ids.shape[1]
        ids, targets = np.take_along_axis(ids, source, axis=1), np.take_along_axis(targets, source, axis=1)
        weights = np.take_along_axis(weights, source, axis=1)
    longest = int(length.max())  # of these examples, which may be shorter than others of their batch
    ids, targets, weights = ids[:, :longest], targets[:, :longest], weights[:, :longest]
    counted = weights.any(axis=0)
    keep = int(counted.argmax()) if counted.any() else ids.shape[1] - 1
    return plan_rows(ids, length, vocab_size, keep), targets[:, keep:], weights[:, keep:]


def bytes_per_row(config: ModelConfig, dtype: torch.dtype) -> int:
    """What the forward pass keeps of each token for the backward pass, nearly."""
    d, up = config.d_model, config.d_ff * (2 if config.mlp == "swiglu" else 1)
    kv = 2 * config.n_kv_heads * (d // config.n_heads)
    in_products = 6 * d + kv + up + config.d_ff  # two norms, q, k and v, gathered, out, down; the MLP
    return config.n_layers * (in_products * dtype.itemsize + 2 * d * 4)
