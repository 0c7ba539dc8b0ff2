"""A model as it is served: its solver, its name and version, and what may be asked of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

from longhand.explain.trace import trace
from longhand.runs.checkpoint import Checkpoint, load_checkpoint
from longhand.serving.accepted import Accepted, UnaskableError
from longhand.shipped import model_path
from longhand.solvers.base import Completion, TokenChance
from longhand.solvers.judged import Judged, judge_completion
from longhand.solvers.load import solver_of
from longhand.solvers.text_solver import TextSolver

TRACED_TOKENS = 512
"""The page shows no more of an answer."""

SHORT = 24
"""Characters of a prompt that says little of how long its answer takes: long ones may have very long answers."""

QUICK = 0.004
"""Seconds that a server may spend on answers between looking at its connections."""


class ServedModel:
    """One version of a model, ready to answer. Models are equal if they are the same object."""

    def __init__(self, name: str, version: str, checkpoint: Checkpoint) -> None:
        self.name, self.version, self.checkpoint = name, version, checkpoint
        self.solver: TextSolver = solver_of(checkpoint, threads=1)
        certificate = getattr(self.solver, "certificate", None)
        self.accepted = Accepted(checkpoint.domain, certificate, checkpoint.vocabulary)
        self.certificate = certificate
        self.seconds_per_prompt = 1e-3  # lately

    @classmethod
    def open(cls, path: str | Path, *, name: str | None = None, version: str | None = None) -> ServedModel:
        """Read a checkpoint and answer one problem with it, so that the first request is no slower than the next.

        Raises `UserError` for a directory that `longhand.load` does not take.
        """
        directory = model_path(path)
        checkpoint = load_checkpoint(directory)
        model = cls(name or _name_of(directory), version or _version_of(directory), checkpoint)
        model.warm_up()
        return model

    @property
    def _example(self) -> str:
        examples = (f"951{operator}11" for operator in self.operators)
        return next((each for each in examples if self.accepted.why_not(f"{each}=") is None), "1+1")

    def note_time(self, seconds: float) -> None:
        """Remember how long a prompt took: the shortest of late, as what else the machine does is not the work."""
        self.seconds_per_prompt = min(seconds, 1.1 * self.seconds_per_prompt)

    def warm_up(self) -> None:
        """Answer a problem, if there is one that is known to be fit."""
        domain = self.checkpoint.domain
        if domain is not None:
            problem = next(iter(domain))
            for _ in range(20):  # the first ones are slower, and say little of what is to come
                Answering(self).run([f"{problem.expression}="])

    def judge(self, completion: Completion) -> Judged | None:
        """Compare an answer with exact arithmetic; None if nothing was asked that has an answer."""
        return judge_completion(self.solver, completion)

    def check(self, equation: str) -> None:
        """Raise `UnaskableError` for an equation the model is not asked."""
        reason = self.accepted.why_not(equation)
        if reason is not None:
            raise UnaskableError(equation, reason, self.accepted.pattern)

    @property
    def operators(self) -> str:
        """Which operators its equations have."""
        if self.accepted.certificate is not None:
            return self.accepted.certificate.operators
        return "" if self.checkpoint.domain is None else "".join(self.checkpoint.domain.operators)

    @cached_property
    def card(self) -> dict[str, Any]:
        """What is known of the model, as JSON data for people: sizes, domain, measurements, certificate."""
        checkpoint = self.checkpoint
        certificate = None
        if self.certificate is not None:
            certificate = {"kind": self.certificate.content["kind"], "claim": self.certificate.claim}
        return {
            "name": self.name,
            "version": self.version,
            "parameters": checkpoint.num_parameters,
            "engine": self.solver.engine,
            "pattern": self.accepted.pattern,
            "operators": self.operators,
            "asks": self.accepted.in_words,
            "example": self._example,
            "units_first": checkpoint.format.reverse_answer or checkpoint.format.notation == "schoolbook",
            "domain": None if checkpoint.domain is None else checkpoint.domain.to_dict(),
            "tokens": list(checkpoint.vocabulary.tokens),
            "model": dict(checkpoint.model),
            "metrics": dict(checkpoint.metrics),
            "certificate": certificate,
        }


@dataclass(frozen=True, slots=True)
class Sampling:
    """How an answer is written: greedily at temperature 0. At most `max_tokens` (None: as the model decides)."""

    temperature: float = 0.0
    top_k: int | None = None
    seed: int = 0
    max_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class Answering:
    """Answers to prompts; a kind of work for the batcher. Drawn answers are drawn alone: `ticket` tells them apart."""

    model: ServedModel
    sampling: Sampling = Sampling()
    ticket: int = 0

    def run(self, items: Sequence[str]) -> list[Completion]:
        """One completion per prompt."""
        how = self.sampling
        started = perf_counter()
        completions = self.model.solver.solve(
            items, temperature=how.temperature, top_k=how.top_k, seed=how.seed, max_new_tokens=how.max_tokens
        )
        if items:
            self.model.note_time((perf_counter() - started) / len(items))
        return completions

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
class Tracing(_InThread):
    """Answers with everything that can be said of how they came about; a kind of work for the batcher."""

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
    """Every pair of digits with every operator, asked at once; a kind of work for the batcher."""

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
    """The likeliest tokens at each place of texts, `k` of them; a kind of work for the batcher."""

    model: ServedModel
    k: int

    def run(self, items: Sequence[Sequence[int]]) -> list[list[list[TokenChance]]]:
        """Of each row of ids, for each place but the first, the `k` likeliest tokens there, likeliest first."""
        solver = self.model.solver
        return [[solver.next_tokens(ids[:place], self.k) for place in range(1, len(ids))] for ids in items]


def _name_of(directory: Path) -> str:
    return directory.parent.name if directory.name == "model" else directory.name


def _version_of(directory: Path) -> str:
    """The beginning of the hash of the manifest: the same content has the same version."""
    from longhand.runs.manifest import MANIFEST, file_sha256

    manifest = directory / MANIFEST
    return file_sha256(manifest)[:12] if manifest.exists() else "unversioned"
