"""The data of a run for Lightning's Trainer."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import torch
from torch.utils.data import DataLoader, IterableDataset

from longhand.arithmetic.problem import Problem
from longhand.data.batches import Batch, make_batch
from longhand.data.stream import TrainStream
from longhand.integrations.extras import extra
from longhand.training.objectives import DeviceBatch, to_device
from longhand.training.run_config import RunConfig
from longhand.training.setup import open_data

with extra("lightning"):
    import lightning

ROWS_PER_PASS = 1024


class LitData(lightning.LightningDataModule):  # type: ignore[misc]
    """The batches of a run, step by step as `longhand train` draws them, and its held-out rows.

    Every process of a parallel Trainer gets its share of the same batches. A training that goes on from one of
    Lightning's checkpoints goes on with the next step. Raises what opening the data of a run raises.
    """

    def __init__(self, config: RunConfig) -> None:
        super().__init__()
        self.config = config
        self.stream, self.plan, self.description = open_data(config)
        self._held_out = self.stream.source.held_out("val", config.training.eval_samples)
        self.n_held_out = len(self._held_out)
        self.problems: tuple[Problem, ...] = tuple(self._held_out.problems or ())

    def train_dataloader(self) -> DataLoader[Batch]:
        """Batches without an end, from the step the Trainer is at."""
        trainer = self.trainer
        start = trainer.global_step * self.config.training.accumulate_grad_batches
        return DataLoader(_Steps(self.stream, start, trainer.global_rank, trainer.world_size), batch_size=None)

    def val_dataloader(self) -> list[DataLoader[Batch]]:
        """The held-out rows in batches; none if nothing is held out."""
        tokens, data = self._held_out.tokens, self.config.data
        starts = range(0, len(tokens), ROWS_PER_PASS)
        parts = [tokens.take(slice(start, start + ROWS_PER_PASS)) for start in starts]
        batches = [make_batch(part, data.loss, data.padding) for part in parts]
        return [DataLoader(batches, batch_size=None)] if batches else []  # type: ignore[arg-type]

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> DeviceBatch:
        """Turn our arrays into tensors on the Trainer's device."""
        return to_device(batch, device, every_mask=self.config.model.mlp == "moe")


class _Steps(IterableDataset[Batch]):
    """The batches of one process from a step on."""

    def __init__(self, stream: TrainStream, start: int, rank: int, world: int) -> None:
        self._stream, self._start, self._place = stream, start, (rank, world)

    def __iter__(self) -> Iterator[Batch]:
        return (self._stream.batch(step, *self._place) for step in count(self._start))
