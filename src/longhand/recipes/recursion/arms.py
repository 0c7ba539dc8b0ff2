"""The arms: what each puts on a small backbone, or in its place, and how it learns from a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.models.build import build_model
from longhand.models.decoder import Decoder
from longhand.models.recurrence import Recurrence
from longhand.olympiad.training.updates import Updates
from longhand.recipes.recursion.ledger import WAY_BACK, Cost, block_flops, head_flops
from longhand.recipes.recursion.plan import Sizes
from longhand.recipes.recursion.tasks import Rows


class Arm(nn.Module, ABC):
    """A model that learns from batches and answers them; what it computes is counted by formula.

    `own_depth` is how many loops, rounds or steps its answers take if nobody says otherwise.
    """

    own_depth: int = 1

    def __init__(self, sizes: Sizes, vocab_size: int) -> None:
        super().__init__()
        self.sizes, self.vocab_size = sizes, vocab_size

    @abstractmethod
    def forward(self, tokens: Tensor, k: int) -> Tensor:
        """Logits [n, k, vocab] at the last `k` places of `tokens` [n, time]."""

    def draw(self, passes: range, generator: torch.Generator) -> None:
        """Get ready for a batch in training; arms of a random depth draw it from `passes`."""

    def visit(self, rows: Rows, updates: Updates, learning_rate: float) -> float:
        """Learn from one batch with all updates it takes, by the mean cross-entropy over all places asked.

        Returns the share of rows that were right in all places, before the last update.
        """
        return self.descend(self(rows.tokens, rows.n_asked), rows, updates, learning_rate)

    def descend(self, logits: Tensor, rows: Rows, updates: Updates, learning_rate: float) -> float:
        """One update; returns the share of rows that were right in all places."""
        updates.forget_gradients()
        self.losses(logits, rows).backward()  # type: ignore[no-untyped-call]
        updates.step(learning_rate, rows.targets.numel())
        return float((logits.detach().argmax(-1) == rows.targets).all(1).float().mean())

    def losses(self, logits: Tensor, rows: Rows) -> Tensor:
        """The sum of cross-entropies over the places that are asked."""
        return F.cross_entropy(logits.flatten(0, 1), rows.targets.flatten(), reduction="sum")

    def after(self, tokens: Tensor, k: int, depths: Sequence[int]) -> Iterator[Tensor]:
        """Logits [n, k, vocab] after each of `depths`, which rise; one that cannot go deeper has but one answer."""
        for _ in depths:
            yield self(tokens, k)

    @abstractmethod
    def cost(self, time: int, k: int) -> Cost:
        """What a row of `time` tokens that is asked at `k` places costs, at the depth it is ready for."""

    def answer_cost(self, time: int, k: int) -> int:
        """What an answer costs at the arm's own depth."""
        return self.cost(time, k).answer


class Whole(Arm):
    """The small model with all its weights, from scratch or from those of `start`; each batch `repeats` times."""

    def __init__(self, sizes: Sizes, vocab_size: int, *, start: Decoder | None = None, repeats: int = 1) -> None:
        super().__init__(sizes, vocab_size)
        self.model = build_model(sizes.backbone(), vocab_size)
        if start is not None:
            self.model.load_state_dict(start.state_dict())
        self.repeats = repeats

    def forward(self, tokens: Tensor, k: int) -> Tensor:
        """Logits at the last `k` places."""
        return _write(self.model, self.model.hidden(tokens), k)

    def visit(self, rows: Rows, updates: Updates, learning_rate: float) -> float:
        """Learn from one batch, again and again."""
        for _ in range(self.repeats):
            share = super().visit(rows, updates, learning_rate)
        return share

    def cost(self, time: int, k: int) -> Cost:
        """All blocks and the head."""
        config = self.model.config
        blocks = config.n_layers * block_flops(config, time)
        answer = blocks + head_flops(config.d_model, self.vocab_size, k)
        return Cost(answer, self.repeats * (1 + WAY_BACK) * answer)


class Looped(Arm):
    """The looped model from scratch; the passes of each batch in training are drawn evenly from a range."""

    def __init__(self, sizes: Sizes, vocab_size: int, n_loops: int) -> None:
        super().__init__(sizes, vocab_size)
        self.model = build_model(sizes.looped(n_loops), vocab_size)
        self.own_depth = n_loops

    @property
    def loop(self) -> Recurrence:
        """Where the number of passes is set."""
        assert self.model.recurrence is not None
        return self.model.recurrence

    def forward(self, tokens: Tensor, k: int) -> Tensor:
        """Logits at the last `k` places, after as many passes as `loop.n_loops` says."""
        return _write(self.model, self.model.hidden(tokens), k)

    def draw(self, passes: range, generator: torch.Generator) -> None:
        """Draw the passes of the next batch, each number of `passes` as likely as the others."""
        self.loop.n_loops = passes[int(torch.randint(len(passes), (), generator=generator))]

    def after(self, tokens: Tensor, k: int, depths: Sequence[int]) -> Iterator[Tensor]:
        """Logits after each number of passes."""
        for depth in depths:
            self.loop.n_loops = depth
            yield self(tokens, k)
        self.loop.n_loops = self.own_depth

    def answer_cost(self, time: int, k: int) -> int:
        """What an answer costs at the arm's own depth."""
        self.loop.n_loops = self.own_depth
        return super().answer_cost(time, k)

    def cost(self, time: int, k: int) -> Cost:
        """Prelude, as many passes as now, coda and head."""
        config = self.model.config
        blocks = self.loop.depth * block_flops(config, time)
        answer = blocks + head_flops(config.d_model, self.vocab_size, k)
        return Cost(answer, (1 + WAY_BACK) * answer)


def _write(model: Decoder, hidden: Tensor, k: int) -> Tensor:
    states = model.norm(hidden[:, -k:])
    weight = model.embedding.weight if model.head is None else model.head.weight
    logits: Tensor = F.linear(states, weight)
    return logits
