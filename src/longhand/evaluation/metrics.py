"""The metrics, one definition each: shares of verdicts, of tokens and of worked steps, all from 0 to 1."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.problem import SYMBOLS, Problem
from longhand.arithmetic.verdict import Verdict
from longhand.data.hard_cases import digit_counts
from longhand.data.problems import ProblemArrays
from longhand.data.tokens import TokenArrays
from longhand.text.formats import Format, split_cot
from longhand.text.worked_steps import WORKED_STEPS

VERDICTS = tuple(Verdict)
CODE_OF: dict[Verdict, int] = {verdict: code for code, verdict in enumerate(VERDICTS)}
"""Verdicts of millions of rows are kept as positions in `VERDICTS`."""

Codes = NDArray[np.uint8]
Label = TypeVar("Label", int, str)


@dataclass(frozen=True, slots=True)
class Share:
    """So many right out of so many asked."""

    right: int
    total: int

    @property
    def value(self) -> float | None:
        """The share from 0 to 1; None where nothing was asked."""
        return self.right / self.total if self.total else None

    def __add__(self, other: Share) -> Share:
        return Share(self.right + other.right, self.total + other.total)


class Cell(NamedTuple):
    """What a verdict is counted under."""

    operators: str
    answer_length: int
    operand_digits: str
    verdict: Verdict


Tally = Counter[Cell]


def operators_of(problem: Problem) -> str:
    """The operators that occur, each once: `+`, or `+-` for 1+2-3+4."""
    return "".join(operator for operator in SYMBOLS if operator in problem.operators)


def answer_length(problem: Problem) -> int:
    """Characters of the canonical answer without its sign: 3 for -962, 4 for 17r3."""
    return len(problem.answer.removeprefix("-"))


def operand_digits(problem: Problem) -> str:
    """Digits of the operands without signs, in order: `3x2` for 951+11."""
    return "x".join(str(len(str(abs(operand)))) for operand in problem.operands)


def count(problems: Iterable[Problem], verdicts: Iterable[Verdict]) -> Tally:
    """Count verdicts by what kind of problem they are about."""
    return Counter(
        Cell(operators_of(problem), answer_length(problem), operand_digits(problem), verdict)
        for problem, verdict in zip(problems, verdicts, strict=True)
    )


def count_arrays(arrays: ProblemArrays, codes: Codes) -> Tally:
    """The same for millions of problems; `codes` [n] are positions in `VERDICTS`.

    Rows that look alike are counted together, and one of them is labelled by the definitions above.
    """
    columns = [codes.astype(np.int64), digit_counts(arrays.answers)]
    columns += [digit_counts(column) for column in arrays.operands.T]
    columns += [column.astype(np.int64) for column in arrays.operators.T]
    if arrays.remainders is not None:
        columns.append(np.where(arrays.remainders < 0, 0, digit_counts(arrays.remainders)))
    looks = np.zeros(len(arrays), dtype=np.int64)
    for column in columns:
        looks = looks * 32 + column
        _, looks = np.unique(looks, return_inverse=True)  # small again, so that any number of columns fits
    _, first, counts = np.unique(looks, return_index=True, return_counts=True)
    tally: Tally = Counter()
    for row, n in zip(first.tolist(), counts.tolist(), strict=True):
        (cell,) = count([arrays.problem(row)], [VERDICTS[codes[row]]])
        tally[cell] += n
    return tally


def exact_match(tally: Tally) -> Share:
    """Answers that are right: the canonical answer after any worked steps, followed by the end mark."""
    return verdict_share(tally, Verdict.CORRECT)


def by_operator(tally: Tally) -> dict[str, Share]:
    """Exact match by the operators of the problem, in the order + - * / ?."""
    found = _split(tally, lambda cell: cell.operators)
    return dict(sorted(found.items(), key=lambda item: [SYMBOLS.index(o) for o in item[0]]))


def by_answer_length(tally: Tally) -> dict[int, Share]:
    """Exact match by the length of the true answer without its sign, ascending."""
    return dict(sorted(_split(tally, lambda cell: cell.answer_length).items()))


def by_operand_digits(tally: Tally) -> dict[str, Share]:
    """Exact match by the digits of the operands (`3x2`), shortest first."""
    found = _split(tally, lambda cell: cell.operand_digits)
    return dict(sorted(found.items(), key=lambda item: [int(digits) for digits in item[0].split("x")]))


def hallucination(tally: Tally) -> Share:
    """Completions that end and hold no well-formed answer."""
    return verdict_share(tally, Verdict.MALFORMED)


def infinite_generation(tally: Tally) -> Share:
    """Completions without an end mark, whatever they say."""
    return verdict_share(tally, Verdict.UNFINISHED)


def out_of_range(tally: Tally) -> Share:
    """Whole numbers that are the answer of no problem of the domain."""
    return verdict_share(tally, Verdict.OUT_OF_RANGE)


def verdict_share(tally: Tally, verdict: Verdict) -> Share:
    """How many of all completions earned this verdict."""
    return Share(sum(n for cell, n in tally.items() if cell.verdict is verdict), tally.total())


def verdict_counts(tally: Tally) -> dict[str, int]:
    """How often each verdict was given, zero included."""
    return {str(verdict): verdict_share(tally, verdict).right for verdict in VERDICTS}


def token_accuracy_answer(matches: NDArray[np.bool_], rows: TokenArrays) -> Share:
    """Tokens of the answer, with the end mark and without worked steps, that are the likeliest after the true ones.

    `matches` [n, width - 1] says so for the token after each position.
    """
    return _token_share(matches, rows.answer_starts, rows.lengths)


def token_accuracy_all(matches: NDArray[np.bool_], rows: TokenArrays) -> Share:
    """The same for every token but the first: the prompt, whose operands cannot be foreseen, counts too."""
    return _token_share(matches, np.ones_like(rows.lengths), rows.lengths)


def cot_step_accuracy(format: Format, problems: Sequence[Problem], texts: Sequence[str]) -> Share:
    """Worked steps that are right and in their place, of those that should be there; needless ones count as wrong."""
    share = Share(0, 0)
    steps, width = WORKED_STEPS[format.steps], format.number_width
    for problem, text in zip(problems, texts, strict=True):
        report = steps.check(problem, split_cot(text)[0], width)
        share += Share(report.n_true, max(report.n_steps, len(steps.steps(problem, width))))
    return share


def _token_share(matches: NDArray[np.bool_], starts: NDArray[Any], lengths: NDArray[Any]) -> Share:
    places = np.arange(1, matches.shape[1] + 1)  # of the tokens that are matched
    asked = (places >= starts[:, None]) & (places < lengths[:, None])
    return Share(int((matches & asked).sum()), int(asked.sum()))


def _split(tally: Tally, label: Callable[[Cell], Label]) -> dict[Label, Share]:
    shares: dict[Label, Share] = {}
    for cell, n in tally.items():
        right = n if cell.verdict is Verdict.CORRECT else 0
        shares[label(cell)] = shares.get(label(cell), Share(0, 0)) + Share(right, n)
    return shares
