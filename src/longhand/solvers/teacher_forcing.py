"""What a model would write, without letting it write: prompt and target are read in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longhand.models.decoder import Decoder
from longhand.models.flat import FlatParameters
from longhand.models.fused import FusedDecoder, why_not_fused
from longhand.models.rows import RowPlan, plan_rows

Ints = NDArray[np.integer[Any]]

EXAMPLES_PER_PASS = 1024
TOKENS_PER_PASS = 16 * EXAMPLES_PER_PASS

ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-4, torch.bfloat16: 0.1, torch.float16: 0.02}
"""A lead of this share of the largest logit outlasts rounding; a smaller one is decided by real decoding."""


class TeacherForcing:
    """Reads rows of ids with their targets; `model` must not be changed meanwhile.

    On a CPU and in float32, neighbours in a domain (`951+0=`, `951+1=`) share what they begin with, in the fused pass.
    Other models, devices and types take the plain modules, and so does everything with `plain`.
    """

    def __init__(self, model: Decoder, *, plain: bool = False) -> None:
        self.model = model
        self._fused = None if plain or why_not_fused(model) else FusedDecoder(model, FlatParameters.of(model))

    @property
    def fused(self) -> FusedDecoder | None:
        """What computes the rows, None for the plain modules."""
        return None if self.model.has_hooks() else self._fused

    def exact_rows(self, ids: Ints, prompt_lengths: Ints, lengths: Ints) -> NDArray[np.bool_]:
        """Return [n]: the target is surely what greedy decoding writes after the prompt.

        That is so when each token of the target is the likeliest one after those before it. Rounding differs a little
        between one pass and many, so a lead too small to outlast it does not count as sure.
        """
        exact = np.zeros(len(ids), dtype=np.bool_)
        fused = self.fused
        if fused is not None:
            for rows in _by_length(lengths):
                exact[rows] = self._fused_exact(fused, ids[rows], prompt_lengths[rows], lengths[rows])
            return exact
        for chosen, prompt, length in _alike(prompt_lengths, lengths):
            exact[chosen] = self._plain_exact(ids[chosen], prompt, length)
        return exact

    @torch.inference_mode()
    def token_matches(self, ids: Ints, lengths: Ints) -> NDArray[np.bool_]:
        """Return [n, width - 1]: the token after each position is the likeliest one, the first of equals."""
        matches = np.zeros((len(ids), max(ids.shape[1] - 1, 0)), dtype=np.bool_)
        fused = self.fused
        if fused is not None:
            for rows in _by_length(lengths):
                plan = self._plan(ids[rows], lengths[rows], keep=0)
                choice, _, _ = fused.choices(plan)
                here = plan.row_of >= 0
                matches[rows, : here.shape[1]] = here & (choice[plan.row_of] == ids[rows, 1 : here.shape[1] + 1])
            return matches
        for chosen, _, length in _alike(np.zeros_like(lengths), lengths):
            row_ids = _to_tensor(ids[chosen, :length], self.model)
            best = self.model(row_ids[:, :-1]).argmax(dim=-1)
            matches[chosen, : length - 1] = (best == row_ids[:, 1:]).cpu().numpy()
        return matches

    def _plan(self, ids: Ints, lengths: Ints, keep: int) -> RowPlan:
        """Rows of all tokens but the last one, after which nothing is asked."""
        width = int(lengths.max())
        return plan_rows(ids[:, : width - 1].astype(np.int64), lengths - 1, self.model.vocab_size, keep)

    @torch.inference_mode()
    def _fused_exact(self, fused: FusedDecoder, ids: Ints, prompt_lengths: Ints, lengths: Ints) -> NDArray[np.bool_]:
        keep = int(prompt_lengths.min()) - 1
        plan = self._plan(ids, lengths, keep)
        choice, lead, size = fused.choices(plan)
        kept = plan.kept_of  # [n, T - keep]
        columns = np.arange(keep, keep + kept.shape[1])
        asked = (columns >= prompt_lengths[:, None] - 1) & (kept >= 0)
        sure = lead > ROUNDING[torch.float32] * size
        right = sure[kept] & (choice[kept] == ids[:, keep + 1 : keep + 1 + kept.shape[1]])
        exact: NDArray[np.bool_] = (right | ~asked).all(axis=1)
        return exact

    @torch.inference_mode()
    def _plain_exact(self, ids: Ints, prompt: int, length: int) -> NDArray[np.bool_]:
        logits = self.model(_to_tensor(ids[:, : length - 1], self.model), logits_to_keep=length - prompt)
        leads = _leads(logits, _to_tensor(ids[:, prompt:length], self.model))
        exact: NDArray[np.bool_] = leads.all(dim=1).cpu().numpy()
        return exact


def _slices(n: int) -> Iterator[slice]:
    for start in range(0, n, EXAMPLES_PER_PASS):
        yield slice(start, min(start + EXAMPLES_PER_PASS, n))


def _by_length(lengths: Ints) -> Iterator[NDArray[np.int64]]:
    """Rows from the shortest to the longest, a pass at a time; neighbours of one length stay neighbours.

    Attention takes sixteen neighbours at a time, and for all of them the time of the longest.
    """
    order = np.argsort(lengths, kind="stable")
    ends = np.cumsum(lengths[order])
    start = 0
    while start < len(order):
        before = ends[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(ends, before + TOKENS_PER_PASS, side="right")))
        yield order[start:stop]
        start = stop


def _alike(prompt_lengths: Ints, lengths: Ints) -> Iterator[tuple[NDArray[np.int64], int, int]]:
    """Rows with equal lengths, a pass at a time: no padding is computed and no masks are needed."""
    shapes = np.stack([prompt_lengths, lengths], axis=1)
    kinds, kind_of_row = np.unique(shapes, axis=0, return_inverse=True)
    for kind, (prompt, length) in enumerate(kinds.tolist()):
        rows = np.flatnonzero(kind_of_row.reshape(-1) == kind)
        for part in _slices(len(rows)):
            yield rows[part], prompt, length


def _leads(logits: Tensor, targets: Tensor) -> Tensor:
    """Whether each target is ahead of every other token by more than rounding: bool [batch, keep]."""
    target_logits = logits.gather(2, targets[:, :, None])[:, :, 0]
    rivals = logits.scatter(2, targets[:, :, None], -torch.inf).amax(dim=2)
    return target_logits - rivals > ROUNDING[logits.dtype] * logits.abs().amax(dim=2)


def _to_tensor(ids: Ints, model: Decoder) -> Tensor:
    return torch.from_numpy(ids.astype(np.int64)).to(model.embedding.weight.device)
