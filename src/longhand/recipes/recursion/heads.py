"""The arms on a frozen backbone, and the whole-answer model: layers, loops and recursions over states."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from longhand.models.recursion import Recursion
from longhand.models.stablemax import log_stablemax
from longhand.models.trm_backbone import DecoderBackbone
from longhand.models.trm_config import TrmConfig
from longhand.models.trm_net import unit_rms
from longhand.olympiad.training.updates import Updates
from longhand.recipes.recursion.arms import Arm
from longhand.recipes.recursion.ledger import WAY_BACK, Cost, head_flops, net_flops, unneeded_flops
from longhand.recipes.recursion.plan import Sizes
from longhand.recipes.recursion.tasks import Rows


class OnBackbone(Arm):
    """A frozen backbone, whose norm and head are copied and trained; this one, a0, adds nothing between them."""

    def __init__(self, sizes: Sizes, backbone: DecoderBackbone) -> None:
        super().__init__(sizes, backbone.vocab_size)
        self._frozen = (backbone,)  # in a tuple, where a module does not look for weights
        self.norm = backbone.final_norm()
        self.head = nn.Parameter(backbone.lm_head()[0].detach().clone())

    def read(self, tokens: Tensor) -> Tensor:
        """The backbone's states before its final norm, with a root mean square of 1, without gradients."""
        return unit_rms(self._frozen[0].hidden(tokens), 1e-12)

    def write(self, states: Tensor, k: int) -> Tensor:
        """Logits at the last `k` places."""
        logits: Tensor = F.linear(self.norm(states[:, -k:]), self.head)
        return logits

    def forward(self, tokens: Tensor, k: int) -> Tensor:
        """Logits at the last `k` places."""
        return self.write(self.read(tokens), k)

    def cost(self, time: int, k: int) -> Cost:
        """The backbone forwards, and the head."""
        return self._counted(time, k, passes=0, graded=0, chains=0)

    def _counted(self, time: int, k: int, *, passes: int, graded: int, chains: int, updates: int = 1) -> Cost:
        # `chains` are the ways back of a visit, each of which ends at states that need no gradient.
        d, (backbone,) = self.sizes.d_model, self._frozen
        net = net_flops(self.sizes.net(), time)
        read = time * backbone.flops_per_token(time)
        head = head_flops(d, self.vocab_size, k)
        back = WAY_BACK * graded * net - chains * unneeded_flops(d, time)
        return Cost(read + passes * net + head, read + passes * net + back + updates * (1 + WAY_BACK) * head)


class Stacked(OnBackbone):
    """a1 and a2: layers of their own weights, one after the other, with norms before their parts."""

    def __init__(self, sizes: Sizes, backbone: DecoderBackbone, n_layers: int) -> None:
        super().__init__(sizes, backbone)
        self.n_layers = n_layers
        self.layers = Recursion(sizes.net(n_layers=n_layers, residual="pre"))

    def forward(self, tokens: Tensor, k: int) -> Tensor:
        """Logits at the last `k` places."""
        x = self.read(tokens)
        return self.write(self.layers.net(x, self.layers.read(x, None)), k)

    def cost(self, time: int, k: int) -> Cost:
        """The backbone forwards, the layers and the head."""
        return self._counted(time, k, passes=self.n_layers, graded=self.n_layers, chains=1)


class SingleState(OnBackbone):
    """a3: s <- net(x + s), with gradients through all passes."""

    def __init__(self, sizes: Sizes, backbone: DecoderBackbone) -> None:
        super().__init__(sizes, backbone)
        self.layers = Recursion(sizes.net())
        self.own_depth = sizes.passes

    def forward(self, tokens: Tensor, k: int) -> Tensor:
        """Logits at the last `k` places after as many passes as in training."""
        return next(self.after(tokens, k, [self.own_depth]))

    def after(self, tokens: Tensor, k: int, depths: Sequence[int]) -> Iterator[Tensor]:
        """Logits after each number of passes."""
        x = self.read(tokens)
        reading, state, done = self.layers.read(x, None), torch.zeros_like(x), 0
        for depth in depths:
            for _ in range(depth - done):
                state = self.layers.net(x + state, reading)
            done = depth
            yield self.write(state, k)

    def cost(self, time: int, k: int) -> Cost:
        """The backbone forwards, all passes and the head."""
        return self._counted(time, k, passes=self.own_depth, graded=self.own_depth, chains=1)


