"""Rows of token ids with the places where the completion and the answer begin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


@dataclass(frozen=True, slots=True)
class TokenArrays:
    """Token sequences of different lengths, padded on the right to one width.

    A row is `[begin] prompt [steps] answer end`. `prompt_lengths` counts the ids before the first one the
    model has to write, `answer_starts` those before the first id of the answer (equal to `prompt_lengths`
    without worked steps), `lengths` all ids with the end mark.
    """

    ids: NDArray[Any]  # [n, width] uint8, or wider for vocabularies above 256 tokens
    prompt_lengths: NDArray[np.int32]  # [n]
    answer_starts: NDArray[np.int32]  # [n]
    lengths: NDArray[np.int32]  # [n]
    pad_id: int

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: NDArray[np.integer[Any]] | slice) -> TokenArrays:
        """The rows at these indices, in this order."""
        return TokenArrays(
            self.ids[rows], self.prompt_lengths[rows], self.answer_starts[rows], self.lengths[rows], self.pad_id
        )

    @property
    def longest(self) -> int:
        """Tokens in the longest row (0 without rows)."""
        return int(self.lengths.max(initial=0))

    def row(self, index: int) -> list[int]:
        """The ids of one row without padding."""
        ids: list[int] = self.ids[index, : self.lengths[index]].tolist()
        return ids


def stack_tokens(rows: list[tuple[list[int], int, int]], vocabulary_size: int, pad_id: int) -> TokenArrays:
    """Pad rows given as (ids, prompt length, answer start) to one width."""
    padded, real = pad_rows([ids for ids, _, _ in rows], pad_id, dtype=id_dtype(vocabulary_size))
    return TokenArrays(
        padded,
        np.array([prompt for _, prompt, _ in rows], dtype=np.int32),
        np.array([answer for _, _, answer in rows], dtype=np.int32),
        real.sum(axis=1, dtype=np.int32),
        pad_id,
    )


def pad_rows(
    rows: Sequence[Sequence[int]], pad_id: int, dtype: DTypeLike = np.int64
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Ids of different lengths padded on the right to one width, [n, width], and which of them are real."""
    lengths = np.array([len(row) for row in rows], dtype=np.int32)
    real = np.arange(lengths.max(initial=0)) < lengths[:, None]
    padded = np.full(real.shape, pad_id, dtype=dtype)
    padded[real] = [token for row in rows for token in row]
    return padded, real


def id_dtype(vocabulary_size: int) -> np.dtype[Any]:
    """The narrowest unsigned integer that holds every id of a vocabulary."""
    return np.min_scalar_type(max(vocabulary_size - 1, 0))
