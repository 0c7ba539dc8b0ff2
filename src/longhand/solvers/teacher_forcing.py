"""What a model would write, without letting it write: prompt and target are read in one pass."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from longhand.models.decoder import Decoder

Ints = NDArray[np.integer[Any]]

ROWS_PER_PASS = 512

ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-4, torch.bfloat16: 0.1, torch.float16: 0.02}
"""A lead of this share of the largest logit outlasts rounding; a smaller one is decided by real decoding."""


@torch.inference_mode()
def exact_rows(model: Decoder, ids: Ints, prompt_lengths: Ints, lengths: Ints) -> NDArray[np.bool_]:
    """Return [n]: the target is surely what greedy decoding writes after the prompt.

    That is so when each token of the target is the likeliest one after those before it. Rounding differs a little
    between one pass and many, so a lead too small to outlast it does not count as sure.
    """
    exact = np.zeros(len(ids), dtype=np.bool_)
    for rows, prompt, length in _alike(prompt_lengths, lengths):
        logits = _target_logits(model, ids[rows, : length - 1], prompt)  # [batch, length - prompt, vocab]
        targets = _to_tensor(ids[rows, prompt:length], model)
        exact[rows] = _leads(logits, targets).all(dim=1).cpu().numpy()
    return exact


@torch.inference_mode()
def token_matches(model: Decoder, ids: Ints, lengths: Ints) -> NDArray[np.bool_]:
    """Return [n, width - 1]: the token after each position is the likeliest one, the first of equals."""
    matches = np.zeros((len(ids), max(ids.shape[1] - 1, 0)), dtype=np.bool_)
    for rows, _, length in _alike(np.zeros_like(lengths), lengths):
        row_ids = _to_tensor(ids[rows, :length], model)
        chosen = model(row_ids[:, :-1]).argmax(dim=-1)
        matches[rows, : length - 1] = (chosen == row_ids[:, 1:]).cpu().numpy()
    return matches


def _alike(prompt_lengths: Ints, lengths: Ints) -> Iterator[tuple[NDArray[np.int64], int, int]]:
    """Rows with equal lengths, a pass at a time: no padding is computed and no masks are needed."""
    shapes = np.stack([prompt_lengths, lengths], axis=1)
    kinds, kind_of_row = np.unique(shapes, axis=0, return_inverse=True)
    for kind, (prompt, length) in enumerate(kinds.tolist()):
        rows = np.flatnonzero(kind_of_row.reshape(-1) == kind)
        for start in range(0, len(rows), ROWS_PER_PASS):
            yield rows[start : start + ROWS_PER_PASS], prompt, length


def _target_logits(model: Decoder, ids: Ints, prompt: int) -> Tensor:
    """Logits from the last token of the prompt on, for `ids` [batch, time] that are equally long: [batch, keep, vocab].

    Neighbours in a domain begin alike (`951+0=`, `951+1=`), and what they share is read once.
    """
    keep = ids.shape[1] - prompt + 1
    shared = _shared_prefix(ids[:, : prompt - 1])
    logits: Tensor
    if shared == 0:
        logits = model(_to_tensor(ids, model), logits_to_keep=keep)
        return logits
    prefixes, prefix_of_row = np.unique(ids[:, :shared], axis=0, return_inverse=True)
    cache = model.new_cache(len(prefixes), ids.shape[1])
    model(_to_tensor(prefixes, model), kv_cache=cache, logits_to_keep=1)
    cache.select(_to_tensor(prefix_of_row.reshape(-1), model))
    logits = model(_to_tensor(ids[:, shared:], model), kv_cache=cache, logits_to_keep=keep)
    return logits


def _shared_prefix(ids: Ints) -> int:
    """The number of leading columns that is best read apart: few different beginnings, many tokens saved."""
    n = len(ids)
    new = np.ones(n, dtype=np.bool_)
    new[1:] = False
    best, most_saved = 0, 0
    for column in range(ids.shape[1]):
        # Rows in the order of a domain: a beginning differs from the one before it, or is the same.
        new[1:] |= ids[1:, column] != ids[:-1, column]
        saved = (n - int(new.sum())) * (column + 1)
        if saved > most_saved:
            best, most_saved = column + 1, saved
    return best


def _leads(logits: Tensor, targets: Tensor) -> Tensor:
    """Whether each target is ahead of every other token by more than rounding: bool [batch, keep]."""
    target_logits = logits.gather(2, targets[:, :, None])[:, :, 0]
    rivals = logits.scatter(2, targets[:, :, None], -torch.inf).amax(dim=2)
    return target_logits - rivals > ROUNDING[logits.dtype] * logits.abs().amax(dim=2)


def _to_tensor(ids: Ints, model: Decoder) -> Tensor:
    return torch.from_numpy(ids.astype(np.int64)).to(model.embedding.weight.device)
