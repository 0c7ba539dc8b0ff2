"""What searching for the likeliest text changes against greedy decoding, answer by answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from longhand.arithmetic.verdict import Verdict
from longhand.evaluation.metrics import CODE_OF
from longhand.evaluation.report import Report


@dataclass(frozen=True, slots=True)
class BeamEffect:
    """Two reports on one suite: of greedy decoding, and of a search with `searched.beam` beams."""

    greedy: Report
    searched: Report

    @property
    def became_right(self) -> int:
        """Answers that only the search has right."""
        return self._right_in_one(self.searched, self.greedy)

    @property
    def became_wrong(self) -> int:
        """Answers that only greedy decoding has right."""
        return self._right_in_one(self.greedy, self.searched)

    def to_dict(self) -> dict[str, Any]:
        """The effect as JSON data."""
        return {
            "greedy": {"correct": self.greedy.correct, "exact_match": self.greedy.correct / self.greedy.total},
            "became_right": self.became_right,
            "became_wrong": self.became_wrong,
        }

    def to_text(self) -> str:
        """The effect in one line."""
        greedy, searched = self.greedy, self.searched
        return (
            f"greedy {greedy.correct:,} of {greedy.total:,} right, {searched.beam} beams {searched.correct:,}:"
            f" {self.became_right:,} became right, {self.became_wrong:,} wrong"
        )

    @staticmethod
    def _right_in_one(one: Report, other: Report) -> int:
        right = CODE_OF[Verdict.CORRECT]
        return int(((one.codes == right) & (other.codes != right)).sum())
