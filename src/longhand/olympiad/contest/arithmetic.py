r"""A solver for the contest that any model of ours can be: "What is $123+456$?" is asked as 123+456."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from longhand.solvers.load import load as load_solver

_SIGNS = {
    r"\times": "*",
    r"\cdot": "*",
    "×": "*",
    r"\div": "/",
    "÷": "/",
    "−": "-",
    r"\left": "",
    r"\right": "",
    "{,}": "",
}
_EXPRESSION = re.compile(r"[0-9][0-9+\-*/() ]*")
_MATHEMATICS = re.compile(r"\$([^$]+)\$")


def load(model: str) -> Callable[[str, float], list[str]]:
    """An `attempt` for `longhand.olympiad.contest.predictor` by the model at a path, or a shipped one by name."""
    solver = load_solver(Path(model))

    def attempt(problem: str, seconds: float) -> list[str]:
        """The model's answer to the one expression in the problem; nothing where there is none."""
        expression = expression_in(problem)
        if expression is None:
            return []
        answer = solver.solve([expression])[0].answer
        return [] if answer is None else [answer]

    return attempt


def expression_in(problem: str) -> str | None:
    """The last formula between dollar signs, if it is arithmetic and nothing else: without spaces, in our signs."""
    found = _MATHEMATICS.findall(problem)
    if not found:
        return None
    text = found[-1]
    for written, sign in _SIGNS.items():
        text = text.replace(written, sign)
    text = text.strip().removesuffix("=").strip()
    return text.replace(" ", "") if _EXPRESSION.fullmatch(text) else None
