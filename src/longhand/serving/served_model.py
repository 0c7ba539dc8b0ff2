"""A model as it is served: its solver, its name and version, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from longhand.runs.checkpoint import Checkpoint, load_checkpoint
from longhand.serving.accepted import Accepted
from longhand.shipped import model_path
from longhand.solvers.base import Completion, TokenChance
from longhand.solvers.judged import Judged, judge_completion
from longhand.solvers.load import solver_of
from longhand.solvers.text_solver import TextSolver


class ServedModel:
    """One version of a model, ready to answer. Models are equal if they are the same object."""

    def __init__(self, name: str, version: str, checkpoint: Checkpoint) -> None:
        self.name, self.version, self.checkpoint = name, version, checkpoint
        self.solver: TextSolver = solver_of(checkpoint, threads=1)
        certificate = getattr(self.solver, "certificate", None)
        self.accepted = Accepted(checkpoint.domain, certificate, checkpoint.vocabulary)
        self.certificate = certificate

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

    def warm_up(self) -> None:
        """Answer a problem, if there is one that is known to be fit."""
        domain = self.checkpoint.domain
        if domain is not None:
            problem = next(iter(domain))
            self.solver.solve([f"{problem.expression}="])

    def judge(self, completion: Completion) -> Judged | None:
        """Compare an answer with exact arithmetic; None if nothing was asked that has an answer."""
        return judge_completion(self.solver, completion)

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
        return self.model.solver.solve(
            items, temperature=how.temperature, top_k=how.top_k, seed=how.seed, max_new_tokens=how.max_tokens
        )


@dataclass(frozen=True, slots=True)
class Scoring:
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
