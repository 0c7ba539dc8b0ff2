"""What training makes small: next-token cross-entropy where the loss counts, and the balance of experts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from longhand.data.batches import Batch
from longhand.models.decoder import Decoder


@dataclass(frozen=True, slots=True)
class DeviceBatch:
    """A batch on the model's device, its targets cut to the last `keep` columns, where alone the loss counts."""

    input_ids: Tensor  # [batch, time]
    attention_mask: Tensor | None  # [batch, time]; None where the causal mask hides the padding already
    targets: Tensor  # [batch, keep]
    weights: Tensor  # [batch, keep]
    keep: int


def to_device(batch: Batch, device: torch.device, *, keep: int | None = None, every_mask: bool = False) -> DeviceBatch:
    """Move a batch to `device`.

    Padding on the right is behind every real token, where no query looks, so its mask is left out unless
    `every_mask` asks for it. `keep` widens the kept columns beyond those in which the loss counts.
    """
    keep = max(batch.n_keep, keep or 0)
    mask = batch.attention_mask
    hidden = mask.all() or (not every_mask and not (mask[:, 1:] & ~mask[:, :-1]).any())
    return DeviceBatch(
        torch.from_numpy(batch.input_ids).to(device, non_blocking=True),
        None if hidden else torch.from_numpy(mask).to(device, non_blocking=True),
        torch.from_numpy(batch.targets[:, -keep:]).to(device, non_blocking=True),
        torch.from_numpy(batch.weights[:, -keep:]).to(device, non_blocking=True),
        keep,
    )


def next_token_losses(model: Decoder, batch: DeviceBatch) -> tuple[Tensor, Tensor]:
    """The weighted sum of cross-entropies in nats, and the logits [batch, keep, vocab] they come from."""
    logits = model(batch.input_ids, batch.attention_mask, logits_to_keep=batch.keep)
    losses = F.cross_entropy(logits.flatten(0, 1).float(), batch.targets.reshape(-1), reduction="none")
    return torch.dot(losses, batch.weights.reshape(-1)), logits


Losses = Callable[[Decoder, DeviceBatch], tuple[Tensor, Tensor]]
"""`next_token_losses`, plain or compiled."""


def compiled_losses(device: torch.device) -> Losses:
    """`next_token_losses` through torch.compile: on CUDA replayed as CUDA graphs, elsewhere fused by inductor.

    The first step of each shape of batch takes as long as compiling does, up to a minute.
    """
    mode = "reduce-overhead" if device.type == "cuda" else None
    compiled: Losses = torch.compile(next_token_losses, mode=mode, dynamic=False)
    return compiled


def balance_term(model: Decoder, weight: float) -> Tensor | None:
    """The experts' balance loss of the last forward pass as it enters the sum of losses, None without experts.

    It counts like a loss per token: times the number of tokens that count, so that dividing the sum by that number
    adds `aux_loss_weight` times the balance loss to the mean.
    """
    balance = model.auxiliary_loss()
    scale = model.config.aux_loss_weight
    return None if balance is None or not scale else balance * (scale * weight)
