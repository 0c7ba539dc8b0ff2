r"""Checking a row of a generated problem from its text: its steps, its label, and the question itself.

The steps are read back out of the solution and worked out anew; the answer is found once more from the words of the
question. Nothing is taken from the code that made the row.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from longhand.olympiad.data.boxed import ConversionError, last_box, mark_to_box
from longhand.olympiad.data.calculations import evaluate
from longhand.olympiad.word_problems.reread.chains import answer_chain
from longhand.olympiad.word_problems.reread.fixed import answer_fixed
from longhand.olympiad.word_problems.reread.patterns import FACTOR_WORDS, NUMBER_WORDS, number

_GSM8K_STEP = re.compile(
    r"(?P<shown>\S+) = \$?<<(?P<expression>[^=<>]+)=(?P<result>[\d.]+)>>(?P<written>\d+(?:\.\d+)?)"
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_WORD = re.compile(r"\b(?:" + "|".join([*FACTOR_WORDS, *NUMBER_WORDS]) + r")\b")
_EVERYBODY_KNOWS = {Fraction(value) for value in (2, 4, 12, 60, 100)}
_LATEX_STEP = re.compile(r"\$(?P<expression>[^$=]+) = (?P<result>[\d.]+)\$")


@lru_cache(maxsize=4096)
def _fraction(digits: str) -> Fraction:
    return Fraction(digits)


@lru_cache(maxsize=1)
def _read(text: str) -> Fraction | None:
    found = answer_fixed(text)
    return answer_chain(text) if found is None else found


def read_answer(question: str) -> Fraction | None:
    """The answer of a question, from its words alone; None if it is not understood."""
    return _read(question.replace(r"\$", "$").replace(r"\%", "%"))


def faults(row: Mapping[str, Any]) -> list[str]:
    """What is wrong with a row of any of the three schemas; empty if nothing is."""
    is_gsm8k = "question" in row
    question, solution = (row["question"], row["answer"]) if is_gsm8k else (row["problem"], row["solution"])
    found: list[str] = []
    lines = solution.split("\n")
    known = _numbers(question) | {Fraction(1)}
    results = []
    for line in lines[:-1]:
        result = _result(line, is_gsm8k, known, found)
        results.append(result)
        known |= {result} if result is not None else set()
    label = _label(solution, lines[-1], is_gsm8k)
    if label is None:
        return [*found, "no label"]
    if not results or results[-1] != label:
        found.append("the last step is not the label")
    reread = read_answer(question)
    if reread is None:
        found.append("the question is not understood")
    elif reread != label:
        found.append(f"the question says {reread}, the label {label}")
    if label.denominator != 1 or label <= 0:
        found.append(f"the label is {label}")
    if "messages" in row:
        turns = [("user", question), ("assistant", solution)]
        if [(turn["role"], turn["content"]) for turn in row["messages"]] != turns:
            found.append("the messages are not problem and solution")
    return found


def _result(line: str, is_gsm8k: bool, known: set[Fraction], found: list[str]) -> Fraction | None:
    """The result of the one step of a line, after it was worked out anew.

    Every number of the line has to be `known` from the question or from a step before, be one that everybody knows
    (minutes of an hour, sides of a square), be how many numbers were added up, or how often a known number goes into
    another.
    """
    steps = list((_GSM8K_STEP if is_gsm8k else _LATEX_STEP).finditer(line))
    if len(steps) != 1:
        found.append(f"{len(steps)} steps in {line!r}")
        return None
    step = steps[0]
    expression = step["expression"].replace(r"\times", "*").replace(r"\div", "/")
    try:
        value = evaluate(expression)
    except (ValueError, ZeroDivisionError):
        found.append(f"{expression!r} cannot be read")
        return None
    words = line[: step.start()] + " " + line[step.end() :]
    strange = _digits(words + " " + expression) - known - _EVERYBODY_KNOWS
    if strange:
        strange -= {Fraction(more // less) for more in known for less in known if less}
    if strange:
        found.append(f"{', '.join(map(str, sorted(strange)))} in {line!r} comes from nowhere")
    known.add(Fraction(expression.count("+") + 1))
    result = Fraction(step["result"])
    if value != result:
        found.append(f"{expression} is {value}, not {result}")
    if is_gsm8k and (step["shown"] != step["expression"] or Fraction(step["written"]) != result):
        found.append(f"{step[0]!r} says two things")
    return result


def _digits(text: str) -> set[Fraction]:
    return set(map(_fraction, _NUMBER.findall(text)))


def _numbers(text: str) -> set[Fraction]:
    """Every number of a text, whether in digits or in words."""
    found = _digits(text)
    for word in _WORD.findall(text.lower()):
        value = number(word)
        found |= {value, 1 / value} if value else {value}
    return found


def _label(solution: str, last: str, is_gsm8k: bool) -> Fraction | None:
    if is_gsm8k:
        try:
            return Fraction(mark_to_box(solution)[1])
        except ConversionError:
            return None
    box = last_box(last)
    return Fraction(box) if box is not None and re.fullmatch(r"\d+", box) else None
