"""What a model is asked to do, in kinds that the batcher can put together: equal kinds may share a batch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from longhand.explain.trace import trace
from longhand.serving.served_model import ServedModel
from longhand.solvers.base import Completion, TokenChance

TRACED_TOKENS = 512
"""The page shows no more of an answer."""

SHORT = 24
"""Characters of a prompt that says little of how long its answer takes: long ones may have very long answers."""

QUICK = 0.004
"""Seconds that a server may spend on answers between looking at its connections."""


@dataclass(frozen=True, slots=True)
class Answering:
    """Greedy answers to prompts, of at most `max_tokens`."""

    model: ServedModel
    max_tokens: int

    def run(self, items: Sequence[str]) -> list[Completion]:
        """One completion per prompt."""
        return self.model.solve(items, self.max_tokens)

    def is_quick(self, items: Sequence[str]) -> bool:
        """Whether they are short, and prompts took so little lately that all of them are done in a few milliseconds."""
        return max(map(len, items)) <= SHORT and len(items) * self.model.seconds_per_prompt < QUICK


class _InThread:
    """Work that takes its time."""

    __slots__ = ()

    def is_quick(self, items: Sequence[Any]) -> bool:
        """False."""
        return False


@dataclass(frozen=True, slots=True)
class Drawing(_InThread):
    """A prompt answered `n` times, each time drawn anew; what is drawn depends on the seed and on nothing else."""

    model: ServedModel
    max_tokens: int
    temperature: float
    seed: int
    n: int

    def run(self, items: Sequence[str]) -> list[list[Completion]]:
        """`n` completions per prompt. Each prompt is drawn for alone, whatever else is asked."""
        how = {"temperature": self.temperature, "seed": self.seed}
        return [self.model.solve([item] * self.n, self.max_tokens, **how) for item in items]


@dataclass(frozen=True, slots=True)
class Tracing(_InThread):
    """Answers with everything that can be said of how they came about."""

    model: ServedModel

    def run(self, items: Sequence[str]) -> list[dict[str, Any]]:
        """The trace of each equation, with its verdict, as JSON data."""
        return [self._trace(item) for item in items]

    def _trace(self, equation: str) -> dict[str, Any]:
        traced = trace(self.model.solver, equation, max_tokens=TRACED_TOKENS)
        judged = self.model.judge(traced.completion)
        return {
            **traced.to_dict(),
            "verdict": None if judged is None else str(judged.verdict),
            "expected": None if judged is None else judged.problem.answer,
            "certified": judged is not None and judged.certified,
        }


@dataclass(frozen=True, slots=True)
class Pairs(_InThread):
    """Every pair of digits with every operator, asked at once."""

    model: ServedModel

    def run(self, items: Sequence[None]) -> list[dict[str, list[list[dict[str, Any] | None]]]]:
        """By operator, ten rows of ten answers with their verdicts and confidences."""
        model = self.model
        asked = {(o, a, b): f"{a}{o}{b}=" for o in model.operators for a in range(10) for b in range(10)}
        asked = {place: equation for place, equation in asked.items() if model.accepted.why_not(equation) is None}
        found = dict(zip(asked, model.solver.solve(list(asked.values())), strict=True))
        tables = {
            o: [[_cell(model, found.get((o, a, b))) for b in range(10)] for a in range(10)] for o in model.operators
        }
        return [tables for _ in items]


def _cell(model: ServedModel, completion: Completion | None) -> dict[str, Any] | None:
    if completion is None:
        return None
    judged = model.judge(completion)
    return {
        "answer": completion.answer,
        "verdict": None if judged is None else str(judged.verdict),
        "confidence": math.exp(sum(completion.logprobs)),
    }


@dataclass(frozen=True, slots=True)
class Scoring(_InThread):
    """The likeliest tokens at each place of texts, `k` of them."""

    model: ServedModel
    k: int

    def run(self, items: Sequence[Sequence[int]]) -> list[list[list[TokenChance]]]:
        """Of each row of ids, for each place but the first, the `k` likeliest tokens there, likeliest first."""
        solver = self.model.solver
        return [[solver.next_tokens(ids[:place], self.k) for place in range(1, len(ids))] for ids in items]
