"""A windowed model as a solver: a token costs the same wherever in a text it stands, and a window is computed once."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.numpy_gpt.windowed import WindowNetwork
from longhand.runs.certificate import Certificate
from longhand.solvers.numpy_solver import sample
from longhand.solvers.text_solver import Question, Settings, TextSolver, Uniforms, Written
from longhand.text.formats import Format
from longhand.text.layouts.base import Layout, Places
from longhand.text.schoolbook import longest_rows

Ints = NDArray[np.integer[Any]]

ROUNDING = 1e-9
"""A lead of less than this, relative to the largest logit, could be rounding in float64."""

BYTES_PER_TOKEN = 96
"""Of what is kept while rows are written: ids and log-probabilities, the places read from, the text."""


class WindowedSolver(TextSolver):
    """A solver whose model reads rows by a layout, in float64, with NumPy alone.

    `certificate` is what was proved of the model in float64, in which it is served. Numbers may be of any length: what
    may be written by default is as long as the rows of the question are.
    """

    def __init__(
        self,
        network: WindowNetwork,
        layout: Layout,
        format: Format,
        domain: Domain | None = None,
        certificate: Certificate | None = None,
    ) -> None:
        super().__init__(layout.vocabulary, format, domain, context=2**62)
        self.max_new_tokens = None  # the domain says what was trained on; longer numbers are read as well
        self.network, self.layout = network, layout
        self.certificate = certificate
        self._known: dict[Places, NDArray[np.float64]] = {}
        self._best: dict[Places, tuple[int, float]] = {}

    @property
    def engine(self) -> str:
        """What decodes."""
        return "windows"

    def logits_of(self, windows: Sequence[Places]) -> list[NDArray[np.float64]]:
        """The logits [vocab] of the token after each window; every window is computed once in the solver's life."""
        new = [window for window in dict.fromkeys(windows) if window not in self._known]
        if new:
            self._known.update(zip(new, self.network.logits(np.array(new)), strict=True))
        return [self._known[window] for window in windows]

    def choices(self, windows: Sequence[Places]) -> list[tuple[int, float]]:
        """The likeliest token after each window, the first of equals, and its natural log-probability."""
        missing = [window for window in windows if window not in self._best]
        if missing:
            logits = np.array(self.logits_of(missing))
            best = logits.argmax(axis=1)
            chances = logits.max(axis=1) - np.logaddexp.reduce(logits, axis=1)
            self._best.update(zip(missing, zip(best.tolist(), chances.tolist(), strict=True), strict=True))
        return [self._best[window] for window in windows]

    def _write(self, questions: Sequence[Question], settings: Settings, uniforms: Uniforms | None) -> Sequence[Written]:
        if settings.beam > 1:
            raise UserError(f"beam {settings.beam} is not for windowed models; leave it out")
        written: list[Written] = []
        for start in range(0, len(questions), settings.batch_size):
            rows = range(start, min(start + settings.batch_size, len(questions)))
            written += self._write_batch(questions, rows, settings, uniforms)
        return written

    def _write_batch(
        self, questions: Sequence[Question], rows: range, settings: Settings, uniforms: Uniforms | None
    ) -> list[Written]:
        started = time.perf_counter()
        cursors = {row: self.layout.cursor(questions[row].ids) for row in rows}
        limits = {row: settings.max_new_tokens or self._limit(questions[row].ids) for row in rows}
        _check_memory(sum(limits.values()))
        ids: dict[int, list[int]] = {row: [] for row in rows}
        chances: dict[int, list[float]] = {row: [] for row in rows}
        seconds = {}
        active = list(rows)
        while active:
            windows = [cursors[row].window() for row in active]
            if uniforms is None:
                chosen = self.choices(windows)
            else:
                chosen = _draw(np.array(self.logits_of(windows)), uniforms.draw(active), settings)
            going = []
            for row, (token, chance) in zip(active, chosen, strict=True):
                ids[row].append(token)
                chances[row].append(chance)
                if token == self._eos or len(ids[row]) >= limits[row]:
                    seconds[row] = time.perf_counter() - started
                else:
                    cursors[row].push(token)
                    going.append(row)
            active = going
        return [Written(tuple(ids[r]), tuple(chances[r]), ids[r][-1] == self._eos, seconds[r]) for r in rows]

    def _limit(self, prompt: Sequence[int]) -> int:
        """Tokens that the rows of a question take at most, the end mark included."""
        place = next(i for i, token in enumerate(prompt) if token in self.layout.operator_ids)
        return longest_rows(self.layout.operator_ids[prompt[place]], place - 1, len(prompt) - place - 2) + 1

    def _next_logits(self, ids: Sequence[int]) -> NDArray[np.float64]:
        return self.logits_of([self.layout.windows(ids)[-1]])[0]

    def exact_rows(self, ids: Ints, prompt_lengths: Ints, lengths: Ints) -> NDArray[np.bool_]:
        """Return [n]: greedy decoding of the first `prompt_lengths` ids surely writes the rest of the row."""
        exact = np.ones(len(ids), dtype=np.bool_)
        for row, windows, targets in self._rows(ids, lengths):
            logits = np.array(self.logits_of(windows))
            lead = logits[np.arange(len(targets)), targets]
            rivals = logits.copy()
            rivals[np.arange(len(targets)), targets] = -np.inf
            exact[row] = bool((lead - rivals.max(axis=1) > ROUNDING * np.abs(logits).max(axis=1)).all())
        return exact

    def token_matches(self, ids: Ints, lengths: Ints) -> NDArray[np.bool_]:
        """Return [n, width - 1]: the id after each position is the most likely one; false in prompt and padding."""
        matches = np.zeros((len(ids), max(ids.shape[1] - 1, 0)), dtype=np.bool_)
        for row, windows, targets in self._rows(ids, lengths):
            best = [token for token, _ in self.choices(windows)]
            end = int(lengths[row]) - 1
            matches[row, end - len(targets) : end] = np.array(best) == targets
        return matches

    def _rows(self, ids: Ints, lengths: Ints) -> Iterable[tuple[int, list[Places], NDArray[np.int64]]]:
        """Of each row the windows of the tokens after `=`, and these tokens."""
        for row, length in enumerate(lengths.tolist()):
            windows = self.layout.windows(ids[row, : length - 1].tolist())
            yield row, windows, ids[row, length - len(windows) : length].astype(np.int64)


def _check_memory(n_tokens: int) -> None:
    """Raise `UserError` if so many tokens may not fit into the memory of this machine."""
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # a system that does not say
        return
    if n_tokens * BYTES_PER_TOKEN > memory:
        raise UserError(
            f"the answers may take {n_tokens:,} tokens, about {n_tokens * BYTES_PER_TOKEN / 2**30:,.0f} GiB, and this"
            f" machine has {memory / 2**30:,.0f} GiB of memory; ask for fewer or shorter ones, or set max_new_tokens"
        )


def _draw(logits: NDArray[np.float64], uniforms: NDArray[np.float64], settings: Settings) -> list[tuple[int, float]]:
    """Tokens drawn as `solvers.numpy_solver.sample` does, and their log-probabilities at temperature 1."""
    tokens = sample(logits, uniforms, settings.temperature, settings.top_k)
    logprobs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return [(int(token), float(logprobs[row, token])) for row, token in enumerate(tokens.tolist())]
