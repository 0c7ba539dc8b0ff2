"""Large suites in several processes: a million problems in less than a minute."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from longhand.errors import UserError
from longhand.evaluation.asking import Part, ask
from longhand.evaluation.evaluate import Progress, chunks, gather, measures_all_tokens
from longhand.evaluation.report import Report
from longhand.evaluation.suites import Suite
from longhand.runtime import worker_context
from longhand.solvers.base import Solver
from longhand.text.formats import Style

OpenSolver = Callable[[], Solver]
"""Makes the solver in each process; it has to be picklable, such as `functools.partial(load, path, threads=1)`."""


def sweep(
    open_solver: OpenSolver,
    suite: Suite,
    *,
    processes: int,
    style: Style = "expression",
    beam: int = 1,
    samples: Path | None = None,
    failures: Path | None = None,
    progress: Progress | None = None,
) -> Report:
    """Ask every problem of a suite as `evaluate` does, with its parts shared among fresh processes.

    The parts are the same for any number of processes, and so is the result to the last bit, as long as each
    process computes with as many threads (one is the most efficient). A script that calls this needs
    `if __name__ == "__main__"`. Raises what `evaluate` raises, and `UserError` when a process is killed.
    """
    keep = samples is not None
    parts = sweep_parts(
        open_solver, suite, chunks(suite), processes=processes, style=style, beam=beam, keep_samples=keep
    )
    return gather(suite, parts, beam=beam, samples=samples, failures=failures, progress=progress)


def sweep_parts(
    open_solver: OpenSolver,
    suite: Suite,
    parts: Sequence[tuple[int, int]],
    *,
    processes: int,
    style: Style = "expression",
    beam: int = 1,
    keep_samples: bool = False,
) -> Iterator[Part]:
    """What came out of parts of a suite, in order, as it comes; nothing more is asked once nobody listens."""
    if processes < 1:
        raise UserError(f"processes is {processes}; give at least 1")
    if not parts:
        return
    work = _Work(open_solver, suite, style, beam, measures_all_tokens(suite), keep_samples)
    with ProcessPoolExecutor(
        min(processes, len(parts)),
        mp_context=worker_context(),
        initializer=_prepare,
        initargs=(work,),
    ) as pool:
        try:
            yield from pool.map(_ask, parts)
        except BrokenProcessPool as error:
            raise UserError("a process of the sweep was killed (out of memory?); try fewer processes") from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


@dataclass(frozen=True)
class _Work:
    """What every process is told when it starts."""

    open_solver: OpenSolver
    suite: Suite
    style: Style
    beam: int
    all_tokens: bool
    keep_samples: bool

    @cached_property
    def solver(self) -> Solver:
        """Opened with the first part and not at the start of the process, where an error would lose its message."""
        return self.open_solver()


_work: _Work | None = None  # in the processes of a sweep


def _prepare(work: _Work) -> None:
    global _work
    _work = work
    # Ctrl-C reaches every process of the terminal; the first one alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _ask(part: tuple[int, int]) -> Part:
    assert _work is not None
    work = _work
    return ask(
        work.solver,
        work.suite,
        *part,
        style=work.style,
        beam=work.beam,
        all_tokens=work.all_tokens,
        keep_samples=work.keep_samples,
    )
