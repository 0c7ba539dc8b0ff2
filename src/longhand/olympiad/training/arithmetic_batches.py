"""The arithmetic that all our models learn, as batches for a recursive head on one of them."""

from __future__ import annotations

import numpy as np

from longhand.data.batches import Batch
from longhand.data.stream import TrainStream
from longhand.errors import UserError
from longhand.models.token_loss import IGNORED
from longhand.olympiad.training.batches import Rows


class ArithmeticBatches:
    """The batches of a stream, of which `steps_per_epoch` make an epoch; the stream itself has no end."""

    def __init__(self, stream: TrainStream, steps_per_epoch: int) -> None:
        if steps_per_epoch < 1:
            raise UserError(f"steps_per_epoch is {steps_per_epoch}; give at least 1")
        self.stream, self._steps_per_epoch = stream, steps_per_epoch

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return self._steps_per_epoch

    def __getitem__(self, step: int) -> Rows:
        return as_rows(self.stream.batch(step))


def as_rows(batch: Batch) -> Rows:
    """Inputs and targets, one place apart, as ids and labels in the same places."""
    ids = np.concatenate([batch.input_ids[:, :1], batch.targets], axis=1)
    ids[:, :-1] = batch.input_ids
    labels = np.full_like(ids, IGNORED)
    labels[:, 1:][batch.weights > 0] = batch.targets[batch.weights > 0]
    mask = np.concatenate([batch.attention_mask, batch.weights[:, -1:] > 0], axis=1)
    return Rows(ids, labels, mask)
