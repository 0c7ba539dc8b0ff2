"""How well a model does on problems it is not trained on, measured while it trains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from longhand.data.batches import Batch, make_batch
from longhand.data.stream import TrainStream
from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.models.fused import FusedDecoder, why_not_fused
from longhand.models.rows import plan_rows
from longhand.training.distributed import Group
from longhand.training.objectives import DeviceBatch, next_token_losses, to_device

ROWS_PER_PASS = 1024


@dataclass(frozen=True, slots=True)
class _Pass:
    rows: Batch
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
        self.reads_prompts = stream.config.loss == "full"
        self.passes: list[_Pass] = []
        own = tokens.take(np.arange(group.rank, self.total, group.world))
        padding = stream.config.padding
        for start in range(0, len(own), ROWS_PER_PASS):
            rows = own.take(slice(start, start + ROWS_PER_PASS))
            counted, completion = make_batch(rows, stream.config.loss, padding), make_batch(rows, "completion", padding)
            batch = to_device(counted, group.device, keep=completion.n_keep)
            written = torch.from_numpy(completion.weights[:, -batch.keep :] > 0).to(group.device)
            self.passes.append(_Pass(counted, batch, float(counted.weights.sum()), written))

    def __bool__(self) -> bool:
        return self.total > 0

    @torch.no_grad()
    def evaluate(self, model: Decoder) -> dict[str, float]:
        """Loss (nats per counted token), exact match and token accuracy of the completion, in float32.

        Where the loss counts prompts too, also the accuracy of all tokens it counts.
        """
        was_training = model.training
        model.eval()
        fused = None if why_not_fused(model) else FusedDecoder(model, FlatParameters.of(model))
        sums = [0.0] * 6
        for part in self.passes:
            if fused is None or part.batch.attention_mask is not None:
                loss, logits = next_token_losses(model, part.batch)
            else:
                loss, logits = _fused_losses(fused, part)
            right = logits.argmax(dim=-1) == part.batch.targets  # [batch, keep]
            n_exact = (right | ~part.completion).all(dim=1).sum()
            n_hits, n_tokens = (right & part.completion).sum(), part.completion.sum()
            n_counted = (right & (part.batch.weights > 0)).sum()
            numbers = [part.loss_weight, *(n.item() for n in (loss, n_exact, n_hits, n_tokens, n_counted))]
            sums = [total + number for total, number in zip(sums, numbers, strict=True)]
        model.train(was_training)
        weight, loss_sum, exact, hits, tokens, counted = self.group.sum_numbers(sums)
        measured = {
            "val_loss": loss_sum / weight,
            "val_exact_match": exact / self.total,
            "val_token_accuracy": hits / tokens,
            "val_total": self.total,
        }
        return measured | ({"val_token_accuracy_all": counted / weight} if self.reads_prompts else {})


def _fused_losses(fused: FusedDecoder, part: _Pass) -> tuple[Tensor, Tensor]:
    """What `next_token_losses` returns, for rows padded on the right; padding has the logits of some other token."""
    batch, ids = part.batch, part.rows.input_ids
    plan = plan_rows(ids, part.rows.attention_mask.sum(axis=1), fused.vocab_size, keep=ids.shape[1] - batch.keep)
    logits = fused.logits(plan)[torch.from_numpy(plan.kept_of).long()]
    losses = F.cross_entropy(logits.flatten(0, 1), batch.targets.reshape(-1), reduction="none")
    return torch.dot(losses, batch.weights.reshape(-1)), logits
