"""Asking one part of a suite: by teacher forcing where that settles it, by decoding where it does not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.problem import Problem
from longhand.arithmetic.verdict import Verdict, judge
from longhand.data.digitwise import count_steps
from longhand.data.encode import encode_arrays, encode_problems
from longhand.data.problems import ProblemArrays
from longhand.data.tokens import TokenArrays
from longhand.evaluation.metrics import (
    CODE_OF,
    VERDICTS,
    Codes,
    Share,
    Tally,
    cot_step_accuracy,
    count,
    count_arrays,
    token_accuracy_all,
    token_accuracy_answer,
)
from longhand.evaluation.samples import Sample
from longhand.evaluation.suites import Suite
from longhand.solvers.base import Solver, TeacherForced
from longhand.text.formats import Format, Style
from longhand.text.vocabulary import Vocabulary
from longhand.text.worked_steps import WORKED_STEPS

Rows = ProblemArrays | Sequence[Problem]

_EXAMPLE = Problem((1, 1), ("+",))


@dataclass(frozen=True, slots=True)
class Part:
    """What came out of some rows of a suite.

    `codes` are the verdicts as positions in `VERDICTS`, in the order of the rows; `shares` are those of tokens and
    worked steps, by the name of their metric; `failures` are the rows that are not correct, `samples` all rows if
    they were asked for.
    """

    codes: Codes
    tally: Tally
    shares: dict[str, Share]
    failures: list[Sample]
    samples: list[Sample]
    n_decoded: int


def ask(
    solver: Solver,
    suite: Suite,
    start: int,
    stop: int,
    *,
    style: Style = "expression",
    beam: int = 1,
    all_tokens: bool = False,
    keep_samples: bool = False,
) -> Part:
    """Ask the problems of a suite from `start` to before `stop`, greedily or with a beam, and judge the answers.

    They are asked in a `style`, which makes a difference only to models that keep it (format style `as_asked`). With
    `all_tokens` every row is read once more for the accuracy of all its tokens, prompts included.
    """
    rows = suite.rows(start, stop)
    shares: dict[str, Share] = {}
    if isinstance(solver, TeacherForced):
        tokens = _encode(rows, solver.format.as_asked(_ask_in(style, _EXAMPLE)), solver.vocabulary)
        sure = _surely_right(solver, tokens, beam)
        shares = _token_shares(solver, tokens, sure, all_tokens)
    else:
        sure = np.zeros(len(rows), dtype=np.bool_)
    unsure = np.flatnonzero(~sure)
    problems = _problems_at(rows, unsure)
    completions = solver.solve([_ask_in(style, problem) for problem in problems], beam=beam)
    verdicts = [judge(p, c, domain=solver.domain) for p, c in zip(problems, completions, strict=True)]
    if isinstance(solver, TeacherForced) and solver.format.steps != "none":
        texts = [completion.text for completion in completions]
        steps = Share(n := _count_steps(rows, np.flatnonzero(sure), solver.format), n)  # sure rows have every step
        shares["cot_step_accuracy"] = steps + cot_step_accuracy(solver.format, problems, texts)

    codes = np.full(len(rows), CODE_OF[Verdict.CORRECT], dtype=np.uint8)
    codes[unsure] = [CODE_OF[verdict] for verdict in verdicts]
    decoded = [Sample.of(*facts) for facts in zip(problems, completions, verdicts, strict=True)]
    failures = [sample for sample in decoded if sample.verdict is not Verdict.CORRECT]
    samples = _all_samples(solver, rows, style, sure, decoded) if keep_samples else []
    return Part(codes, _count(rows, codes), shares, failures, samples, len(decoded))


def _ask_in(style: Style, problem: Problem) -> str:
    return f"{problem.expression}=" if style == "expression" else Format(style=style).prompt(problem)


def _encode(rows: Rows, format: Format, vocabulary: Vocabulary) -> TokenArrays:
    if isinstance(rows, ProblemArrays):
        return encode_arrays(rows, format, vocabulary)
    return encode_problems(rows, format, vocabulary)


def _surely_right(solver: TeacherForced, tokens: TokenArrays, beam: int) -> NDArray[np.bool_]:
    if beam > 1:  # what is likeliest token by token need not be the likeliest text
        return np.zeros(len(tokens), dtype=np.bool_)
    return solver.exact_rows(tokens.ids, tokens.prompt_lengths, tokens.lengths)


def _token_shares(
    solver: TeacherForced, tokens: TokenArrays, sure: NDArray[np.bool_], all_tokens: bool
) -> dict[str, Share]:
    if all_tokens:
        matches = solver.token_matches(tokens.ids, tokens.lengths)
        return {
            "token_accuracy_answer": token_accuracy_answer(matches, tokens),
            "token_accuracy_all": token_accuracy_all(matches, tokens),
        }
    known, open_rows = tokens.take(np.flatnonzero(sure)), tokens.take(np.flatnonzero(~sure))
    all_match = np.ones((len(known), max(known.ids.shape[1] - 1, 0)), dtype=np.bool_)
    matches = solver.token_matches(open_rows.ids, open_rows.lengths)
    share = token_accuracy_answer(all_match, known) + token_accuracy_answer(matches, open_rows)
    return {"token_accuracy_answer": share}


def _problems_at(rows: Rows, places: NDArray[np.int64]) -> list[Problem]:
    if isinstance(rows, ProblemArrays):
        return rows.take(places).problems()
    return [rows[place] for place in places.tolist()]


def _count_steps(rows: Rows, places: NDArray[np.int64], format: Format) -> int:
    """How many worked steps the problems at these places take together."""
    if format.steps == "digitwise" and format.number_width is not None and isinstance(rows, ProblemArrays):
        return int(count_steps(rows.take(places), format.number_width).sum())
    write = WORKED_STEPS[format.steps].steps
    return sum(len(write(problem, format.number_width)) for problem in _problems_at(rows, places))


def _count(rows: Rows, codes: Codes) -> Tally:
    if isinstance(rows, ProblemArrays):
        return count_arrays(rows, codes)
    return count(rows, [VERDICTS[code] for code in codes.tolist()])


def _all_samples(
    solver: Solver, rows: Rows, style: Style, sure: NDArray[np.bool_], decoded: list[Sample]
) -> list[Sample]:
    """The samples of all rows in order; what is surely written need not be decoded to be known."""
    rest = iter(decoded)
    samples = []
    for problem, known in zip(_problems_at(rows, np.arange(len(rows))), sure.tolist(), strict=True):
        if known:
            assert isinstance(solver, TeacherForced)
            text = solver.format.render(problem).target
            samples.append(
                Sample(_ask_in(style, problem), problem.answer, problem.answer, text, Verdict.CORRECT, "stop")
            )
        else:
            samples.append(next(rest))
    return samples
