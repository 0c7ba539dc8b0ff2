"""The three numbers of math-llm's evaluation under the names it gives them."""

from __future__ import annotations

from longhand.evaluation.metrics import exact_match
from longhand.evaluation.report import Report


def published_names(report: Report) -> dict[str, float | int | None]:
    """Exact match, accuracy of the tokens of the answer (None: not measured), and problems asked.

    As there, worked steps count in neither accuracy. Unlike there, an answer without an end mark is no match.
    """
    tokens = report.shares.get("token_accuracy_answer")
    return {
        "exact_match_accuracy": exact_match(report.tally).value,
        "token_accuracy": None if tokens is None else tokens.value,
        "num_examples": report.total,
    }
