"""Which tokens of a batch have to be computed, and which are the same as others."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.native.kernels import Kernels

Int32 = NDArray[np.int32]


@dataclass(frozen=True)
class RowPlan:
    """A batch of `B` examples and `T` positions as the list of its `N` different beginnings.

    What a causal model computes at a token depends on the tokens up to it alone. So examples that begin alike share the
    rows of their beginning, and padding has no rows. Rows stand in the order of positions: those from a position
    on are the last ones. Before the first attention a row depends on its token and position only, so there are just
    `U` different `entries`.

    Matrix products are compiled for each number of rows they meet, which takes longer than a small one itself. So rows
    of no example, `idle` ones, and entries of no row round all these numbers up.
    """

    row_of: Int32  # [B, T] row of each token, -1 on padding
    length: Int32  # [B] tokens of each example
    own: Int32  # [B] the first position from which on the example's rows are computed for it
    token: Int32  # [N] id of each row
    position: Int32  # [N]
    n_shared: int  # rows that several examples may have, the first ones
    keep: int  # the first position whose logits are wanted
    first_kept: int  # the first row whose logits are wanted; all later ones are, but for idle ones
    idle: tuple[slice, slice]  # rows of no example: the last ones before `first_kept`, and the last ones of all

    entry_token: Int32  # [U] id of each entry
    entry_position: Int32  # [U]
    entry_of_row: Int32  # [N]

    @property
    def n_rows(self) -> int:
        """Number of rows, with the idle ones."""
        return len(self.token)

    @property
    def n_kept(self) -> int:
        """Number of rows whose logits are wanted."""
        return len(self.token) - self.first_kept

    @property
    def n_entries(self) -> int:
        """Number of different pairs of token and position."""
        return len(self.entry_token)

    @cached_property
    def entry_of(self) -> Int32:
        """[B, T] entry of each token; on padding that of the last row."""
        return self.entry_of_row[self.row_of]

    @cached_property
    def own_kept(self) -> Int32:
        """[B] the first position from which on the example's rows are computed for it and their logits are wanted."""
        return np.maximum(self.own, np.int32(self.keep))

    @cached_property
    def kept_of(self) -> Int32:
        """[B, T - keep] which of the kept rows each token has, -1 on padding."""
        kept = self.row_of[:, self.keep :]
        return np.where(kept < 0, np.int32(-1), kept - np.int32(self.first_kept))


def plan_rows(ids: NDArray[np.int64], length: NDArray[np.integer[Any]], vocab_size: int, keep: int = 0) -> RowPlan:
    """Plan the rows of `ids` [B, T], of which row b has its first `length[b]` tokens; logits are wanted from `keep` on.

    Ids have to lie in [0, vocab_size). Raises `RuntimeError` without the native library.
    """
    batch, time = ids.shape
    ids = np.ascontiguousarray(ids, dtype=np.int64)
    lengths = np.ascontiguousarray(length, dtype=np.int32)
    row_of = np.empty((batch, time), dtype=np.int32)
    room = batch * time + batch * time // 16 + 64
    token, position = np.empty(room, dtype=np.int32), np.empty(room, dtype=np.int32)
    own, bounds = np.empty(batch, dtype=np.int32), np.empty(4, dtype=np.int32)
    arrays = (ids, lengths, row_of, token, position, own, bounds)
    n_shared = _kernels().plan_rows(batch, time, vocab_size, keep, room, *(a.ctypes.data for a in arrays))
    before, first_kept, end, n_rows = bounds.tolist()
    token, position = token[:n_rows], position[:n_rows]
    keys = position * np.int32(vocab_size) + token
    present = np.zeros(time * vocab_size, dtype=np.bool_)
    present[keys] = True
    entries = np.flatnonzero(present).astype(np.int32)
    number = np.empty(time * vocab_size, dtype=np.int32)
    number[entries] = np.arange(len(entries), dtype=np.int32)
    entries = np.pad(entries, (0, -len(entries) % 16))
    return RowPlan(
        row_of=row_of,
        length=lengths,
        own=own,
        token=token,
        position=position,
        n_shared=n_shared,
        keep=keep,
        first_kept=first_kept,
        idle=(slice(before, first_kept), slice(end, n_rows)),
        entry_token=entries % np.int32(vocab_size),
        entry_position=entries // np.int32(vocab_size),
        entry_of_row=number[keys],
    )


def _kernels() -> Kernels:
    global _bound
    if _bound is None:
        _bound = Kernels("float32")
    return _bound


_bound: Kernels | None = None
