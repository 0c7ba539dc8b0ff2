"""Shuffled batches of a store, each a function of seed and step: to resume is to go on counting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from longhand.data.keyed import keyed_generator
from longhand.errors import UserError
from longhand.olympiad.data.chat import IGNORED
from longhand.olympiad.data.store import TokenStore

Side = Literal["left", "right"]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class WordProblemBatch:
    """Rows of equal length: `ids`, `labels` and `mask` (True where a row is) are [B, T]; `rows` [B] are their indexes.

    `labels` are the ids themselves, `IGNORED` on prompt and padding: the shift by one is the model's matter.
    """

    ids: Ints
    labels: Ints
    mask: npt.NDArray[np.bool_]
    rows: Ints


class ShuffledBatches:
    """The batches of a store in an order of their own for every epoch and seed.

    Every epoch has every row once (`drop_last` leaves out what does not fill a batch). With `bucket` above 1, rows of
    similar length come together: so many batches are drawn at once, sorted by length, and handed out in random order.
    Raises `UserError` if there is no batch in an epoch.
    """

    def __init__(
        self,
        store: TokenStore,
        batch_size: int,
        *,
        seed: int = 0,
        padding: Side = "right",
        bucket: int = 1,
        drop_last: bool = False,
    ) -> None:
        if batch_size < 1 or bucket < 1:
            raise UserError(f"batch_size {batch_size} and bucket {bucket} have to be 1 or more")
        if padding not in ("left", "right"):
            raise UserError(f"padding {padding!r} is neither left nor right")
        self.store, self.batch_size, self.seed = store, batch_size, seed
        self.padding, self.bucket, self.drop_last = padding, bucket, drop_last
        self.steps_per_epoch = len(store) // batch_size if drop_last else -(-len(store) // batch_size)
        if not self.steps_per_epoch:
            raise UserError(f"{len(store)} rows make no batch of {batch_size}; lower batch_size")
        self._epoch, self._order = -1, np.zeros(0, dtype=np.int64)

    def rows(self, step: int) -> Ints:
        """The row indexes of a step, counted from 0 over all epochs."""
        epoch, position = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._order = epoch, self._order_of(epoch)
        return self._order[position * self.batch_size : (position + 1) * self.batch_size]

    def __getitem__(self, step: int) -> WordProblemBatch:
        return padded(self.store, self.rows(step), self.padding)

    def _order_of(self, epoch: int) -> Ints:
        generator = keyed_generator(self.seed, "word problems", epoch)
        order = generator.permutation(len(self.store))
        if self.drop_last:
            order = order[: self.steps_per_epoch * self.batch_size]
        if self.bucket == 1:
            return order
        lengths = self.store.lengths
        window = self.bucket * self.batch_size
        batches = []
        for start in range(0, len(order), window):
            drawn = order[start : start + window]
            drawn = drawn[np.argsort(lengths[drawn], kind="stable")]
            batches += [drawn[i : i + self.batch_size] for i in range(0, len(drawn), self.batch_size)]
        full = [batch for batch in batches if len(batch) == self.batch_size]
        rest = [batch for batch in batches if len(batch) < self.batch_size]  # stays last, so that steps stay aligned
        shuffled = [full[i] for i in generator.permutation(len(full))] + rest
        return np.concatenate(shuffled)


def padded(store: TokenStore, rows: Ints, padding: Side = "right") -> WordProblemBatch:
    """These rows of a store, filled up to the longest of them."""
    starts, ends = store.offsets[rows], store.offsets[rows + 1]
    shape = len(rows), int((ends - starts).max())
    ids = np.full(shape, store.pad_id, dtype=np.int64)
    labels = np.full(shape, IGNORED, dtype=np.int64)
    mask = np.zeros(shape, dtype=np.bool_)
    for i, (start, end, asked) in enumerate(zip(starts, ends, store.prompt_lengths[rows], strict=True)):
        first = 0 if padding == "right" else shape[1] - int(end - start)
        last = first + int(end - start)
        ids[i, first:last] = store.ids[start:end]
        labels[i, first + asked : last] = ids[i, first + asked : last]
        mask[i, first:last] = True
    return WordProblemBatch(ids, labels, mask, rows)
