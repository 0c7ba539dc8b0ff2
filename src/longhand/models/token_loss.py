"""Cross-entropy where a label is, without the logits of all other places."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from longhand.models.stablemax import log_stablemax
from longhand.models.trm_config import TokenLoss

IGNORED = -100
"""The label of a place that does not count."""

LOGITS_AT_ONCE = 2**24
"""How many logits are held at a time (count): 64 MiB of float32, about 110 places of a vocabulary of 150,000."""

Head = Callable[[Tensor], Tensor]
"""From hidden states [n, d_model] to logits [n, vocab]."""


def labelled_loss(
    hidden: Tensor, labels: Tensor, head: Head, vocab_size: int, loss: TokenLoss, logits_at_once: int = LOGITS_AT_ONCE
) -> Tensor:
    """The sum of cross-entropies in nats over the places of `labels` [batch, time] that are not `IGNORED`.

    `hidden` is [batch, time, d_model]. Logits are computed for those places alone, `logits_at_once` numbers at a time;
    where that takes several pieces, each is computed again on the way back, so that one is held and not all. The sum
    over no places is 0, with gradients of 0.
    """
    counted = labels != IGNORED
    states, targets = hidden[counted], labels[counted]
    rows = max(1, logits_at_once // vocab_size)
    if len(targets) <= rows:
        return _summed(states, targets, head, loss)
    pieces = zip(torch.split(states, rows), torch.split(targets, rows), strict=True)
    losses = [checkpoint(_summed, part, wanted, head, loss, use_reentrant=False) for part, wanted in pieces]
    return torch.stack(losses).sum()


def _summed(states: Tensor, targets: Tensor, head: Head, loss: TokenLoss) -> Tensor:
    logits = head(states)
    if loss == "stablemax":
        return -log_stablemax(logits).gather(1, targets[:, None]).sum()
    return F.cross_entropy(logits.float(), targets, reduction="sum")
