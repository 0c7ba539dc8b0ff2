"""A solver, a suite, a report."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

from longhand.errors import UserError
from longhand.evaluation.asking import Part, ask
from longhand.evaluation.metrics import Share, Tally
from longhand.evaluation.report import Report
from longhand.evaluation.samples import Sample, writing_samples
from longhand.evaluation.suites import Suite
from longhand.solvers.base import Solver
from longhand.text.formats import Style

Progress = Callable[[int, int], None]
"""Told after each part of a suite how many of its problems have been asked, and how many there are."""

CHUNK = 4096
"""Problems asked at a time. It does not depend on the number of processes, and so neither does any result."""

ALL_TOKENS_UP_TO = 50_000
"""Larger suites are not read a second time for the accuracy of the tokens of their prompts."""

FAILURES_KEPT = 1000
"""How many failures a report holds; a file can have them all."""


def evaluate(
    solver: Solver,
    suite: Suite,
    *,
    style: Style = "expression",
    beam: int = 1,
    samples: Path | None = None,
    failures: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Ask a solver every problem of a suite in a `style`, in this process: greedily, or with a `beam` above 1.

    A solver that can be teacher-forced is, unless it shows worked steps, of which there may be other good ones; what
    that leaves open is decoded, so the verdicts are those of decoding. `samples` and `failures` are JSONL files to
    write, a line per problem and per problem that went wrong. Raises `UserError` for a suite without problems, a
    problem that the solver cannot be asked, and a file that cannot be written.
    """
    all_tokens, keep = measures_all_tokens(suite), samples is not None
    parts = (
        ask(solver, suite, start, stop, style=style, beam=beam, all_tokens=all_tokens, keep_samples=keep)
        for start, stop in chunks(suite)
    )
    return gather(suite, parts, beam=beam, samples=samples, failures=failures, progress=progress)


def chunks(suite: Suite) -> list[tuple[int, int]]:
    """Where each part of a suite starts and stops; raises `UserError` if there is none."""
    if not len(suite):
        raise UserError(f"the suite {suite.name!r} holds no problems")
    return [(start, min(start + CHUNK, len(suite))) for start in range(0, len(suite), CHUNK)]


def measures_all_tokens(suite: Suite) -> bool:
    """Whether the suite is small enough to be read a second time."""
    return len(suite) <= ALL_TOKENS_UP_TO


def gather(
    suite: Suite,
    parts: Iterable[Part],
    *,
    beam: int = 1,
    samples: Path | None = None,
    failures: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Add up the parts of a suite, which come in order, and write their samples as they come."""
    began = time.perf_counter()
    tally: Tally = Counter()
    shares: dict[str, Share] = {}
    kept: list[Sample] = []
    codes = []
    done = n_decoded = 0
    with writing_samples(samples) as write_samples, writing_samples(failures) as write_failures:
        for part in parts:
            tally.update(part.tally)
            for name, share in part.shares.items():
                shares[name] = shares.get(name, Share(0, 0)) + share
            write_samples(part.samples)
            write_failures(part.failures)
            kept += part.failures[: FAILURES_KEPT - len(kept)]
            codes.append(part.codes)
            n_decoded += part.n_decoded
            done += len(part.codes)
            if progress is not None:
                progress(done, len(suite))
    return Report(
        suite=suite.name,
        beam=beam,
        exhaustive=suite.exhaustive,
        tally=tally,
        shares=shares,
        codes=np.concatenate(codes),
        failures=tuple(kept),
        n_decoded=n_decoded,
        seconds=time.perf_counter() - began,
    )
