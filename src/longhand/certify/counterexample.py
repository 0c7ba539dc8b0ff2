"""From a window that a network is wrong about to the shortest problem that shows it, asked of the real decoder."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from longhand.certify.rules.sums import END_OF_SECOND_PASS, SECOND_PASS
from longhand.certify.search import WindowList
from longhand.solvers.windowed import WindowedSolver
from longhand.text.layouts.sums import SumLayout
from longhand.text.schoolbook import write_rows
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

    Of sums and differences the search that listed the windows knows the shortest; of products and divisions all
    problems of one and two digits are tried, then longer ones at random.
    """
    if isinstance(solver.layout, SumLayout):
        shortest = min(wrong.tolist(), key=lambda place: len(listed.path(place)))
        return _ask(solver, *problem_of_path(listed, shortest, solver.vocabulary))
    bad = {tuple(window) for window in listed.windows[wrong].tolist()}
    for a, operator, b in _problems(solver.layout.operators):
        if any(window in bad for window in _windows(solver, a, operator, b)):
            return _ask(solver, a, operator, b)
    return None


def _ask(solver: WindowedSolver, a: str, operator: str, b: str) -> Counterexample:
    expected = write_rows(_digits(a), operator, _digits(b))
    written = solver.solve([f"{a}{operator}{b}="])[0].text
    return Counterexample(f"{a}{operator}{b}=", expected, written, written != expected)


def problem_of_path(listed: WindowList, place: int, vocabulary: Vocabulary) -> tuple[str, str, str]:
    """The shortest sum or difference that shows a window: a, the operator and b, zeros in front where need be."""
    path = listed.path(place)
    passes = [listed.kind(step) in (SECOND_PASS, END_OF_SECOND_PASS) for step in path]
    operator_id = int(listed.windows[path[0], -1])
    operator = vocabulary.tokens[operator_id]
    if not passes[-1]:
        columns = [listed.columns[step] for step in path]
        return _number([x for x, _ in columns]), operator, _number([y for _, y in columns])
    digits = [listed.columns[step][0] for step, second in zip(path, passes, strict=True) if second]
    known = [digit for digit in digits if digit is not None]
    if not any(known):
        known.append(1)  # what a borrow leaves is never 0
    modulus = 10 ** len(known)
    size = modulus - int(_number([*known]))
    larger = max(size, modulus // 10)
    return str(larger - size), "-", str(larger)


def _number(digits: list[int | None]) -> str:
    """A number from its digits, units first, where None stands above the last one."""
    return "".join(str(digit) for digit in reversed(digits) if digit is not None)


def _problems(operators: str) -> Iterator[tuple[str, str, str]]:
    """Problems of two operands, shorter ones first."""
    for operator in operators:
        for a, b in product(range(100), range(operator == "/", 100)):
            if max(a, b) < 10:
                yield str(a), operator, str(b)
    for operator in operators:
        for a, b in product(range(100), range(operator == "/", 100)):
            if max(a, b) >= 10:
                yield str(a), operator, str(b)
    rng = random.Random(0)
    for _ in range(RANDOM_PROBLEMS):
        a, b = (rng.randrange(10 ** rng.randint(1, MAX_DIGITS)) for _ in range(2))
        operator = rng.choice(operators)
        if operator != "/" or b:
            yield str(a), operator, str(b)


def _windows(solver: WindowedSolver, a: str, operator: str, b: str) -> list[tuple[int, ...]]:
    rows = write_rows(_digits(a), operator, _digits(b))
    prompt = solver.format.spell_prompt(f"{a}{operator}{b}=", solver.vocabulary)
    return solver.layout.windows([*prompt, *solver.vocabulary.encode(rows)])


def _digits(number: str) -> list[int]:
    return [int(digit) for digit in reversed(number)]
