"""A model as it is served: its solver, its name and version, and what may be asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from time import perf_counter
from typing import Any

from longhand.runs.checkpoint import Checkpoint, load_checkpoint
from longhand.serving.accepted import Accepted, UnaskableError
from longhand.shipped import model_path
from longhand.solvers.base import Completion
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

    def solve(self, prompts: Sequence[str], max_tokens: int | None = None, **how: Any) -> list[Completion]:
        """What the solver answers, of at most `max_tokens` each, or fewer where it has a limit of its own.

        How long it took is remembered: the shortest of late, as what else the machine does is not the work.
        """
        limits = [limit for limit in (max_tokens, self.solver.max_new_tokens) if limit is not None]
        started = perf_counter()
        completions = self.solver.solve(prompts, max_new_tokens=min(limits, default=None), **how)
        seconds = (perf_counter() - started) / max(len(prompts), 1)
        self.seconds_per_prompt = min(seconds, 1.1 * self.seconds_per_prompt)
        return completions

    def warm_up(self) -> None:
        """Answer a problem, if there is one that is known to be fit."""
        domain = self.checkpoint.domain
        if domain is not None:
            problem = next(iter(domain))
            for _ in range(20):  # the first ones are slower, and say little of what is to come
                self.solve([f"{problem.expression}="])

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


def _name_of(directory: Path) -> str:
    return directory.parent.name if directory.name == "model" else directory.name


def _version_of(directory: Path) -> str:
    """The beginning of the hash of the manifest: the same content has the same version."""
    from longhand.runs.manifest import MANIFEST, file_sha256

    manifest = directory / MANIFEST
    return file_sha256(manifest)[:12] if manifest.exists() else "unversioned"
