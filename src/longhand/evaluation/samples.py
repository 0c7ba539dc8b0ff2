"""What was asked and what was said, one line per problem."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

from longhand.arithmetic.problem import Problem
from longhand.arithmetic.verdict import Verdict
from longhand.atomic import replacing_file
from longhand.solvers.base import Completion


@dataclass(frozen=True, slots=True)
class Sample:
    """One problem and its answer, what was written (`text`, without the end mark), and the `answer` read in it."""

    prompt: str
    expected: str
    answer: str | None
    text: str
    verdict: Verdict
    finish_reason: str

    @classmethod
    def of(cls, problem: Problem, completion: Completion, verdict: Verdict) -> Sample:
        """Gather what is known of one problem."""
        return cls(
            completion.prompt,
            problem.answer,
            completion.answer,
            completion.text,
            verdict,
            completion.finish_reason,
        )


class SampleWriter(Protocol):
    """Takes samples as they come."""

    def __call__(self, samples: Iterable[Sample]) -> None:
        """Keep these samples."""
        ...


@contextmanager
def writing_samples(path: Path | None) -> Iterator[SampleWriter]:
    """Yield a function that adds samples to a JSONL file, which appears when all are written; None writes nothing.

    Raises `UserError` when the folder cannot be written or the disk is full.
    """
    with ExitStack() as stack:
        if path is None:
            yield lambda samples: None
            return
        file = stack.enter_context(stack.enter_context(replacing_file(path)).open("w", encoding="utf-8", newline="\n"))

        def write(samples: Iterable[Sample]) -> None:
            file.writelines(json.dumps(asdict(sample), ensure_ascii=False) + "\n" for sample in samples)

        yield write
