"""From the text of one row to a record: where the question ends, what it asks, what the row answers."""

from __future__ import annotations

import re
from fractions import Fraction

from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import COMPARISON, Problem
from longhand.data.record import Record
from longhand.errors import UserError
from longhand.text.formats import END_THINK, THINK, Format
from longhand.text.vocabulary import SPELLINGS
from longhand.text.worked_steps import NOOP

_BEGIN = re.compile("|".join(map(re.escape, SPELLINGS["bos"])))
_END = re.compile(f"(?:{'|'.join(map(re.escape, SPELLINGS['eos']))})$")
_ANSWER = re.compile(r"(-?)([0-9]+)(?:([/r])([0-9]+))?", flags=re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]+\.[0-9]+", flags=re.ASCII)


def read_row(text: str, format: Format | None = None, *, line: int = 0) -> Record:
    """Read a row that is one string, in any of the ways the published systems write one.

    A TAB parts question and answer; else worked steps (`<think>`) begin the answer; else it follows the last
    `=`, of a comparison the first; else the last space: `5+8=13`, `951 + 11 = 962`, `What is 65 - 62? 3`. Marks of
    begin and end are not part of either. Only a TAB may be preceded by a question in words. Raises `UserError` for
    anything else.
    """
    body = strip_marks(text)
    question, tab, answer = body.partition("\t")
    if tab:
        prompt = _as_prompt(question)
        return read_pair(prompt, answer, prompt + answer, format, line=line)
    prompt, target = _cut(body)
    return read_pair(prompt, target, text, format, line=line, in_words=False)


def read_pair(
    prompt: str, target: str, text: str, format: Format | None = None, *, line: int = 0, in_words: bool = True
) -> Record:
    """Read a row whose question and answer are apart.

    Without a `format`, numbers are taken at their value whatever their leading zeros, `17r3` is a division with
    remainder, and a decimal is the fraction it stands for. A question that is no arithmetic has no problem, if
    `in_words` allows it and it does not end like arithmetic, with `=`. Raises `UserError` where the question or
    the answer cannot be read.
    """
    steps_end = _end_of_steps(target)
    cot, written = target[:steps_end], target[steps_end:]
    try:
        problem = _read_problem(prompt, written, format)
    except UserError:
        if not in_words or prompt.rstrip().endswith("=") or not written.strip():
            raise
        return Record(prompt, target, text, cot, None, written.strip(), line)
    answer = _read_answer(written) if format is None else format.read_answer(written)
    if answer is None:
        raise UserError(f"{written!r} is not an answer to {prompt.strip()!r}")
    return Record(prompt, target, text, cot, problem, answer, line)


def strip_marks(text: str) -> str:
    """The text without outer spaces and without a mark of begin or end, however spelled."""
    body = text.strip()
    if body.startswith("<"):
        begin = _BEGIN.match(body)
        body = body[begin.end() :] if begin else body
    if body.endswith(">"):
        end = _END.search(body)
        body = body[: end.start()] if end else body
    return body


def _cut(body: str) -> tuple[str, str]:
    if THINK in body:
        place = body.index(THINK)
    elif "=" in body:
        # In the rows of a comparison = is a sign like others; no other answer has one.
        place = (body.index("=") if COMPARISON in body else body.rindex("=")) + 1
        place += len(body) - place - len(body[place:].lstrip(" "))
    else:
        place = body.rfind(" ") + 1
    if place == 0:
        raise UserError(f"{body!r} has no TAB, no '=' and no space to part the question from its answer")
    return body[:place], body[place:]


def _as_prompt(question: str) -> str:
    """A question from a table, ended so that the answer can follow it in one string."""
    question = question.strip()
    if question.endswith("="):
        return question
    try:
        parse_expression(question)
    except UserError:
        return f"{question} "
    return f"{question} " if question.endswith("?") else f"{question}="


def _end_of_steps(target: str) -> int:
    """Where the answer begins in a target: after the worked steps and any padding that follows them."""
    if not target.startswith(THINK):
        return 0
    place = target.rfind(END_THINK)
    if place < 0:
        raise UserError(f"{target!r} has no {END_THINK} after its worked steps")
    place += len(END_THINK)
    while target.startswith(NOOP, place):
        place += len(NOOP)
    return place


def _read_problem(prompt: str, written: str, format: Format | None) -> Problem:
    if format is not None:
        return format.read_prompt(prompt)
    return parse_expression(prompt, division="remainder" if "r" in written else "exact", leading_zeros=True)


def _read_answer(written: str) -> str | None:
    match = _ANSWER.fullmatch(written)
    if match is None:
        return str(Fraction(written)) if _DECIMAL.fullmatch(written) else None
    sign, first, mark, second = match.groups()
    return f"{sign}{int(first)}{mark}{int(second)}" if mark else f"{sign}{int(first)}"
