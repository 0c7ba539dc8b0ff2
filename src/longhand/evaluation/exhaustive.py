"""The other kind of certificate: every problem of a finite domain, asked of the real decoder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from longhand.arithmetic.domain import Domain
from longhand.errors import UserError
from longhand.evaluation.evaluate import Progress, chunks
from longhand.evaluation.suites import DomainSuite
from longhand.evaluation.sweep import sweep_parts
from longhand.runs.certificate import FORMAT, FORMAT_VERSION, Certificate, NotCertifiedError
from longhand.runs.checkpoint import TRAINING_STATE, WEIGHTS, Checkpoint, load_checkpoint, save_checkpoint
from longhand.runs.manifest import file_sha256
from longhand.solvers.base import Solver
from longhand.solvers.load import solver_of
from longhand.version import __version__

PROGRESS_FILE = "certificate.progress.jsonl"
"""What has been asked so far, a line per part; it is removed when the certificate is written."""

ASSUMPTIONS = (
    "the decoder gives the same answers on another day: the same version, engine and number format, on a processor"
    " whose arithmetic is that of the one it was asked on",
    "the processor, the memory and the code that reads the prompt and judges the answer do what they should",
)


def certify_exhaustively(directory: Path, *, processes: int, progress: Progress | None = None) -> dict[str, Any]:
    """Ask a model every problem of its domain and write `certificate.json`; returns the certificate.

    Interrupted, it goes on where it stopped when it is called again. Raises `NotCertifiedError`, with nothing
    written, at the first wrong answer, and `UserError` for a model without a domain.
    """
    if (directory / TRAINING_STATE).exists():
        raise UserError(f"{directory} is a state of a run; certify the model the run ends with")
    checkpoint = load_checkpoint(directory, with_certificate=False)
    report = _ask_everything(directory, checkpoint, processes, progress, directory / PROGRESS_FILE)
    save_checkpoint(directory, replace(checkpoint, certificate=Certificate(report)))
    (directory / PROGRESS_FILE).unlink(missing_ok=True)
    return report


def check_exhaustively(directory: Path, *, processes: int, progress: Progress | None = None) -> str:
    """Ask everything once more and compare with the certificate; returns the claim.

    Raises `UserError` if the certificate says something else, `NotCertifiedError` at a wrong answer.
    """
    checkpoint = load_checkpoint(directory)
    assert checkpoint.certificate is not None
    said, found = checkpoint.certificate.content, _ask_everything(directory, checkpoint, processes, progress, None)
    for key in ("claim", "domain", "dtype", "engine", "weights_sha256", "problems"):
        if said.get(key) != found[key]:
            raise UserError(f"{directory}: the certificate has {key} {said.get(key)!r}, this check {found[key]!r}")
    return checkpoint.certificate.claim


def _ask_everything(
    directory: Path, checkpoint: Checkpoint, processes: int, progress: Progress | None, log: Path | None
) -> dict[str, Any]:
    started = perf_counter()
    domain = checkpoint.domain
    if domain is None:
        raise UserError(f"{directory} was made for no set of problems in particular, so there is no list to ask")
    suite = DomainSuite(domain)
    solver = solver_of(checkpoint)
    weights = file_sha256(directory / WEIGHTS)
    key = {"weights_sha256": weights, "total": len(suite), "engine": solver.engine}
    done = _read(log, key)
    parts = [part for part in chunks(suite) if part not in done]
    n_decoded = sum(done.values())
    asked = sum(stop - start for start, stop in done)
    for part, found in zip(
        parts, sweep_parts(partial(_open, directory), suite, parts, processes=processes), strict=True
    ):
        if found.failures:
            wrong = found.failures[0]
            raise NotCertifiedError(
                f"not certified: {wrong.prompt}{wrong.text}, right is {wrong.expected}",
                {"kind": "exhaustive", "failures": [asdict(failure) for failure in found.failures]},
            )
        n_decoded += found.n_decoded
        asked += len(found.codes)
        if log is not None:
            _append(log, {"part": part, "n_decoded": found.n_decoded})
        if progress is not None:
            progress(asked, len(suite))
    return {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "kind": "exhaustive",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "tool_version": __version__,
        "claim": _claim(domain, len(suite)),
        "domain": domain.to_dict(),
        "model": {**dict(checkpoint.model), "num_parameters": checkpoint.num_parameters},
        "weights_sha256": weights,
        "dtype": "float32",
        "engine": solver.engine,
        "problems": {"count": asked, "wrong": 0},
        "decoded": n_decoded,
        "method": "each answer is decoded, or its tokens are seen, in one pass over problem and answer, to win by more"
        " than rounding could change, which is the same",
        "assumptions": list(ASSUMPTIONS),
        "seconds": round(perf_counter() - started, 3),
    }


def _open(directory: Path) -> Solver:
    """The model without its certificate, which may be about other weights."""
    return solver_of(load_checkpoint(directory, with_certificate=False), threads=1)


def _claim(domain: Domain, n: int) -> str:
    operators = ", ".join(f"a{operator}b" for operator in domain.operators)
    return (
        f"for each of the {n:,} problems {operators} with {domain.n_operands} operands from {domain.min_operand} to"
        f" {domain.max_operand}{_details(domain)}, greedy decoding in float32 writes the right answer"
    )


def _details(domain: Domain) -> str:
    if domain.compares:
        return ""
    negatives = "negative answers included" if domain.negatives == "allow" else "none with a negative answer"
    if "/" not in domain.operators:
        return f" ({negatives})"
    division = "quotient and remainder" if domain.division == "remainder" else "divisions that come out"
    return f" ({negatives}, {division})"


def _read(log: Path | None, key: dict[str, Any]) -> dict[tuple[int, int], int]:
    """The parts an interrupted run has asked, and how many rows of each it decoded; none of another model."""
    if log is None:
        return {}
    lines = list(_lines(log))
    if not lines or lines[0] != key:
        log.unlink(missing_ok=True)
        _append(log, key)
        return {}
    return {(line["part"][0], line["part"][1]): line["n_decoded"] for line in lines[1:]}


def _lines(log: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log up to the first that is not whole."""
    if log.is_file():
        for line in log.read_text(encoding="utf-8").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                return


def _append(log: Path, line: dict[str, Any]) -> None:
    with log.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
