"""One answer token by token: what was written, how sure the model was, what else it considered, where it looked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.errors import UserError
from longhand.solvers.base import Completion
from longhand.solvers.text_solver import TextSolver
from longhand.solvers.windowed import WindowedSolver

N_RIVALS = 3


@dataclass(frozen=True, slots=True)
class Step:
    """A token, its natural log-probability, its likeliest rivals, and the share of attention on each earlier token.

    `looked` maps places of the row to the mean over all heads and blocks of the weight that the place got while the
    token was written; it is empty for models whose attention is not shown.
    """

    text: str
    logprob: float
    rivals: Mapping[str, float]
    looked: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Trace:
    """A prompt as the model read it, token by token, and the steps of its answer."""

    completion: Completion
    read: tuple[str, ...]
    steps: tuple[Step, ...]

    def to_dict(self) -> dict[str, Any]:
        """The trace as JSON data."""
        steps = [
            {
                "text": step.text,
                "logprob": step.logprob,
                "rivals": dict(step.rivals),
                "looked": {str(place): round(share, 4) for place, share in step.looked.items()},
            }
            for step in self.steps
        ]
        return {"read": list(self.read), "written": steps, "answer": self.completion.answer}


def trace(solver: TextSolver, prompt: str, *, max_tokens: int = 256) -> Trace:
    """Answer one prompt greedily, and say how; raises `UserError` for one that cannot be asked."""
    (completion,) = solver.solve([prompt], max_new_tokens=max_tokens)
    ids = solver.prompt_ids(prompt)
    written = list(completion.token_ids)
    places = range(len(ids), len(ids) + len(written))
    row = [*ids, *written]
    looked = _looked(solver, row, len(ids))
    tokens = solver.vocabulary.tokens
    steps = []
    for place, logprob, shares in zip(places, completion.logprobs, looked, strict=True):
        chances = solver.next_tokens(row[:place], N_RIVALS + 1)
        rivals = {tokens[c.token_id]: c.logprob for c in chances if c.token_id != row[place]}
        steps.append(Step(tokens[row[place]], logprob, dict(list(rivals.items())[:N_RIVALS]), shares))
    return Trace(completion, tuple(tokens[token] for token in ids), tuple(steps))


def _looked(solver: TextSolver, row: list[int], n_read: int) -> list[dict[int, float]]:
    """For each token written, the mean share of attention by place."""
    if isinstance(solver, WindowedSolver):
        return _looked_through_windows(solver, row, n_read)
    weights = _weights(solver, row)
    if weights is None:
        return [{} for _ in row[n_read:]]
    mean = weights.mean(axis=(0, 1))
    # The token at a place was written by the query before it.
    return [{i: float(w) for i, w in enumerate(mean[place - 1, :place])} for place in range(n_read, len(row))]


def _weights(solver: TextSolver, row: list[int]) -> NDArray[np.float32] | None:
    from longhand.runtime import torch_is_installed

    if not torch_is_installed():
        return None
    import torch

    from longhand.explain.attention import attention_weights
    from longhand.solvers.autoregressive import AutoregressiveSolver

    if not isinstance(solver, AutoregressiveSolver):
        return None
    try:
        return attention_weights(solver.model, torch.tensor(row[:-1]))
    except UserError:
        return None


def _looked_through_windows(solver: WindowedSolver, row: list[int], n_read: int) -> list[dict[int, float]]:
    cursor = solver.layout.cursor(row[:n_read])
    found: list[dict[int, float]] = []
    for token in row[n_read:]:
        places = cursor.places()
        weights = solver.network.attention(np.array([cursor.window()]))  # [n_layers, n_heads, 1, n_slots]
        shares: dict[int, float] = {}
        for place, weight in zip(places, weights.mean(axis=(0, 1))[0], strict=True):
            shares[place] = shares.get(place, 0.0) + float(weight)
        found.append(dict(sorted(shares.items())))
        cursor.push(token)
    return found
