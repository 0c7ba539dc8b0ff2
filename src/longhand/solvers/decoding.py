"""From prompts in ids to what a model writes after them, batch by batch, with a key-value cache."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Protocol

import torch
from torch import Tensor

from longhand.solvers.sampling import token_logprobs
from longhand.solvers.text_solver import Written

Pick = Callable[[Tensor, Tensor], Tensor]
"""Choose the next tokens from logits [n, vocab] of the given rows [n] of the batch: ids [n]; asked once a step."""


class RowMemory(Protocol):
    """What a model keeps of the rows it has read."""

    def select(self, rows: Tensor) -> None:
        """Keep the given rows of the batch, in the given order; `rows` is int64 [new batch]."""
        ...


class CachedModel(Protocol):
    """A model that goes on from where it has read: a `Decoder`, or whatever else is called as one is."""

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        ...

    def new_cache(self, batch: int, max_len: int) -> RowMemory:
        """An empty memory for `batch` rows of up to `max_len` tokens."""
        ...

    @property
    def __call__(self) -> Callable[..., Any]:
        """See `Decoder.forward`."""
        ...


@dataclass(frozen=True, slots=True)
class PromptBatch:
    """Rows decoded together: their places in the request, and how many tokens each of them may write."""

    rows: list[int]
    limit: int


def plan_batches(
    lengths: Sequence[int], max_new_tokens: int | None, context: int, batch_size: int
) -> Iterator[PromptBatch]:
    """Share prompts of these lengths (tokens) among batches of rows that are nearly equally long.

    Rows may write `max_new_tokens` tokens, or fewer where the context ends; the last token written is not read
    again and may lie beyond it. Left padding takes room in the context, so rows that the context cuts short are
    only batched with rows of their own length: what a row may write does not depend on its neighbours.
    """

    def room(row: int) -> int:
        return context - lengths[row] + 1

    def limit(row: int) -> int:
        return room(row) if max_new_tokens is None else min(max_new_tokens, room(row))

    def bucket(row: int) -> tuple[bool, int]:
        cut_short = max_new_tokens is None or room(row) < max_new_tokens
        return (True, lengths[row]) if cut_short else (False, 0)

    order = sorted(range(len(lengths)), key=lambda row: (bucket(row), lengths[row]))
    for _, group in groupby(order, key=bucket):
        rows = list(group)
        for start in range(0, len(rows), batch_size):
            yield PromptBatch(rows[start : start + batch_size], limit(rows[start]))


def pad_left(prompts: Sequence[Sequence[int]], pad_id: int, device: torch.device) -> tuple[Tensor, Tensor | None]:
    """Prompts as int64 [batch, time] that end in the same column, and which tokens are real (None: all)."""
    width = max(map(len, prompts))
    ids = torch.tensor([[pad_id] * (width - len(p)) + list(p) for p in prompts], dtype=torch.int64, device=device)
    if all(len(prompt) == width for prompt in prompts):
        return ids, None
    lengths = torch.tensor([len(prompt) for prompt in prompts], device=device)
    return ids, torch.arange(width, device=device) >= width - lengths[:, None]


@torch.inference_mode()
def decode_batch(
    model: CachedModel, prompts: Sequence[Sequence[int]], pick: Pick, *, limit: int, eos_id: int, pad_id: int
) -> list[Written]:
    """Let the model continue every prompt until it writes the end mark or has written `limit` tokens.

    Rows that are done leave the batch, so the work shrinks with it.
    """
    began = time.perf_counter()
    step_ids, mask = pad_left(prompts, pad_id, model.device)
    n = len(prompts)
    cache = model.new_cache(n, step_ids.size(1) + limit - 1)
    rows = torch.arange(n, device=step_ids.device)
    tokens: list[list[int]] = [[] for _ in range(n)]
    logprobs: list[list[float]] = [[] for _ in range(n)]
    seconds: dict[int, float] = {}  # of the rows that have stopped
    for _ in range(limit):
        logits = model(step_ids, mask, kv_cache=cache, logits_to_keep=1)[:, -1]
        chosen = pick(logits, rows)
        chances = token_logprobs(logits, chosen)
        for row, token, chance in zip(rows.tolist(), chosen.tolist(), chances.tolist(), strict=True):
            tokens[row].append(token)
            logprobs[row].append(chance)
        going = (chosen != eos_id).nonzero()[:, 0]
        if going.numel() < rows.numel():
            now = time.perf_counter() - began
            seconds |= dict.fromkeys(rows[chosen == eos_id].tolist(), now)
            if going.numel() == 0:
                break
            cache.select(going)
            rows, chosen = rows[going], chosen[going]
        step_ids, mask = chosen[:, None], None
    end = time.perf_counter() - began
    return [
        Written(tuple(tokens[row]), tuple(logprobs[row]), row in seconds, seconds.get(row, end)) for row in range(n)
    ]
