"""Several gated MLPs of which each token uses a few, chosen by a router."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_FEW_TOKENS = 64
"""Up to this many tokens, as in decoding, running every expert costs less than sorting tokens by expert."""


@dataclass(frozen=True, slots=True)
class Routing:
    """Where the tokens of one forward pass went.

    `probabilities` [batch, time, n_experts] are the router's, before the choice; `chosen` [batch, time, top_k]
    are the experts used.
    """

    probabilities: Tensor
    chosen: Tensor


class Experts(nn.Module):
    """The `top_k` experts of highest router probability, weighted by those probabilities made to sum to 1.

    Each expert is a SwiGLU MLP (arXiv:2401.04088, section 2.1). `routing` is that of the last forward pass.
    """

    def __init__(self, d_model: int, d_ff: int, *, n_experts: int, top_k: int) -> None:
        super().__init__()
        self.top_k = top_k
        self.router = nn.Linear(d_model, n_experts, bias=False)
        self.gate = nn.Parameter(torch.empty(n_experts, d_ff, d_model))
        self.up = nn.Parameter(torch.empty(n_experts, d_ff, d_model))
        self.down = nn.Parameter(torch.empty(n_experts, d_ff, d_model))  # read as [n_experts * d_ff, d_model]
        self.routing: Routing | None = None

    def forward(self, x: Tensor) -> Tensor:
        """Map `x` [batch, time, d_model] to the same shape."""
        logits = self.router(x)
        probabilities = logits.softmax(dim=-1, dtype=torch.promote_types(logits.dtype, torch.float32))
        top, chosen = probabilities.topk(self.top_k, dim=-1)
        self.routing = Routing(probabilities, chosen)
        share = (top / top.sum(dim=-1, keepdim=True)).to(x.dtype)
        tokens, share, chosen = x.flatten(0, -2), share.flatten(0, -2), chosen.flatten(0, -2)
        mix = self._mix_all if tokens.size(0) <= _FEW_TOKENS else self._mix_grouped
        return mix(tokens, share, chosen).view_as(x)

    def _mix_all(self, tokens: Tensor, share: Tensor, chosen: Tensor) -> Tensor:
        """All experts on all tokens, in three products; an expert not chosen has share 0."""
        n_experts, d_ff, _ = self.gate.shape
        shares = share.new_zeros(tokens.size(0), n_experts).scatter(1, chosen, share)
        hidden = F.silu(F.linear(tokens, self.gate.flatten(0, 1))) * F.linear(tokens, self.up.flatten(0, 1))
        weighted = hidden.view(-1, n_experts, d_ff) * shares.unsqueeze(-1)
        return weighted.flatten(1) @ self.down.flatten(0, 1)

    def _mix_grouped(self, tokens: Tensor, share: Tensor, chosen: Tensor) -> Tensor:
        """Each expert once, on the tokens that chose it."""
        mixed = torch.zeros_like(tokens)
        for expert, (gate, up, down) in enumerate(
            zip(self.gate.unbind(), self.up.unbind(), self.down.unbind(), strict=True)
        ):
            token, slot = (chosen == expert).nonzero(as_tuple=True)
            x = tokens.index_select(0, token)
            written = ((F.silu(F.linear(x, gate)) * F.linear(x, up)) @ down) * share[token, slot, None]
            mixed.index_add_(0, token, written.to(mixed.dtype))
        return mixed

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles leave the last routing behind: it belongs to a graph, not to the model."""
        return {**self.__dict__, "routing": None}


def balance_loss(routings: Sequence[Routing], real: Tensor | None) -> Tensor:
    """How unevenly experts are used: n_experts * sum over experts of (share of choices * mean probability).

    Choices and probabilities are pooled over blocks and tokens, and choices count per token, so perfectly even
    routing gives top_k (arXiv:2101.03961, equations 4 to 6, as in Hugging Face's `load_balancing_loss_func`).
    `real`, bool [batch, time], leaves padding out; of a block that saw fewer tokens the last ones are meant.
    """
    n_experts = routings[0].probabilities.size(-1)
    choices = probability = routings[0].probabilities.new_zeros(n_experts)
    rows = 0
    for routing in routings:
        probabilities = routing.probabilities
        chosen = F.one_hot(routing.chosen, n_experts).sum(dim=-2).to(probabilities.dtype)
        if real is not None:
            counted = real[:, -probabilities.size(1) :]
            probabilities, chosen = probabilities[counted], chosen[counted]
        choices = choices + chosen.flatten(0, -2).sum(dim=0)
        probability = probability + probabilities.flatten(0, -2).sum(dim=0)
        rows += probabilities.numel() // n_experts
    return n_experts * torch.sum((choices / rows) * (probability / rows))
