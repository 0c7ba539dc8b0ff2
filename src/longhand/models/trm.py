"""A recursive head: it refines the hidden states of a frozen language model before the words are chosen from them."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.errors import UserError
from longhand.models.recursion import Recursion
from longhand.models.token_loss import IGNORED, labelled_loss
from longhand.models.trm_backbone import Backbone
from longhand.models.trm_cache import RecursionCache
from longhand.models.trm_config import TrmConfig
from longhand.models.trm_net import unit_rms


class SupervisedStep(NamedTuple):
    """What one step of the supervision gives: loss, what it is summed over, and the states to go on from.

    `loss_sum` is in nats over `n_tokens` labels; `y` and `z` [batch, time, d_model] carry no gradients.
    """

    loss_sum: Tensor
    n_tokens: int
    y: Tensor
    z: Tensor


class RecursiveHead(nn.Module):
    """Recursion over x, then a copy of the backbone's final norm, then its head.

    x are the hidden states of the backbone *before* its final norm, brought to a root mean square of 1: the norm is
    then applied once, here. With init: zero and start: zeros every y is a multiple of x to begin with, which the norm
    takes away, and the logits are the backbone's own. Weights are float32, whatever the backbone's are. A frozen head
    (`freeze_lm_head`) is the backbone's own tensor and no part of the weights. Raises `UserError` for a configuration
    that is not causal.
    """

    lm_head: Tensor
    lm_head_bias: Tensor | None

    def __init__(self, config: TrmConfig, backbone: Backbone) -> None:
        super().__init__()
        if config.attention != "causal":
            raise UserError(
                "a recursive head on a language model needs attention: causal; the whole-answer model is bidirectional"
            )
        if config.d_model != backbone.d_model:
            raise UserError(f"d_model {config.d_model} is not the backbone's, which is {backbone.d_model}; set it")
        self.config = config
        self.vocab_size = backbone.vocab_size
        self.recursion = Recursion(config)
        self.norm = backbone.final_norm().float()
        weight, bias = backbone.lm_head()
        for name, tensor in (("lm_head", weight), ("lm_head_bias", bias)):
            if tensor is None or config.freeze_lm_head:
                self.register_buffer(name, None if tensor is None else tensor.detach(), persistent=False)
            else:
                setattr(self, name, nn.Parameter(tensor.detach().float().clone()))
        self.to(backbone.device)

    def __deepcopy__(self, memo: dict[int, Any]) -> RecursiveHead:
        if self.config.freeze_lm_head:  # a moving average shares the frozen head, the largest tensor by far
            memo |= {id(t): t for t in (self.lm_head, self.lm_head_bias) if t is not None}
        copied = memo[id(self)] = type(self).__new__(type(self))
        copied.__dict__.update(copy.deepcopy(self.__dict__, memo))
        return copied

    def prepare(self, hidden: Tensor) -> Tensor:
        """The x of the backbone's hidden states [batch, time, d_model]: float32, with a root mean square of 1."""
        return unit_rms(hidden.detach().float(), 1e-12)

    def start(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The first y and z, for x [batch, time, d_model]."""
        return self.recursion.start(x)

    def step(self, x: Tensor, y: Tensor, z: Tensor, labels: Tensor, mask: Tensor | None = None) -> SupervisedStep:
        """One step of the supervision of a batch whose backbone has been asked once.

        `labels` [batch, time] are token ids in the places of the tokens themselves, `IGNORED` where none counts: y at
        a token is asked for the label of the next one, so that x, y, z and mask may leave out the last token. A batch
        in which no label counts costs no recursion, and gives a loss of 0 over 0 tokens.
        """
        shifted = labels[:, 1:]
        n_tokens = int((shifted != IGNORED).sum())
        if not n_tokens:
            return SupervisedStep(x.new_zeros(()), 0, y.detach(), z.detach())
        y, z = self.recursion(x, y, z, self.recursion.read(x, mask))
        loss = labelled_loss(y[:, : shifted.size(1)], shifted, self.logits, self.vocab_size, self.config.loss)
        return SupervisedStep(loss, n_tokens, y.detach(), z.detach())

    def refine(
        self, x: Tensor, mask: Tensor | None, n_supervision: int | None = None, cache: RecursionCache | None = None
    ) -> Tensor:
        """The y [batch, time, d_model] after all steps (default: as many as in training)."""
        reading = self.recursion.read(x, mask, cache)
        y, z = self.start(x)
        for step in range(self.config.n_supervision if n_supervision is None else n_supervision):
            y, z = self.recursion(x, y, z, reading, cache, step)
        return y

    def logits(self, y: Tensor) -> Tensor:
        """Logits [..., vocab] of states `y` [..., d_model]."""
        h = self.norm(y)
        bias = None if self.lm_head_bias is None else self.lm_head_bias.to(self.lm_head.dtype)
        return F.linear(h.to(self.lm_head.dtype), self.lm_head, bias)


def build_head(config: TrmConfig, backbone: Backbone, *, seed: int) -> RecursiveHead:
    """A fresh head whose weights depend on the seed and the backbone alone; torch's random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return RecursiveHead(config, backbone)
