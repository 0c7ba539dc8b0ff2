"""Beam search: the likeliest whole texts instead of the likeliest next token."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch import Tensor

from longhand.solvers.decoding import CachedModel, pad_left
from longhand.solvers.text_solver import Written


@torch.inference_mode()
def beam_search(
    model: CachedModel, prompts: Sequence[Sequence[int]], *, width: int, limit: int, eos_id: int, pad_id: int
) -> list[Written]:
    """Follow the `width` likeliest beginnings of every prompt's continuation; return the likeliest finished one.

    The score of a text is its log-probability with the end mark; it is not divided by the length, so no length
    is favoured over what the model says. A text counts as finished when its end mark is among the `width`
    likeliest next steps of its prompt. A row ends when no unfinished text can become likelier than its best
    finished one, or at `limit` tokens; only where nothing has finished by then is the likeliest unfinished text
    returned. Width 1 is greedy decoding, and a width that holds every text finds the likeliest of all. Of equals
    the first wins: the earlier beam, then the lower id.
    """
    began = time.perf_counter()
    ids, mask = pad_left(prompts, pad_id, model.device)
    n = len(prompts)
    cache = model.new_cache(n, ids.size(1) + limit - 1)
    logits = model(ids, mask, kv_cache=cache, logits_to_keep=1)[:, -1]
    cache.select(torch.arange(n, device=ids.device).repeat_interleave(width))
    beams = _Beams(n, width, eos_id, ids.device)
    logprobs = logits.double().log_softmax(dim=-1).repeat_interleave(width, dim=0)
    for step in range(1, limit + 1):
        parents = beams.extend(logprobs, time.perf_counter() - began)
        if step == limit or beams.all_decided():
            break
        cache.select(parents)
        logits = model(beams.tokens[:, :, -1].reshape(-1, 1), None, kv_cache=cache, logits_to_keep=1)[:, -1]
        logprobs = logits.double().log_softmax(dim=-1)
    return beams.best(time.perf_counter() - began)


class _Beams:
    """The unfinished texts of every row, best first, and the best finished one."""

    def __init__(self, n: int, width: int, eos_id: int, device: torch.device) -> None:
        self.n, self.width, self.eos_id = n, width, eos_id
        self.tokens = torch.empty(n, width, 0, dtype=torch.int64, device=device)
        self.logprobs = torch.empty(n, width, 0, dtype=torch.float64, device=device)
        self.scores = torch.full((n, width), -torch.inf, dtype=torch.float64, device=device)
        self.scores[:, 0] = 0.0  # at first there is one text, the empty one
        self.finished: list[tuple[float, Written] | None] = [None] * n

    def extend(self, logprobs: Tensor, seconds: float) -> Tensor:
        """Add a token to every text, from `logprobs` [n * width, vocab]; return which row each text goes on from."""
        vocab = logprobs.size(1)
        totals = (self.scores[:, :, None] + logprobs.view(self.n, self.width, vocab)).flatten(1)
        totals, places = totals.sort(dim=1, descending=True, stable=True)
        # Each text can end in one way only: of 2 * width candidates at least width go on.
        totals, places = totals[:, : 2 * self.width], places[:, : 2 * self.width]
        parents, tokens = places // vocab, places % vocab
        ends = tokens == self.eos_id
        gained = logprobs.view(self.n, -1).gather(1, places)
        self._finish(totals, parents, gained, ends[:, : self.width], seconds)
        going = ends.to(torch.uint8).argsort(dim=1, stable=True)[:, : self.width]
        self.scores = totals.gather(1, going).masked_fill(ends.gather(1, going), -torch.inf)
        parents = parents.gather(1, going)
        self.tokens = torch.cat((_follow(self.tokens, parents), tokens.gather(1, going)[:, :, None]), dim=2)
        self.logprobs = torch.cat((_follow(self.logprobs, parents), gained.gather(1, going)[:, :, None]), dim=2)
        return (parents + self.width * torch.arange(self.n, device=parents.device)[:, None]).flatten()

    def _finish(self, totals: Tensor, parents: Tensor, gained: Tensor, ends: Tensor, seconds: float) -> None:
        for row, rank in ends.nonzero().tolist():
            score, best = float(totals[row, rank]), self.finished[row]
            if score == -torch.inf or (best is not None and best[0] >= score):
                continue
            parent = int(parents[row, rank])
            tokens = (*self.tokens[row, parent].tolist(), self.eos_id)
            logprobs = (*self.logprobs[row, parent].tolist(), float(gained[row, rank]))
            self.finished[row] = (score, Written(tokens, logprobs, True, seconds))

    def all_decided(self) -> bool:
        """Whether no row can improve: every token lowers a score."""
        hopes = self.scores[:, 0].tolist()
        return all(best is not None and best[0] >= hope for best, hope in zip(self.finished, hopes, strict=True))

    def best(self, seconds: float) -> list[Written]:
        """The result of every row."""
        results = []
        for row, best in enumerate(self.finished):
            if best is not None:
                results.append(best[1])
            else:
                tokens, logprobs = self.tokens[row, 0].tolist(), self.logprobs[row, 0].tolist()
                results.append(Written(tuple(tokens), tuple(logprobs), False, seconds))
        return results


def _follow(history: Tensor, parents: Tensor) -> Tensor:
    """The past [n, width, time] of the texts that were gone on from."""
    return history.gather(1, parents[:, :, None].expand(-1, -1, history.size(2)))
