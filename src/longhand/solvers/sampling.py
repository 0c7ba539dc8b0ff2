"""Choosing the next token of every row of a batch."""

from __future__ import annotations

from torch import Tensor


def greedy(logits: Tensor) -> Tensor:
    """The most likely token of each row of `logits` [batch, vocab], the first of equals: int64 [batch]."""
    return logits.argmax(dim=-1)


def sample(logits: Tensor, uniforms: Tensor, temperature: float, top_k: int | None = None) -> Tensor:
    """Draw a token for each row of `logits` [batch, vocab] from softmax(logits / temperature): int64 [batch].

    With `top_k` only that many of the likeliest tokens can be drawn, the first of equals. `uniforms` [batch],
    numbers in [0, 1), are all the randomness there is: tokens are laid out from the likeliest on, and each row
    takes the one its number falls on. A row's token therefore does not depend on its neighbours.
    """
    ordered, tokens = logits.double().sort(dim=-1, descending=True, stable=True)
    if top_k is not None:
        ordered, tokens = ordered[:, :top_k], tokens[:, :top_k]
    # Differences first: a small temperature then overflows to -inf, which is a probability of 0.
    cumulative = ((ordered - ordered[:, :1]) / temperature).softmax(dim=-1).cumsum(dim=-1)
    reach = uniforms.to(cumulative)[:, None] * cumulative[:, -1:]
    place = (cumulative <= reach).sum(dim=-1, keepdim=True).clamp_(max=tokens.size(1) - 1)
    return tokens.gather(1, place)[:, 0]


def token_logprobs(logits: Tensor, chosen: Tensor) -> Tensor:
    """Natural log-probabilities of the `chosen` tokens [batch] under `logits` [batch, vocab]: float64 [batch]."""
    return logits.double().log_softmax(dim=-1).gather(1, chosen[:, None])[:, 0]
