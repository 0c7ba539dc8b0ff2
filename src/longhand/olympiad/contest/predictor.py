"""A solver made safe for the contest: it never raises, is never late, and always answers with a number that counts."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from longhand.errors import UserError
from longhand.olympiad.contest.budget import Budget
from longhand.olympiad.contest.contract import ANSWERS
from longhand.olympiad.contest.frames import answer_frame, import_polars, text_of
from longhand.olympiad.contest.worker_process import WorkerProcess
from longhand.olympiad.selection import Majority, Selector
from longhand.olympiad.votes import Candidate

if TYPE_CHECKING:
    import polars as pl

_MOST_FAILED_LOADS = 3


class Predictor:
    """Answers problem after problem within the promises of `budget`, by a solver in a process of its own.

    `load` names a function as "module:function"; called with `arguments` in that process at the first problem, it
    returns `attempt(problem, seconds)`, which returns an answer or yields candidates. What was yielded before the time
    of a problem is over counts, the rest is lost with the process. `selector` chooses among the candidates, by default
    what most of them say; it has to be quick, as slow work belongs into the solver. If nothing is chosen, or what is
    not in 0 to 99999, the answer is `fallback`. `log` is a file that gets a line of JSON per problem. Before the first
    problem loading has what the budget keeps back for the start, by default `load_seconds`.

    Raises `UserError` here, and nothing later.
    """

    def __init__(
        self,
        load: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        budget: Budget | None = None,
        selector: Selector | None = None,
        fallback: int = 0,
        memory_bytes: int | None = None,
        load_seconds: float = 900.0,
        log: Path | None = None,
    ) -> None:
        import_polars()
        if not all(part.isidentifier() for part in load.replace(":", ".").split(".")) or load.count(":") != 1:
            raise UserError(f"{load!r} names no function; write module:function, for example my_solver:load")
        if fallback not in ANSWERS:
            raise UserError(f"fallback = {fallback!r} can be no answer; it has to be in 0 to {ANSWERS[-1]}")
        self._worker = WorkerProcess(load, arguments, memory_bytes=memory_bytes, load_seconds=load_seconds)
        self._budget = Budget(start_up=load_seconds) if budget is None else budget
        self._selector: Selector = selector or Majority()
        self._fallback = fallback
        self._asked = 0
        self._log: FileIO | None = _open(log) if log is not None else None

    def predict(self) -> Callable[..., pl.DataFrame]:
        """The function to give to a server: plain, and named predict."""

        def predict(id_: Any, problem: Any, answer: Any = None) -> pl.DataFrame:
            """The answer to one problem; `answer`, which only a csv with one brings, is never looked at."""
            return self.answer(id_, problem)

        return predict

    def answer(self, id_: Any, problem: Any) -> pl.DataFrame:
        """The frame with the answer to one problem, whatever happens."""
        self._asked += 1
        began = time.monotonic()
        facts: dict[str, Any] = {"number": self._asked, "id": "", "outcome": "error"}
        try:
            facts["id"] = text_of(id_).encode(errors="replace").decode()
            chosen = self._solve(text_of(problem), facts)
        except Exception as error:
            chosen, facts["error"] = None, f"{type(error).__name__}: {error}"
        fell_back = chosen is None
        answer = self._fallback if chosen is None else chosen
        self._note({**facts, "answer": answer, "fallback": fell_back, "seconds": round(time.monotonic() - began, 3)})
        return answer_frame(facts["id"], answer)

    def close(self) -> None:
        """End the solver's process and the log."""
        self._worker.close()
        if self._log is not None:
            self._log.close()
            self._log = None

    def __enter__(self) -> Predictor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _solve(self, problem: str, facts: dict[str, Any]) -> int | None:
        """Ask the solver within the next promise; write down what happened in `facts`."""
        if self._budget.start_up:
            self._worker.load(time.monotonic() + self._budget.start_up)
            self._budget.started()
        promised = self._budget.promise()
        facts["promised"] = round(promised, 3)
        if promised <= 0:
            facts["outcome"] = "no time"
            return None
        if self._worker.failed_loads >= _MOST_FAILED_LOADS:
            facts["outcome"] = "never loaded"
            return None
        # To end a process takes time too, and so does a solver that looks at its clock now and then.
        margin = min(1.0, 0.05 * promised)
        until = time.monotonic() + promised - margin
        candidates, outcome, error = self._worker.attempt(problem, promised - 2 * margin, until)
        facts |= {"outcome": outcome, "candidates": len(candidates), "left": round(self._budget.left, 3)}
        if error:
            facts["error"] = error
        return self._choose(problem, candidates, facts)

    def _choose(self, problem: str, found: Sequence[Any], facts: dict[str, Any]) -> int | None:
        candidates = [as_candidate(each, number) for number, each in enumerate(found)]
        try:
            chosen = self._selector.select(problem, candidates)
        except Exception as error:
            facts["error"] = f"select raised {type(error).__name__}: {error}"
            chosen = Majority().select(problem, candidates)
        return None if chosen is None else as_answer(chosen.answer)

    def _note(self, facts: dict[str, Any]) -> None:
        if self._log is not None:
            with suppress(OSError, ValueError):  # a full disk is no reason not to answer
                self._log.write(json.dumps(facts).encode() + b"\n")


def as_candidate(found: Any, number: int) -> Candidate:
    """What a solver gave as the candidate with this number, so that of equals the earliest wins."""
    said: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
    logprob, entropy, text = said.get("mean_logprob"), said.get("entropy"), said.get("text")
    return Candidate(
        as_answer(found),
        number,
        float(logprob) if isinstance(logprob, int | float) else -math.inf,
        float(entropy) if isinstance(entropy, int | float) else None,
        text if isinstance(text, str) else "",
    )


def as_answer(candidate: Any) -> int | None:
    """A candidate as a number that can be an answer; None if it is something else, or out of range.

    An integer, its decimal digits, or a record with either as its `answer`. Nothing is reduced: a problem that wants a
    remainder says so, and a number that is too large is merely wrong.
    """
    candidate = candidate.get("answer") if isinstance(candidate, Mapping) else getattr(candidate, "answer", candidate)
    if isinstance(candidate, str) and candidate.isascii() and candidate.isdecimal() and len(candidate) <= 5:
        candidate = int(candidate)
    if isinstance(candidate, bool) or not hasattr(candidate, "__index__"):
        return None
    number: int = candidate.__index__()
    return number if number in ANSWERS else None


def _open(log: Path) -> FileIO:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        return log.open("ab", buffering=0)
    except OSError as error:
        raise UserError(f"cannot write {log}: {error.strerror or error}") from error
