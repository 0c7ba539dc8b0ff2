"""Lightning: the plain model of `eager` in a `LightningModule`, under its `Trainer`.

Fair to the Trainer: no logger, no checkpoints, no progress bar, no validation, batches ready in memory.
"""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Callable
from itertools import cycle
from typing import Any

import torch

from longhand.bench.contenders.eager import build, optimizer_of
from longhand.bench.contenders.steps import StepGate
from longhand.bench.spec import Precision, TrainSpec


class ReadyBatches(torch.utils.data.IterableDataset[Any]):
    """Batches in memory, round and round."""

    def __init__(self, spec: TrainSpec) -> None:
        self.batches = [(torch.from_numpy(b.input_ids), torch.from_numpy(b.targets)) for b in spec.batches()]

    def __iter__(self) -> Any:
        return cycle(self.batches)


def train_contender(spec: TrainSpec, precision: Precision = "fp32") -> Callable[[int], None]:
    """Start the Trainer; the function that comes back lets it take so many steps."""
    import lightning

    gate = StepGate()

    class Plain(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = build(spec)

        def training_step(self, batch: tuple[torch.Tensor, torch.Tensor], index: int) -> Any:
            return self.model(*batch)[1]

        def configure_optimizers(self) -> Any:
            return optimizer_of(self.model)

    class AtTheGate(lightning.Callback):  # type: ignore[misc]
        def on_train_batch_start(self, *arguments: Any) -> None:
            gate.wait()

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    trainer = lightning.Trainer(
        max_steps=10**9,
        accelerator="cpu",
        devices=1,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        gradient_clip_val=1.0,
        callbacks=[AtTheGate()],
        default_root_dir=tempfile.mkdtemp(prefix="longhand-bench-"),
    )
    loader = torch.utils.data.DataLoader(ReadyBatches(spec), batch_size=None)
    gate.start(lambda: trainer.fit(Plain(), loader))
    return gate.take
