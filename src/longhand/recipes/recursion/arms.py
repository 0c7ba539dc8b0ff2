"""The arms: what each puts on a small backbone, or in its place, and how it learns from a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.models.build import build_model
from longhand.models.config import ModelConfig
from longhand.models.decoder import Decoder
from longhand.models.norms import RMSNorm
from longhand.models.recursion import Recursion
from longhand.models.trm_config import TrmConfig
from longhand.models.trm_net import TrmNet, unit_rms
from longhand.recipes.recursion.ledger import Cost, decoder_flops, head_flops, net_flops
from longhand.recipes.recursion.optimizer import Updates
from longhand.recipes.recursion.plan import Sizes
from longhand.recipes.recursion.tasks import Rows, Task


@dataclass(frozen=True, slots=True)
class ArmText:
    """What an arm is, in the words of the page; `depth` names what more of is tried when it answers."""

    title: str
    depth: str | None = None


ARMS: Mapping[str, ArmText] = {
    "a0": ArmText("frozen backbone, its norm and head trained on"),
    "a1": ArmText("a0 + one more layer (parameters of a3-a6)"),
    "a2": ArmText("a0 + as many layers of their own as a3 has passes (FLOPs of a3)"),
    "a3": ArmText("a0 + one layer looped, one state, gradients through all passes", "passes"),
    "a4": ArmText("a3 with two states y and z", "rounds"),
    "a5": ArmText("a4, all rounds but the last without gradients", "steps"),
    "a6": ArmText("a5 + deep supervision: the recursive head of TRM, with residuals", "steps"),
    "a8": ArmText("the whole small model trained on"),
    "a8r": ArmText("a8, each batch learned from as often as in a6"),
    "a9": ArmText("a loop inside the model, random depth, from scratch", "loops"),
    "a10": ArmText("a8, majority of samples at the FLOPs of an answer of a6"),
    "a11": ArmText("TRM as published: whole answers, both directions, from scratch", "steps"),
}


class Arm(ABC):
    """A model that learns from batches and answers them; what it does is counted by formula."""

    module: nn.Module
    own_depth: int = 1

    def __init__(self, task: Task, sizes: Sizes) -> None:
        self.task, self.sizes = task, sizes

    def visit(self, rows: Rows, updates: Updates) -> float:
        """Learn from one batch, in as many steps as the arm takes for it; returns the last loss (nats per target)."""
        updates.forget_gradients()
        loss = cross_entropy(self.logits(rows.tokens, rows.n_asked), rows.targets)
        loss.backward()  # type: ignore[no-untyped-call]
        updates.step()
        return float(loss.detach())

    @abstractmethod
    def logits(self, tokens: Tensor, k: int, depth: int | None = None) -> Tensor:
        """Logits [n, k, vocab] at the last `k` places of `tokens`, after `depth` loops (default: its own)."""

    def answers(self, tokens: Tensor, k: int, depths: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
        """The answers [n, k] after each of the `depths`, which rise."""
        for depth in depths:
            yield depth, self.logits(tokens, k, depth).argmax(-1)

    @abstractmethod
    def cost(self, time: int, k: int, depth: int | None = None) -> Cost:
        """FLOPs of one row of `time` tokens that is asked at `k` places: to answer it, and to learn from it once."""


def cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean over all places, in nats."""
    return F.cross_entropy(logits.flatten(0, 1), targets.flatten())


def backbone_config(task: Task, sizes: Sizes) -> ModelConfig:
    """The small model itself: a Llama of as many layers as the looped model has blocks."""
    return ModelConfig(
        name="llama2", d_model=sizes.d_model, n_heads=sizes.n_heads, n_layers=sizes.n_layers, d_ff=sizes.d_ff,
        max_seq_len=sizes.max_seq_len, init="scaled",
    )  # fmt: skip


class Whole(Arm):
    """a8 and a8r: the small model with all its weights; also how the backbone itself is made."""

    def __init__(self, task: Task, sizes: Sizes, *, repeats: int = 1, start: Decoder | None = None) -> None:
        super().__init__(task, sizes)
        self.model = build_model(backbone_config(task, sizes), task.vocab_size)
        if start is not None:
            self.model.load_state_dict(start.state_dict())
        self.module, self.repeats = self.model, repeats

    def visit(self, rows: Rows, updates: Updates) -> float:
        """Learn from one batch, `repeats` times."""
        return [super(Whole, self).visit(rows, updates) for _ in range(self.repeats)][-1]

    def logits(self, tokens: Tensor, k: int, depth: int | None = None) -> Tensor:
        """Logits [n, k, vocab] at the last `k` places."""
        logits: Tensor = self.model(tokens, logits_to_keep=k)
        return logits

    def cost(self, time: int, k: int, depth: int | None = None) -> Cost:
        """Three times an answer for each update: one forwards, two on the way back."""
        answer = decoder_flops(self.model.config, time, self.model.config.n_layers) + head_flops(self, k)
        return Cost(answer, 3 * self.repeats * answer)


class Looped(Arm):
    """a9: prelude, loop and coda of models/looped.py; the passes of a batch in training are even between two bounds."""

    def __init__(self, task: Task, sizes: Sizes, seed: int) -> None:
        super().__init__(task, sizes)
        config = ModelConfig(
            name="looped", d_model=sizes.d_model, n_heads=sizes.n_heads, n_prelude=1, n_layers=sizes.n_layers - 2,
            n_coda=1, d_ff=sizes.d_ff, max_seq_len=sizes.max_seq_len, n_loops=sizes.loops[1], random_loops=False,
        )  # fmt: skip
        self.model = build_model(config, task.vocab_size)
        self.module, self.own_depth = self.model, sizes.loops[1]
        self.generator = torch.Generator().manual_seed(seed)
