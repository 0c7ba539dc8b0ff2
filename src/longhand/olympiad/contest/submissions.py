"""What two runs over the same problems score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from longhand.errors import UserError
from longhand.olympiad.contest.frames import import_polars
from longhand.olympiad.contest.gateway import read_problems


@dataclass(frozen=True)
class TwoRuns:
    """By problem: 1 if both runs are right, 0.5 if one is, else 0. In sum it is the mean of what two runs get right."""

    scores: dict[str, float]
    first_right: int
    second_right: int

    @property
    def total(self) -> float:
        """Points of all problems together."""
        return sum(self.scores.values())


def read_submission(path: Path) -> dict[str, int]:
    """Answers by id, in order; raises `UserError` unless the file is what a gateway writes."""
    polars = import_polars()
    try:
        frame = polars.read_parquet(path.read_bytes())
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror or error}") from error
    except polars.exceptions.PolarsError as error:
        raise UserError(f"{path} is no submission: it cannot be read as parquet") from error
    if frame.schema != {"id": polars.String, "answer": polars.Int64}:
        raise UserError(f"{path} is no submission: it has {dict(frame.schema)}, not id (String) and answer (Int64)")
    if frame["id"].n_unique() != frame.height or sum(frame.null_count().row(0)):
        raise UserError(f"{path} is no submission: an id is there twice, or something is empty")
    return dict(frame.iter_rows())


def score_two_runs(first: Path, second: Path, answers: Path) -> TwoRuns:
    """Score two submissions by a csv with `id, problem, answer`.

    Raises `UserError` if a file cannot be read, the csv has no answers, or the problems are not the same in all three.
    """
    truth: dict[str, Any] = _truth(answers)
    runs = [read_submission(path) for path in (first, second)]
    for path, run in zip((first, second), runs, strict=True):
        if run.keys() != truth.keys():
            other = sorted(run.keys() ^ truth.keys())[0]
            raise UserError(f"{path} and {answers} are of different problems: {other} is in only one of them")
    right = [{name: run[name] == answer for name, answer in truth.items()} for run in runs]
    return TwoRuns(
        {name: (right[0][name] + right[1][name]) / 2 for name in truth}, sum(right[0].values()), sum(right[1].values())
    )


def _truth(answers: Path) -> dict[str, Any]:
    problems = read_problems(answers)
    if "answer" not in problems.columns:
        raise UserError(f"{answers} has no column answer to score by")
    if problems["answer"].null_count():
        raise UserError(f"{answers} leaves an answer empty")
    return dict(problems.select("id", "answer").iter_rows())
