"""How well a model does on problems it is not trained on, measured while it trains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from longhand.data.batches import make_batch
from longhand.data.stream import TrainStream
from longhand.models.decoder import Decoder
from longhand.training.distributed import Group
from longhand.training.objectives import DeviceBatch, next_token_losses, to_device

ROWS_PER_PASS = 1024


@dataclass(frozen=True, slots=True)
class _Pass:
    batch: DeviceBatch
    loss_weight: float
    completion: Tensor  # [batch, keep], true where the model has to write the target


class HeldOutRows:
    """A fixed sample of held-out rows, shared among the processes; false if nothing is held out.

    A row is right when the most likely token is the target everywhere from the end of the prompt to the end mark,
    fed with the right tokens before it. Greedy decoding then writes exactly that row.
    """

    def __init__(self, stream: TrainStream, n: int | None, group: Group) -> None:
        tokens = stream.source.held_out("val", n).tokens
        self.total = len(tokens)
        self.group = group
        self.passes: list[_Pass] = []
        own = tokens.take(np.arange(group.rank, self.total, group.world))
        padding = stream.config.padding
        for start in range(0, len(own), ROWS_PER_PASS):
            rows = own.take(slice(start, start + ROWS_PER_PASS))
            counted, completion = make_batch(rows, stream.config.loss, padding), make_batch(rows, "completion", padding)
            batch = to_device(counted, group.device, keep=completion.n_keep)
            written = torch.from_numpy(completion.weights[:, -batch.keep :] > 0).to(group.device)
            self.passes.append(_Pass(batch, float(counted.weights.sum()), written))

    def __bool__(self) -> bool:
        return self.total > 0

    @torch.no_grad()
    def evaluate(self, model: Decoder) -> dict[str, float]:
        """Loss (nats per counted token), exact match and token accuracy of the completion, in float32."""
        was_training = model.training
        model.eval()
        sums = [0.0] * 5
        for part in self.passes:
            loss, logits = next_token_losses(model, part.batch)
            right = logits.argmax(dim=-1) == part.batch.targets  # [batch, keep]
            n_exact = (right | ~part.completion).all(dim=1).sum()
            n_hits, n_tokens = (right & part.completion).sum(), part.completion.sum()
            numbers = (loss.item(), part.loss_weight, n_exact.item(), n_hits.item(), n_tokens.item())
            sums = [total + number for total, number in zip(sums, numbers, strict=True)]
        model.train(was_training)
        loss_sum, weight, exact, hits, tokens = self.group.sum_numbers(sums)
        return {
            "val_loss": loss_sum / weight,
            "val_exact_match": exact / self.total,
            "val_token_accuracy": hits / tokens,
            "val_total": self.total,
        }
