"""From a window that a network is wrong about to the shortest problem that shows it, asked of the real decoder."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from longhand.certify.problems import Asked, random_problem
from longhand.certify.rules.sums import END_OF_SECOND_PASS, SECOND_PASS
from longhand.certify.search import WindowList
from longhand.solvers.windowed import WindowedSolver
from longhand.text.layouts.comparisons import ComparisonLayout
from longhand.text.layouts.sums import SumLayout
from longhand.text.vocabulary import Vocabulary

RANDOM_PROBLEMS = 20_000
"""Longer problems that are tried where no problem of two digits shows a wrong window."""
MAX_DIGITS = 6


@dataclass(frozen=True)
class Counterexample:
    """A problem the model gets wrong: what it writes, and what is right; `confirmed` if its decoder was seen to."""

    expression: str
    expected: str
    written: str
    confirmed: bool


def counterexample(solver: WindowedSolver, listed: WindowList, wrong: NDArray[np.int64]) -> Counterexample | None:
    """The shortest problem found that shows one of the `wrong` windows; None if no problem tried does.

    Of sums, differences and comparisons the search that listed the windows knows the shortest; of products and
    divisions all problems of one and two digits are tried, then longer ones at random.
    """
    if isinstance(solver.layout, (SumLayout, ComparisonLayout)):
        shortest = min(wrong.tolist(), key=lambda place: len(listed.path(place)))
        return _ask(solver, problem_of_path(listed, shortest, solver.vocabulary))
    bad = {tuple(window) for window in listed.windows[wrong].tolist()}
    for asked in _problems(solver.layout.operators):
        if any(window in bad for window in solver.layout.windows(asked.ids(solver.layout))):
            return _ask(solver, asked)
    return None


def _ask(solver: WindowedSolver, asked: Asked) -> Counterexample:
    expression, expected = f"{asked.a}{asked.operator}{asked.b}=", asked.rows
    written = solver.solve([expression])[0].text
    return Counterexample(expression, expected, written, written != expected)


def problem_of_path(listed: WindowList, place: int, vocabulary: Vocabulary) -> Asked:
    """The shortest sum, difference or comparison that shows a window, with zeros in front where need be."""
    path = listed.path(place)
    passes = [listed.kind(step) in (SECOND_PASS, END_OF_SECOND_PASS) for step in path]
    operator_id = int(listed.windows[path[0], -1])
    operator = vocabulary.tokens[operator_id]
    if not passes[-1]:
        columns = [listed.columns[step] for step in path]
        return Asked(_number([x for x, _ in columns]), operator, _number([y for _, y in columns]))
    digits = [listed.columns[step][0] for step, second in zip(path, passes, strict=True) if second]
    known = [digit for digit in digits if digit is not None]
    if not any(known):
        known.append(1)  # what a borrow leaves is never 0
    modulus = 10 ** len(known)
    size = modulus - int(_number([*known]))
    larger = max(size, modulus // 10)
    return Asked(str(larger - size), "-", str(larger))


def _number(digits: list[int | None]) -> str:
    """A number from its digits, units first, where None stands above the last one."""
    return "".join(str(digit) for digit in reversed(digits) if digit is not None)


def _problems(operators: str) -> Iterator[Asked]:
    """Problems of two operands, shorter ones first."""
    for shortest, longest in ((0, 10), (10, 100)):
        for operator in operators:
            for a, b in product(range(longest), range(operator == "/", longest)):
                if max(a, b) >= shortest:
                    yield Asked(str(a), operator, str(b))
    rng = random.Random(0)
    for _ in range(RANDOM_PROBLEMS):
        yield random_problem(rng.choice(operators), MAX_DIGITS, rng)
