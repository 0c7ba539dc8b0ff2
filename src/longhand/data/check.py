"""Checking a data set: every row recomputed exactly, and what the splits give away of each other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from longhand.arithmetic.problem import Problem, Semantics
from longhand.arithmetic.verdict import Verdict, judge
from longhand.data.folders import open_folder
from longhand.data.leaks import LeakCounter, held_out_first
from longhand.data.manifest import changed_files
from longhand.data.record import Record
from longhand.errors import UserError
from longhand.text.formats import Format, split_cot
from longhand.text.worked_steps import WORKED_STEPS, check_steps

SHOWN_ROWS = 100


def check(path: Path | str) -> dict[str, Any]:
    """Recompute every row of a data set and count its leaks; return the findings as JSON data.

    `ok` is true when every row was recomputed and is right, worked steps included, and no file differs from its
    manifest. `splits` has rows, wrong rows, and unchecked rows (questions in words) per split; `leaks` has the
    held-out rows that training rows give away (exact, commuted, inverse); `wrong_rows` names the first hundred by
    file and line. Raises `UserError` for a row that cannot be read.
    """
    folder = open_folder(path)
    leaks = LeakCounter()
    tallies: dict[str, Tally] = {}
    for split in held_out_first(folder.files):
        tally = tallies[split] = Tally(folder.files[split].name, folder.format)
        for record in folder.records(split):
            tally.add(record)
            if record.problem is not None:
                leaks.add(split, record.problem)
    ordered = {split: tallies[split] for split in folder.files}
    changed = [] if folder.manifest is None else changed_files(folder.path, folder.manifest)
    return {
        "path": str(path),
        "profile": None if folder.manifest is None else folder.manifest.profile,
        "ok": not changed and all(tally.wrong == tally.unchecked == 0 for tally in ordered.values()),
        "splits": {split: tally.to_dict() for split, tally in ordered.items()},
        "leaks": leaks.report() if "train" in folder.files else {},
        "wrong_rows": [row for tally in ordered.values() for row in tally.shown][:SHOWN_ROWS],
        "changed_files": changed,
        "warnings": list(_warnings(ordered, changed)),
    }


@dataclass(slots=True)
class Tally:
    """What is found while the rows of one file go by."""

    file: str
    format: Format | None  # says which worked steps there are; None: any kind that fits
    rows: int = 0
    wrong: int = 0
    unchecked: int = 0
    with_steps: int = 0
    wrong_steps: int = 0
    otherwise_right: int = 0  # wrong rows whose answer is right under the other order of evaluation
    shown: list[str] = field(default_factory=list)

    def add(self, record: Record) -> None:
        """Recompute one row."""
        self.rows += 1
        problem = record.problem
        if problem is None:
            self.unchecked += 1
            return
        faults = []
        if judge(problem, _Claim(record.answer)) is not Verdict.CORRECT:
            faults.append(f"the answer is {problem.answer}")
            self.otherwise_right += _read_otherwise(problem).answer == record.answer
        self.with_steps += bool(record.cot)
        if not self._steps_are_right(record, problem):
            faults.append("the worked steps are wrong")
            self.wrong_steps += 1
        if faults:
            self.wrong += 1
            if len(self.shown) < SHOWN_ROWS:
                self.shown.append(f"{self.file}, line {record.line}: {record.text} ({' and '.join(faults)})")

    def to_dict(self) -> dict[str, Any]:
        """The counts as JSON data."""
        return {
            "file": self.file,
            "rows": self.rows,
            "wrong": self.wrong,
            "unchecked": self.unchecked,
            "worked_steps": {"rows": self.with_steps, "wrong": self.wrong_steps},
        }

    def _steps_are_right(self, record: Record, problem: Problem) -> bool:
        steps, _ = split_cot(record.cot)
        if self.format is not None:
            return _follow(self.format.steps, problem, steps, self.format.number_width)
        return not record.cot or any(_follow(kind, problem, steps) for kind in WORKED_STEPS)


@dataclass(frozen=True, slots=True)
class _Claim:
    """The answer a row gives, as the judge takes it."""

    answer: str
    finish_reason: str = "stop"


def _follow(kind: str, problem: Problem, steps: str, width: int | None = None) -> bool:
    try:
        return check_steps(kind, problem, steps, width).all_true
    except UserError:
        return False  # this kind of steps is not for such a problem


def _read_otherwise(problem: Problem) -> Problem:
    other: Semantics = "left_to_right" if problem.semantics == "precedence" else "precedence"
    return Problem(problem.operands, problem.operators, other, problem.division)


def _warnings(tallies: dict[str, Tally], changed: list[str]) -> Iterator[str]:
    otherwise = sum(tally.otherwise_right for tally in tallies.values())
    if otherwise:
        yield f"{otherwise:,} wrong rows have the answer of the other order of evaluation (precedence, left to right)"
    unchecked = sum(tally.unchecked for tally in tallies.values())
    if unchecked:
        yield f"{unchecked:,} rows ask in words and were not recomputed"
    for name in changed:
        yield f"{name} differs from the manifest; it was edited after it was made"
