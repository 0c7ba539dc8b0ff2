"""What an evaluation of word problems prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from longhand.cli.output import console, print_table
from longhand.evaluation.intervals import wilson_interval

if TYPE_CHECKING:
    from longhand.olympiad.evaluate import Measured

_COLUMNS = ("", "right", "exact", "95%", "no answer", "no number", "cut off", "cost")


def print_measured(title: str, rows: Sequence[Measured]) -> None:
    """Print a table with a row for each; cost is an answer's arithmetic, that of the backbone alone being 1."""
    unit = next((row.flops_per_token for row in rows if row.name == "backbone alone"), rows[0].flops_per_token)
    cells = []
    for row in rows:
        tally = row.tally
        right, total = tally.verdicts["right"], tally.total
        low, high = wilson_interval(right, total)
        cells.append(
            (
                row.name if row.samples == 1 else f"{row.name}, {row.samples} votes",
                f"{right:,} of {total:,}",
                f"{float(tally.accuracy):.1%}",
                f"{100 * low:.1f}-{high:.1%}",
                f"{tally.verdicts['missing']:,}",
                f"{tally.not_numeric:,}",
                f"{row.truncated:,}",
                f"{row.samples * row.flops_per_token / max(1, unit):.1f}",
            )
        )
    print_table(title, _COLUMNS, cells)
    for row in rows:
        if row.score is not None:
            same = "" if row.temperature else ", which are the same: what is likeliest does not change"
            name = row.name if row.samples == 1 else f"{row.name}, {row.samples} votes"
            print(f"{name}: {row.score:g} of {len(row.runs[0]):,} points in two runs{same}")
    truths = rows[0].tally.truths_not_numeric
    if truths:
        print(f"{truths:,} of the true answers are no numbers; they count, compared as they are written")


def print_answers(row: Measured, *, wrong_only: bool) -> None:
    """Print every problem of the first run with its text, or only those that are not right."""
    for number, one in enumerate(row.runs[0], start=1):
        if wrong_only and one.grade.verdict == "right":
            continue
        lines = [
            f"[{number}] {one.grade.verdict.upper()}  {one.problem.id}  truth {one.problem.answer}"
            + (f"  found by {one.grade.rule}" if one.grade.rule else "")
            + ("  cut off" if one.truncated else ""),
            one.problem.question,
            f"→ {one.text}",
            "",
        ]
        for line in lines:
            console().print(line, markup=False)
