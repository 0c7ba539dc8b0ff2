"""Training batches: shifted inputs and targets, and the weights of the loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.data.config import Loss, Padding
from longhand.data.tokens import TokenArrays


@dataclass(frozen=True, slots=True)
class Batch:
    """One step of next-token prediction over `B` rows and `T` positions."""

    input_ids: NDArray[np.int64]  # [B, T]
    targets: NDArray[np.int64]  # [B, T], the token after each input
    weights: NDArray[np.float32]  # [B, T], 1 where the loss counts, else 0
    attention_mask: NDArray[np.bool_]  # [B, T], false on padding
    n_keep: int  # columns, counted from the right, outside which every weight is 0

    def __len__(self) -> int:
        return len(self.input_ids)

    def rows(self, start: int, stop: int) -> Batch:
        """A slice of the rows that keeps the width and `n_keep` of the whole batch."""
        return Batch(
            self.input_ids[start:stop],
            self.targets[start:stop],
            self.weights[start:stop],
            self.attention_mask[start:stop],
            self.n_keep,
        )

    def take(self, rows: NDArray[np.integer[Any]]) -> Batch:
        """The rows at these indices, in this order, with the width and `n_keep` of the whole batch."""
        return Batch(
            self.input_ids[rows], self.targets[rows], self.weights[rows], self.attention_mask[rows], self.n_keep
        )

    def parts_by_length(self, stretch: float = 1.5) -> Iterator[Batch]:
        """The rows in parts, each as wide as its longest row, which is at most `stretch` times as long as its shortest.

        Where a few rows are long, most of a batch is padding: this is what not to compute. A batch that needs one
        part is that part, as it is.
        """
        lengths = self.attention_mask.sum(axis=1)
        if lengths.max(initial=0) <= stretch * lengths.min(initial=self.attention_mask.shape[1]):
            yield self
            return
        left = np.ones(len(self), dtype=np.bool_)
        while left.any():
            rows = np.flatnonzero(left & (lengths <= stretch * lengths[left].min()))
            left[rows] = False
            part = self.take(rows)
            real = np.flatnonzero(part.attention_mask.any(axis=0))
            counted = np.flatnonzero(part.weights.any(axis=0))
            stop = int(real[-1]) + 1
            columns = slice(int(real[0]), stop)
            yield Batch(
                part.input_ids[:, columns],
                part.targets[:, columns],
                part.weights[:, columns],
                part.attention_mask[:, columns],
                n_keep=stop - int(counted[0]) if len(counted) else 1,
            )


def make_batch(tokens: TokenArrays, loss: Loss = "completion", padding: Padding = "right") -> Batch:
    """Turn token rows into a batch as wide as its longest row.

    `loss` chooses the targets that count: `answer` from the first token of the answer, `completion` from the
    first token after the prompt, `full` every token that follows another; each up to and including the end
    mark. Masks come from positions, never from ids, so a pad id that equals the end mark does no harm.
    """
    width = tokens.longest
    ids = tokens.ids[:, :width]
    columns = np.arange(width, dtype=np.int32)  # [width]
    shift = width - tokens.lengths if padding == "left" else np.zeros_like(tokens.lengths)
    if padding == "left":
        source = columns - shift[:, None]
        ids = np.where(source < 0, ids.dtype.type(tokens.pad_id), np.take_along_axis(ids, source.clip(0), axis=1))
    first = {"answer": tokens.answer_starts, "completion": tokens.prompt_lengths, "full": np.ones_like(shift)}[loss]
    begin = (shift + np.maximum(first, 1))[:, None]
    end = (shift + tokens.lengths)[:, None]
    weights = (columns >= begin) & (columns < end)  # [B, width]
    real = (columns >= shift[:, None]) & (columns < end)
    return Batch(
        input_ids=np.ascontiguousarray(ids[:, :-1], dtype=np.int64),
        targets=np.ascontiguousarray(ids[:, 1:], dtype=np.int64),
        weights=np.ascontiguousarray(weights[:, 1:], dtype=np.float32),
        attention_mask=np.ascontiguousarray(real[:, :-1]),
        n_keep=int(width - begin.min(initial=width)),
    )
