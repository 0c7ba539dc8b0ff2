"""Next-token cross-entropy where the loss counts, and its gradient, batch by batch of equally long rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from longhand.data.batches import Batch
from longhand.numpy_gpt.model import Ints, NumpyGPT
from longhand.numpy_gpt.parameters import Floats


def cross_entropy(logits: Floats, targets: Ints, weights: Floats) -> tuple[float, Floats]:
    """The weighted sum of -log softmax(logits)[target] in nats, and its gradient by `logits` [batch, time, vocab].

    Where the weight is 0, as on padding and on the prompt, nothing is lost and nothing flows back.
    """
    moved = logits - logits.max(axis=-1, keepdims=True)
    exponentials = np.exp(moved)
    sums = exponentials.sum(axis=-1, keepdims=True)
    chosen = targets[..., None]
    losses = np.log(sums) - np.take_along_axis(moved, chosen, axis=-1)
    d_logits = exponentials / sums  # softmax, less 1 at the target
    np.put_along_axis(d_logits, chosen, np.take_along_axis(d_logits, chosen, axis=-1) - 1, axis=-1)
    d_logits *= weights[..., None]
    return float((losses[..., 0] * weights).sum(dtype=np.float64)), d_logits


def add_gradients(model: NumpyGPT, batch: Batch, factor: float) -> float:
    """Add the gradient of `factor` times the loss of a batch; returns that loss: nats, summed over its weights."""
    total = 0.0
    for rows in equally_long(batch):
        keep = rows.n_keep
        logits, tape = model.forward(rows.input_ids, keep=keep)
        weights = rows.weights[:, -keep:].astype(logits.dtype)
        loss, d_logits = cross_entropy(logits, rows.targets[:, -keep:], weights)
        model.backward(d_logits * logits.dtype.type(factor), tape)
        total += loss
    return total


def equally_long(batch: Batch) -> Iterator[Batch]:
    """The rows of a batch in buckets of one length each, up to the last token that counts, without padding.

    No mask is needed and no padding is computed, on whichever side it stood; rows in which nothing counts are left
    out.
    """
    counted = batch.weights > 0
    first = batch.attention_mask.argmax(axis=1)
    lengths = counted.shape[1] - counted[:, ::-1].argmax(axis=1) - first
    for length in np.unique(lengths[counted.any(axis=1)]).tolist():
        rows = np.flatnonzero((lengths == length) & counted.any(axis=1))
        columns = first[rows, None] + np.arange(length)
        ids = np.take_along_axis(batch.input_ids[rows], columns, axis=1)
        targets = np.take_along_axis(batch.targets[rows], columns, axis=1)
        weights = np.take_along_axis(batch.weights[rows], columns, axis=1)
        n_keep = length - int(weights.any(axis=0).argmax())
        yield Batch(ids, targets, weights, np.ones(ids.shape, np.bool_), n_keep)
