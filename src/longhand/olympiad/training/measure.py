"""How good a recursive head is after each step of the supervision."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from longhand.models.token_loss import IGNORED
from longhand.models.trm import RecursiveHead
from longhand.models.trm_backbone import Backbone
from longhand.olympiad.training.batches import LabelledRows, to_device


@dataclass(frozen=True, slots=True)
class StepMeasure:
    """What the answers after `n_supervision` steps are like, given the right tokens before each.

    `loss` is in nats per label; `right_tokens` of `n_tokens` labels are the likeliest, and in `right_rows` of `n_rows`
    rows all are: just these rows would be written by greedy decoding with so many steps.
    """

    n_supervision: int
    loss: float
    right_tokens: int
    n_tokens: int
    right_rows: int
    n_rows: int


@torch.no_grad()
def measure_steps(
    head: RecursiveHead, backbone: Backbone, batches: Iterable[LabelledRows], n_supervision: int | None = None
) -> list[StepMeasure]:
    """Measure after 1, 2, … `n_supervision` steps (default: as many as in training), which costs what the last does.

    Rows without a label that has a token before it are left out.
    """
    steps = head.config.n_supervision if n_supervision is None else n_supervision
    loss = [0.0] * steps
    right_tokens, right_rows, n_tokens, n_rows = [0] * steps, [0] * steps, 0, 0
    for batch in batches:
        rows = to_device(batch, backbone.device)
        if not rows.n_targets:
            continue
        targets = rows.labels[:, 1:]
        counted = targets != IGNORED
        asked = counted.any(dim=1)
        n_tokens, n_rows = n_tokens + rows.n_targets, n_rows + int(asked.sum())
        x = head.prepare(backbone.hidden(rows.ids, rows.mask))
        reading = head.recursion.read(x, rows.mask)
        y, z = head.start(x)
        for step in range(steps):
            y, z = head.recursion(x, y, z, reading)
            logits = head.logits(y[counted]).float()
            loss[step] += float(F.cross_entropy(logits, targets[counted], reduction="sum"))
            right = ~counted
            right[counted] = logits.argmax(dim=-1) == targets[counted]
            right_tokens[step] += int((right & counted).sum())
            right_rows[step] += int((right.all(dim=1) & asked).sum())
    return [
        StepMeasure(i + 1, loss[i] / max(1, n_tokens), right_tokens[i], n_tokens, right_rows[i], n_rows)
        for i in range(steps)
    ]
