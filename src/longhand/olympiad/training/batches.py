"""What training asks of its data: batches by number, so that to resume is to go on counting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longhand.errors import UserError
from longhand.models.token_loss import IGNORED


class LabelledRows(Protocol):
    """Rows of equal length: token `ids`, `labels` and `mask` are [B, T].

    Labels are the ids themselves, `IGNORED` where the loss does not count; the shift by one is the model's matter.
    The mask is False at padding.
    """

    @property
    def ids(self) -> NDArray[np.int64]:
        """Tokens."""
        ...

    @property
    def labels(self) -> NDArray[np.int64]:
        """What is to be learned."""
        ...

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Which tokens are real."""
        ...


class BatchSource(Protocol):
    """Batches by number, counted from 0 over all epochs."""

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        ...

    def __getitem__(self, step: int) -> LabelledRows:
        """The batch of this number: the same whenever it is asked for."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch in memory; see `LabelledRows`."""

    ids: NDArray[np.int64]
    labels: NDArray[np.int64]
    mask: NDArray[np.bool_]


class FixedBatches:
    """The same batches in the same order in every epoch; raises `UserError` if there is none."""

    def __init__(self, batches: Sequence[LabelledRows]) -> None:
        if not batches:
            raise UserError("there are no batches to train on; give at least one")
        self.batches = batches

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return len(self.batches)

    def __getitem__(self, step: int) -> LabelledRows:
        return self.batches[step % len(self.batches)]


@dataclass(frozen=True, slots=True)
class DeviceRows:
    """A batch where the model computes, without its last tokens: nothing is asked of what comes after them.

    `ids` and `mask` are [B, T - 1], `labels` [B, T]; `mask` is None where no token is padding, and `n_targets` counts
    the labels that have a token before them.
    """

    ids: Tensor
    labels: Tensor
    mask: Tensor | None
    n_targets: int


def read_group(batches: BatchSource, index: int, size: int, device: torch.device) -> list[DeviceRows]:
    """The batches of a group of `size`, counted from 0 over all epochs; the last of an epoch has what remains."""
    per_epoch = batches.steps_per_epoch
    epoch, place = divmod(index, math.ceil(per_epoch / size))
    numbers = range(place * size, min((place + 1) * size, per_epoch))
    return [to_device(batches[epoch * per_epoch + number], device) for number in numbers]


def to_device(rows: LabelledRows, device: torch.device) -> DeviceRows:
    """Move a batch."""

    def moved(array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(device)

    mask = None if rows.mask[:, :-1].all() else moved(rows.mask[:, :-1])
    return DeviceRows(moved(rows.ids[:, :-1]), moved(rows.labels), mask, int((rows.labels[:, 1:] != IGNORED).sum()))
