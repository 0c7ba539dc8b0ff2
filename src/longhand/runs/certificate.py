"""What a model was proved to do, as its checkpoint carries it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError
from longhand.runs.manifest import file_sha256
from longhand.text.layouts.registry import layout

CERTIFICATE = "certificate.json"
FORMAT = "longhand-certificate"
FORMAT_VERSION = 1


class NotCertifiedError(UserError):
    """A model that is wrong somewhere; `report` is the certificate it would have, with what is wrong."""

    def __init__(self, message: str, report: dict[str, Any]) -> None:
        super().__init__(message)
        self.report = report


@dataclass(frozen=True)
class Certificate:
    """A proof: `content` is the certificate file. It speaks of one number format, `dtype`, and of no other."""

    content: Mapping[str, Any]

    @property
    def claim(self) -> str:
        """What is proved, in words."""
        return str(self.content["claim"])

    @property
    def dtype(self) -> str:
        """The number format in which it is."""
        return str(self.content["dtype"])

    @property
    def operators(self) -> str:
        """Of which operators problems are covered."""
        return layout(self.content["layout"]["name"]).operators

    @cached_property
    def domain(self) -> Domain | None:
        """The finite set of problems that were asked; None for a proof that is about numbers of any length."""
        return Domain.from_dict(self.content["domain"]) if self.content["kind"] == "exhaustive" else None

    def holds_for(self, dtype: str, engine: str) -> bool:
        """Whether it is about what computes in this number format and, of finite domains, with this engine."""
        return self.dtype == dtype and self.content.get("engine", engine) == engine

    def covers(self, problem: Problem) -> bool:
        """Whether the proof says that this problem is answered rightly."""
        if self.domain is not None:
            return self.domain.contains(problem)
        if len(problem.operands) != 2 or min(problem.operands) < 0 or problem.operators[0] not in self.operators:
            return False
        return problem.operators[0] != "/" or (problem.division == "remainder" and problem.operands[1] > 0)


def read_certificate(content: Mapping[str, Any], directory: Path, weights: Path) -> Certificate:
    """A certificate file as it was read; raises `UserError` if it is malformed, of another version or
    for other weights.
    """
    path = directory / CERTIFICATE
    if (content.get("format"), content.get("format_version")) != (FORMAT, FORMAT_VERSION):
        raise UserError(
            f"{path} is a {content.get('format')} of version {content.get('format_version')}, and this longhand reads a"
            f" {FORMAT} of version {FORMAT_VERSION}; write it anew: longhand certify {directory}"
        )
    try:
        certificate = Certificate(content)
        known = certificate.claim and certificate.dtype and content["weights_sha256"]
        _ = certificate.domain or certificate.operators
    except (KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged (no {error}); remove it, or write it anew: longhand certify") from error
    if known != file_sha256(weights):
        raise UserError(f"{path} is about other weights; remove it, or write it anew: longhand certify {directory}")
    return certificate