class TwoStates(OnBackbone):
    """a4 to a6: y and z, refined in turn.

    With `through_all` the gradients go back through all rounds, else through the last of a step; with `supervised` all
    steps of the plan are learned from, each with an update of its own, and go on from the states of the one before.
    """

    def __init__(
        self, sizes: Sizes, backbone: DecoderBackbone, *, through_all: bool = False, supervised: bool = False
    ) -> None:
        super().__init__(sizes, backbone)
        # What is a step to the others are its rounds here: a recursion of one round has no pass without gradients.
        self.rounds = sizes.t_recursion if through_all else 1
        self.layers = Recursion(sizes.net(t_recursion=1) if through_all else sizes.net())
        self.steps = sizes.n_supervision if supervised else 1
        self.own_depth = self.rounds if through_all else self.steps

    def forward(self, tokens: Tensor, k: int) -> Tensor:
        """Logits at the last `k` places after as many rounds or steps as in training."""
        return next(self.after(tokens, k, [self.own_depth]))

    def visit(self, rows: Rows, updates: Updates, learning_rate: float) -> float:
        """Learn from one batch; with deep supervision, in several updates."""
        if self.steps == 1:
            return super().visit(rows, updates, learning_rate)
        x = self.read(rows.tokens)
        reading = self.layers.read(x, None)
        y, z = self.layers.start(x)
        for _ in range(self.steps):
            y, z = self.layers(x, y, z, reading)
            share = self.descend(self.write(y, rows.n_asked), rows, updates, learning_rate)
            y, z = y.detach(), z.detach()
        return share

    def after(self, tokens: Tensor, k: int, depths: Sequence[int]) -> Iterator[Tensor]:
        """Logits after each number of rounds (`through_all`) or steps."""
        x = self.read(tokens)
        reading, done = self.layers.read(x, None), 0
        y, z = self.layers.start(x)
        for depth in depths:
            for _ in range(depth - done):
                y, z = self.layers(x, y, z, reading)
            done = depth
            yield self.write(y, k)

    def cost(self, time: int, k: int) -> Cost:
        """The backbone forwards once, all rounds, the way back of the graded ones, and a head for each update."""
        a_round = self.sizes.n_latent + 1
        rounds = self.rounds if self.rounds > 1 else self.layers.config.t_recursion
        graded = self.rounds if self.rounds > 1 else 1
        return self._counted(
            time, k, passes=self.steps * rounds * a_round, graded=self.steps * graded * a_round, chains=self.steps,
            updates=self.steps,
        )  # fmt: skip


class WholeAnswer(Arm):
    """a11: the published model, which reads the problem and blanks, and refines all digits in them together.

    Two layers, both directions, fixed random starts, stablemax, deep supervision; without halting.
    """

    def __init__(self, sizes: Sizes, vocab_size: int) -> None:
        super().__init__(sizes, vocab_size)
        self.config: TrmConfig = sizes.net(n_layers=2, start="fixed", attention="bidirectional", loss="stablemax")
        self.embedding = nn.Embedding(vocab_size + 1, sizes.d_model)  # the last one is the blank
        self.layers = Recursion(self.config)
        self.head = nn.Linear(sizes.d_model, vocab_size, bias=False)
        self.own_depth = sizes.n_supervision
        for weight in (self.embedding.weight, self.head.weight):
            nn.init.normal_(weight, std=sizes.d_model**-0.5)

    def read(self, tokens: Tensor, k: int) -> Tensor:
        """The x of the rows with blanks in the place of the answer: [n, time + 1, d_model]."""
        prompt = tokens[:, : tokens.size(1) - k + 1]
        blanks = prompt.new_full((len(prompt), k), self.vocab_size)
        x: Tensor = self.embedding(torch.cat((prompt, blanks), 1)) * self.sizes.d_model**0.5
        return x

    def forward(self, tokens: Tensor, k: int) -> Tensor:
        """Logits of the `k` blanks after as many steps as in training."""
        return next(self.after(tokens, k, [self.own_depth]))

    def losses(self, logits: Tensor, rows: Rows) -> Tensor:
        """The sum of stablemax cross-entropies."""
        chosen: Tensor = log_stablemax(logits.flatten(0, 1)).gather(1, rows.targets.flatten()[:, None])
        return -chosen.sum()

    def visit(self, rows: Rows, updates: Updates, learning_rate: float) -> float:
        """Learn from one batch, an update for each step of the supervision."""
        x = self.read(rows.tokens, rows.n_asked)
        reading = self.layers.read(x.detach(), None)
        y, z = self.layers.start(x.detach())
        for _ in range(self.own_depth):
            y, z = self.layers(self.read(rows.tokens, rows.n_asked), y, z, reading)
            share = self.descend(self.head(y[:, -rows.n_asked :]), rows, updates, learning_rate)
            y, z = y.detach(), z.detach()
        return share

    def after(self, tokens: Tensor, k: int, depths: Sequence[int]) -> Iterator[Tensor]:
        """Logits after each number of steps."""
        x = self.read(tokens, k)
        reading, done = self.layers.read(x, None), 0
        y, z = self.layers.start(x)
        for depth in depths:
            for _ in range(depth - done):
                y, z = self.layers(x, y, z, reading)
            done = depth
            yield self.head(y[:, -k:])

    def cost(self, time: int, k: int) -> Cost:
        """All rounds of all steps, the way back of each step's last one, and a head for each update."""
        a_round = self.config.calls_per_round * net_flops(self.config, time + 1)
        head = head_flops(self.sizes.d_model, self.vocab_size, k)
        forwards = self.own_depth * self.config.t_recursion * a_round
        back = WAY_BACK * self.own_depth * a_round
        return Cost(forwards + head, forwards + back + self.own_depth * (1 + WAY_BACK) * head)
