"""A tiny recursive model that refines a whole answer at once, in fixed places (arXiv:2510.04871, its code)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.recursion import Recursion
from longhand.models.token_loss import IGNORED, labelled_loss
from longhand.models.trm_config import TrmConfig

NEVER_YET = -5.0
"""Bias the halting head starts with, its weights being 0: no answer is taken to be right before it has been seen."""


class AnswerStep(NamedTuple):
    """What one step of the supervision gives for every row of a batch.

    `loss_sum` is the cross-entropy in nats summed over `n_places` labels, `halt_loss` that of the halting head in
    nats, summed over rows (0 without halting). `y` and `z` [batch, time, d_model] carry no gradients; `halt` [batch]
    are logits of having the answer, None without halting; `right` [batch] says whether all labels of a row were found.
    """

    loss_sum: Tensor
    n_places: int
    halt_loss: Tensor
    y: Tensor
    z: Tensor
    halt: Tensor | None
    right: Tensor


class WholeAnswerModel(nn.Module):
    """Reads rows of a fixed length and writes a token in every place of them, refining all of them together.

    Embeddings are multiplied by sqrt(d_model), which makes them of unit variance; the head is a matrix of its own.
    The halting head reads the first place, which sees all others. Raises `UserError` for a configuration that is not
    bidirectional.
    """

    def __init__(self, config: TrmConfig, vocab_size: int) -> None:
        super().__init__()
        if config.attention != "bidirectional":
            raise UserError("a model of whole answers needs attention: bidirectional; a recursive head is causal")
        self.config, self.vocab_size = config, vocab_size
        self.embedding = nn.Embedding(vocab_size, config.d_model)
        self.recursion = Recursion(config)
        self.head = nn.Linear(config.d_model, vocab_size, bias=False)
        self.halt = nn.Linear(config.d_model, 1) if config.halting else None
        self._reset()

    @torch.no_grad()
    def _reset(self) -> None:
        deviation = self.config.d_model**-0.5
        self.embedding.weight.normal_(0.0, deviation)
        self.head.weight.normal_(0.0, deviation)
        if self.halt is not None:
            self.halt.weight.zero_()
            self.halt.bias.fill_(NEVER_YET)

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self.embedding.weight.device

    def embed(self, input_ids: Tensor) -> Tensor:
        """The x of rows `input_ids` [batch, time]: [batch, time, d_model]."""
        x: Tensor = self.embedding(input_ids) * self.config.d_model**0.5
        return x

    def start(self, input_ids: Tensor) -> tuple[Tensor, Tensor]:
        """The first y and z of rows [batch, time]."""
        return self.recursion.start(self.recursion.start_y.new_empty(*input_ids.shape, self.config.d_model))

    def step(self, input_ids: Tensor, y: Tensor, z: Tensor, labels: Tensor, mask: Tensor | None = None) -> AnswerStep:
        """One step of the supervision: `labels` [batch, time] stand in the places they are asked of.

        `IGNORED` is for places without one; `mask` [batch, time] is False at padding. A row without labels is right.
        """
        y, z = self.recursion(self.embed(input_ids), y, z, self.recursion.read(y, mask))
        counted = labels != IGNORED
        loss = labelled_loss(y, labels, self.head, self.vocab_size, self.config.loss)
        with torch.no_grad():
            right = ((self.head(y).argmax(dim=-1) == labels) | ~counted).all(dim=-1)
        halt, halt_loss = None, y.new_zeros(())
        if self.halt is not None:
            halt = self.halt(y[:, 0])[:, 0].float()
            halt_loss = F.binary_cross_entropy_with_logits(halt, right.float(), reduction="sum")
            halt = halt.detach()
        return AnswerStep(loss, int(counted.sum()), halt_loss, y.detach(), z.detach(), halt, right)

    @torch.no_grad()
    def answers(self, input_ids: Tensor, mask: Tensor | None = None, n_supervision: int | None = None) -> Tensor:
        """The tokens [steps, batch, time] after each step of the supervision, always all of them.

        There are as many steps as in training, unless `n_supervision` says otherwise; the last is the answer.
        """
        x = self.embed(input_ids)
        reading = self.recursion.read(x, mask)
        y, z = self.recursion.start(x)
        written = []
        for _ in range(self.config.n_supervision if n_supervision is None else n_supervision):
            y, z = self.recursion(x, y, z, reading)
            written.append(self.head(y).argmax(dim=-1))
        return torch.stack(written)


def build_whole_answer(config: TrmConfig, vocab_size: int, *, seed: int) -> WholeAnswerModel:
    """A fresh model whose weights depend on the seed alone; torch's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return WholeAnswerModel(config, vocab_size)
