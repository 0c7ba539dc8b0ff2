"""Reading a problem as people type it."""

from __future__ import annotations

import re

from longhand.arithmetic.long_numbers import parse_int, write_int
from longhand.arithmetic.problem import SYMBOLS, Division, Problem, Semantics
from longhand.errors import UserError

_QUESTION = re.compile(r" *what +is +(.*)\? *", flags=re.IGNORECASE)
_NUMBER = re.compile(r"-?[0-9]+")
_PLAIN = re.compile(r"(0|-?[1-9][0-9]*)([-+*/?])(0|-?[1-9][0-9]*)=?")  # most problems, which are read at once
MAX_CHARACTERS = 1_000_000
"""Of an expression: a few seconds of arithmetic, as the answer may be as long as its problem."""


def parse_expression(
    text: str,
    *,
    semantics: Semantics = "precedence",
    division: Division = "exact",
    leading_zeros: bool = False,
) -> Problem:
    """Return the problem written as `951+11`, `951+11=`, `951 + 11 =` or `What is 951 + 11?`; `12?7` compares.

    Digits are the ASCII ones, spaces are ignored around numbers, and an operand may be negative (`5+-3`).
    Raises `UserError` that says what was found where: a character that does not belong there, a number with
    leading zeros (unless `leading_zeros`), a missing operand or operator, or a division by zero.
    """
    if len(text) > MAX_CHARACTERS:
        raise UserError(f"{text[:20]!r}... has {len(text)} characters; write at most {MAX_CHARACTERS}")
    plain = _PLAIN.fullmatch(text)
    if plain is not None:
        left, operator, right = plain.groups()
        return Problem((parse_int(left), parse_int(right)), (operator,), semantics, division)
    question = _QUESTION.fullmatch(text)
    position, end = question.span(1) if question else (0, len(text.rstrip(" ").removesuffix("=")))
    operands: list[int] = []
    operators: list[str] = []
    while True:
        position = _skip_spaces(text, position, end)
        number = _NUMBER.match(text, position, end)
        if number is None:
            raise _unexpected(text, position, end, "a number")
        operands.append(_to_int(text, number.group(), leading_zeros))
        position = _skip_spaces(text, number.end(), end)
        if position == end:
            break
        if text[position] not in SYMBOLS:
            raise _unexpected(text, position, end, f"one of {' '.join(SYMBOLS)}")
        operators.append(text[position])
        position += 1
    if not operators:
        raise UserError(f"{text!r} is a number, not a problem; write for example 951+11=")
    return Problem(tuple(operands), tuple(operators), semantics, division)


def _skip_spaces(text: str, position: int, end: int) -> int:
    while position < end and text[position] == " ":
        position += 1
    return position


def _to_int(text: str, number: str, leading_zeros: bool) -> int:
    value = parse_int(number)
    if not leading_zeros and write_int(value) != number:
        raise UserError(f"{text!r}: {number} has leading zeros; write {write_int(value)}")
    return value


def _unexpected(text: str, position: int, end: int, wanted: str) -> UserError:
    if position == end:
        return UserError(f"{text!r} ends where {wanted} is expected; write for example 951+11=")
    return UserError(f"{text!r}: {text[position]!r} at character {position + 1}, where {wanted} is expected")
