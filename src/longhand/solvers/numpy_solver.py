"""A trained decoder as a solver, where NumPy alone computes it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.numpy_gpt.layers import softmax
from longhand.numpy_gpt.model import Ints, NumpyGPT
from longhand.numpy_gpt.parameters import Floats
from longhand.solvers.text_solver import Question, Settings, TextSolver, Uniforms, Written
from longhand.text.formats import Format
from longhand.text.vocabulary import Vocabulary

ROWS_PER_PASS = 1024

ROUNDING = 1e-4
"""A lead of this share of the largest logit outlasts rounding in float32; a smaller one is decided by decoding."""


class NumpySolver(TextSolver):
    """A solver whose model NumPy computes: rows of one length together, without padding."""

    def __init__(
        self,
        model: NumpyGPT,
        vocabulary: Vocabulary,
        format: Format,
        domain: Domain | None = None,
        *,
        max_new_tokens: int | None = None,
    ) -> None:
        super().__init__(vocabulary, format, domain, context=model.config.max_seq_len, max_new_tokens=max_new_tokens)
        self.model = model

    @property
    def engine(self) -> str:
        """What decodes."""
        return "numpy"

    def _write(self, questions: Sequence[Question], settings: Settings, uniforms: Uniforms | None) -> Sequence[Written]:
        if settings.beam > 1:
            raise UserError(f"beam {settings.beam} is not for the numpy engine; leave it out, or install torch")
        lengths = np.array([len(question.ids) for question in questions], dtype=np.int64)
        written: dict[int, Written] = {}
        for rows, (length,) in _alike(settings.batch_size, lengths):
            room = self.context - length + 1  # the last token is not read again
            limit = room if settings.max_new_tokens is None else min(settings.max_new_tokens, room)
            ids = np.array([questions[row].ids for row in rows.tolist()])
            results = decode(self.model, ids, limit, self._eos, rows, settings, uniforms)
            written |= zip(rows.tolist(), results, strict=True)
        return [written[row] for row in range(len(questions))]

    def _next_logits(self, ids: Sequence[int]) -> NDArray[np.float64]:
        logits: NDArray[np.float64] = self.model.forward(np.array([list(ids)]), keep=1)[0][0, -1].astype(np.float64)
        return logits

    def exact_rows(self, ids: Ints, prompt_lengths: Ints, lengths: Ints) -> NDArray[np.bool_]:
        """Return [n]: greedy decoding of the first `prompt_lengths` ids surely writes the rest of the row."""
        exact = np.zeros(len(ids), dtype=np.bool_)
        for rows, (prompt, length) in _alike(ROWS_PER_PASS, prompt_lengths, lengths):
            logits, _ = self.model.forward(ids[rows, : length - 1], keep=length - prompt)
            targets = ids[rows, prompt:length, None].astype(np.int64)
            lead = np.take_along_axis(logits, targets, axis=2)[..., 0]
            size = np.abs(logits).max(axis=2)
            np.put_along_axis(logits, targets, -np.inf, axis=2)
            exact[rows] = (lead - logits.max(axis=2) > ROUNDING * size).all(axis=1)
        return exact

    def token_matches(self, ids: Ints, lengths: Ints) -> NDArray[np.bool_]:
        """Return [n, width - 1]: the id after each position is the most likely one; false on padding."""
        matches = np.zeros((len(ids), max(ids.shape[1] - 1, 0)), dtype=np.bool_)
        for rows, (length,) in _alike(ROWS_PER_PASS, lengths):
            logits, _ = self.model.forward(ids[rows, : length - 1])
            matches[rows, : length - 1] = logits.argmax(axis=2) == ids[rows, 1:length]
        return matches


def decode(
    model: NumpyGPT,
    ids: Ints,
    limit: int,
    eos_id: int,
    rows: NDArray[np.int64],
    settings: Settings,
    uniforms: Uniforms | None,
) -> list[Written]:
    """Continue prompts [batch, time] until each has the end mark or `limit` tokens; those that are done leave.

    `rows` are their places in the request, by which they draw from `uniforms`.
    """
    began = time.perf_counter()
    tokens: list[list[int]] = [[] for _ in rows]
    logprobs: list[list[float]] = [[] for _ in rows]
    seconds: dict[int, float] = {}  # of the rows that have stopped
    cache = model.new_cache(len(ids), ids.shape[1] + limit - 1)
    here = np.arange(len(ids))
    for _ in range(limit):
        logits = model.forward(ids, keep=1, cache=cache)[0][:, 0].astype(np.float64)
        if uniforms is None:
            chosen = logits.argmax(axis=1)
        else:
            chosen = sample(logits, uniforms.draw(rows[here].tolist()), settings.temperature, settings.top_k)
        chances = np.log(np.take_along_axis(softmax(logits), chosen[:, None], axis=1)[:, 0])
        for row, token, chance in zip(here.tolist(), chosen.tolist(), chances.tolist(), strict=True):
            tokens[row].append(token)
            logprobs[row].append(chance)
        going = np.flatnonzero(chosen != eos_id)
        if len(going) < len(here):
            seconds |= dict.fromkeys(here[chosen == eos_id].tolist(), time.perf_counter() - began)
            if not len(going):
                break
            cache.select(going)
        here, ids = here[going], chosen[going, None]
    end = time.perf_counter() - began
    return [
        Written(tuple(tokens[row]), tuple(logprobs[row]), row in seconds, seconds.get(row, end))
        for row in range(len(rows))
    ]


def sample(logits: Floats, uniforms: NDArray[np.float64], temperature: float, top_k: int | None) -> NDArray[np.int64]:
    """Draw a token for each row of `logits` [batch, vocab], as `solvers.sampling.sample` does: int64 [batch]."""
    tokens = np.argsort(-logits, axis=1, kind="stable")[:, :top_k]
    ordered = np.take_along_axis(logits, tokens, axis=1)
    cumulative = softmax((ordered - ordered[:, :1]) / temperature).cumsum(axis=1)
    place = (cumulative <= uniforms[:, None] * cumulative[:, -1:]).sum(axis=1, keepdims=True)
    return np.take_along_axis(tokens, np.minimum(place, tokens.shape[1] - 1), axis=1)[:, 0]


def _alike(size: int, *lengths: NDArray[np.integer[Any]]) -> Iterator[tuple[NDArray[np.int64], list[int]]]:
    """Rows that agree in all their lengths, at most `size` at a time, and these lengths."""
    kinds, kind_of_row = np.unique(np.stack(lengths, axis=1), axis=0, return_inverse=True)
    for kind, shared in enumerate(kinds.tolist()):
        rows = np.flatnonzero(kind_of_row.reshape(-1) == kind)
        for start in range(0, len(rows), size):
            yield rows[start : start + size], shared
