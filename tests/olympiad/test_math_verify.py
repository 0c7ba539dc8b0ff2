"""The same texts read here and by math-verify: every disagreement is listed, with who is right and why."""

from __future__ import annotations

import logging
import random
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.olympiad.cases import cases
from tests.olympiad.renderings import renderings

from longhand.olympiad.answers.extract import extract
from longhand.olympiad.answers.value import Words

LIST = Path(__file__).with_name("math_verify_disagreements.yaml")


def texts() -> Iterator[tuple[str, Fraction | None]]:
    """Every text of the table and numbers at random, each with the number that is found here."""
    for case in cases():
        found = extract(case.text, case.rules)
        if found is None:
            yield case.text, None
        elif not (isinstance(found.answer, Words) and "bits" in found.answer.reason):  # math-verify would try
            yield case.text, found.value
    draw = random.Random("math-verify")
    for _ in range(5):
        below = draw.choice([1, 1, 2, 3, 8, 40, draw.randrange(1, 1000)])
        x = Fraction(draw.randrange(-(10 ** draw.randrange(1, 8)), 10 ** draw.randrange(1, 8)), below)
        for written in renderings(x):
            yield f"So it is $\\boxed{{{written}}}$.", x


def their_value(text: str) -> Fraction | None:
    """The number that math-verify finds in a text.

    Its floats are taken for the decimals they print as, which is more than its own comparison asks for.
    """
    import math_verify
    import sympy

    found: list[Any] = [one for one in math_verify.parse(text, parsing_timeout=None) if not isinstance(one, str)]  # type: ignore[arg-type]
    first = found[0] if found else None
    number = first.rhs if isinstance(first, sympy.Eq) else first
    number = number.doit() if isinstance(number, sympy.Expr) else number
    if isinstance(number, sympy.Rational):
        return Fraction(int(number.p), int(number.q))
    return Fraction(str(number)) if isinstance(number, sympy.Float) else None


@pytest.mark.row("S3-E1")
def test_every_disagreement_with_math_verify_is_listed_and_every_one_listed_is_there() -> None:
    logging.getLogger("math_verify").setLevel(logging.ERROR)  # it warns that there is no time limit
    found = {}
    for text, ours in texts():
        theirs = their_value(text)
        if ours != theirs:
            found[text] = {"longhand": _written(ours), "math_verify": _written(theirs)}
    listed = yaml.safe_load(LIST.read_text(encoding="utf-8"))
    assert {group["right"] for group in listed} <= {"longhand", "math-verify", "a convention"}
    assert all(group["why"] for group in listed)
    rows = [row for group in listed for row in group["rows"]]
    assert {row.pop("text"): row for row in rows} == found
    assert len(rows) == len(found)


def _written(value: Fraction | None) -> str:
    return "no number" if value is None else str(value)


def test_two_of_three_texts_are_read_alike() -> None:
    n_texts = sum(1 for _ in texts())
    n_listed = sum(len(group["rows"]) for group in yaml.safe_load(LIST.read_text(encoding="utf-8")))
    assert n_listed < n_texts / 3
