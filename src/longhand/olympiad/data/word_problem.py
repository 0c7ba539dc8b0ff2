"""What a word problem is, whichever data set it came from."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class WordProblem:
    r"""A question and its solution, which ends in `\boxed{answer}`; `answer` is None where nothing is boxed.

    `id` names the data set, the file and the row; `source`, `level` and `type` are what the data set says of the row.
    """

    id: str
    question: str
    solution: str
    answer: str | None
    source: str = ""
    level: str = ""
    type: str = ""


@dataclass(slots=True)
class RowReport:
    """How many rows were read, and what became of them: read == kept + dropped, always."""

    read: int = 0
    kept: int = 0
    dropped: Counter[str] = field(default_factory=Counter)

    def drop(self, reason: str) -> None:
        """Count a row that is left out, by its reason."""
        self.read += 1
        self.dropped[reason] += 1

    def keep(self) -> None:
        """Count a row that is kept."""
        self.read += 1
        self.kept += 1

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON data, reasons in order of their counts."""
        return {"read": self.read, "kept": self.kept, "dropped": dict(self.dropped.most_common())}

    def __str__(self) -> str:
        text = f"{self.read:,} rows read, {self.kept:,} kept"
        if not self.dropped:
            return text
        return text + ", dropped: " + ", ".join(f"{n:,} ({reason})" for reason, n in self.dropped.most_common())
