"""Solvers with every fault there is, loaded by name in the process of a worker."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any


def load(faults: dict[str, str] | None = None) -> Callable[[str, float], Any]:
    """A solver of "What is 7?"; `faults` names the fault of each number that has one, and that of "load"."""
    faults = faults or {}
    if "load" in faults:
        raise RuntimeError("no weights here")

    def attempt(problem: str, seconds: float) -> Any:
        number = right(problem)
        return FAULTS[faults[str(number)]](problem, seconds) if str(number) in faults else number

    return attempt


def right(problem: str) -> int:
    """The number at the end of "What is 7?"."""
    return int(problem.rstrip("?").split()[-1])


def _raises(problem: str, seconds: float) -> int:
    raise ValueError("a line\nand another")


def _hangs(problem: str, seconds: float) -> None:
    time.sleep(1000)


def _dies(problem: str, seconds: float) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _exits(problem: str, seconds: float) -> None:
    sys.exit(3)


def _eats(problem: str, seconds: float) -> None:
    kept = []
    while True:
        kept.append(b"x" * 20_000_000)
        time.sleep(0.005)


def _floods(problem: str, seconds: float) -> Iterator[int]:
    while True:
        yield -1


def _in_time_then_hangs(problem: str, seconds: float) -> Iterator[int]:
    yield from (right(problem), 99_999, right(problem))
    time.sleep(1000)


def _prints(problem: str, seconds: float) -> int:
    print('{"candidate": 13}', flush=True)
    os.write(1, b'{"end": null}\n')
    return right(problem)


@dataclass(frozen=True)
class Candidate:
    """A candidate as a record."""

    answer: int
    weight: float


def _numpy_int(problem: str, seconds: float) -> Any:
    import numpy as np

    return np.int64(right(problem))


def _two_rows(problem: str, seconds: float) -> Any:
    import polars as pl

    return pl.DataFrame({"id": ["a", "b"], "answer": [1, 2]})


def _reads(problem: str, seconds: float) -> int:
    return right(problem + sys.stdin.read())


def _records(problem: str, seconds: float) -> Iterator[Any]:
    yield Candidate(right(problem), 0.5)
    yield {"answer": str(right(problem))}
    yield Candidate(5, 9.0)


FAULTS: dict[str, Callable[[str, float], Any]] = {
    "raises": _raises,
    "hangs": _hangs,
    "dies": _dies,
    "exits": _exits,
    "eats memory": _eats,
    "floods": _floods,
    "yields, then hangs": _in_time_then_hangs,
    "prints": _prints,
    "reads its input": _reads,
    "records": _records,
    "text": lambda problem, seconds: "forty-two",
    "digits": lambda problem, seconds: str(right(problem)),
    "None": lambda problem, seconds: None,
    "numpy int": _numpy_int,
    "float": lambda problem, seconds: 3.0,
    "two rows": _two_rows,
    "-1": lambda problem, seconds: -1,
    "100000": lambda problem, seconds: 100_000,
}


def load_slowly(seconds: float) -> Callable[[str, float], Any]:
    """A solver that takes its time to load."""
    time.sleep(seconds)
    return lambda problem, seconds: right(problem)


def load_reporting() -> Callable[[str, float], Any]:
    """A solver that answers with the hundredths of a second it is given."""
    return lambda problem, seconds: round(seconds * 100)
