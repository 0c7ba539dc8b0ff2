"""Reading a problem from what people type."""

from __future__ import annotations

import re

from longhand.arithmetic.problem import OPERATORS, Division, Problem, Semantics
from longhand.errors import UserError

_QUESTION = re.compile(r"\s*what\s+is\s+(.*?)\s*\?\s*", flags=re.IGNORECASE | re.ASCII)
_NUMBER = re.compile(r"-?[0-9]+", flags=re.ASCII)
_SPACES = re.compile(r" *")


def parse_expression(
    text: str,
    *,
    semantics: Semantics = "precedence",
    division: Division = "exact",
    leading_zeros: bool = False,
) -> Problem:
    """Return the problem written as `951+11`, `951+11=`, `951 + 11 =` or `What is 951 + 11?`.

    Digits are ASCII; an operand may be negative (`5+-3`). Raises `UserError` that says what was found where:
    a character that does not belong there, an operand with leading zeros (unless `leading_zeros`), a missing
    operand, or a division by zero.
    """
    question = _QUESTION.fullmatch(text)
    body = question.group(1) if question else text.strip(" ").removesuffix("=")
    offset = text.index(body) if body else 0
    operands: list[int] = []
    operators: list[str] = []
    position = 0
    while True:
        position = _skip_spaces(body, position)
        number = _NUMBER.match(body, position)
        if number is None:
            raise _unexpected(text, body, position, offset, "a number")
        digits = number.group().removeprefix("-")
        if len(digits) > 1 and digits[0] == "0" and not leading_zeros:
            raise UserError(f"{text!r}: {number.group()} has leading zeros; write {int(digits)}")
        operands.append(int(number.group()))
        position = _skip_spaces(body, number.end())
        if position == len(body):
            break
        if body[position] not in OPERATORS:
            raise _unexpected(text, body, position, offset, "one of + - * /")
        operators.append(body[position])
        position += 1
    if not operators:
        raise UserError(f"{text!r} is a number, not a problem; write for example {body}+1=")
    return Problem(tuple(operands), tuple(operators), semantics, division)


def _skip_spaces(body: str, position: int) -> int:
    match = _SPACES.match(body, position)
    assert match is not None
    return match.end()


def _unexpected(text: str, body: str, position: int, offset: int, wanted: str) -> UserError:
    if position >= len(body):
        return UserError(f"{text!r} ends where {wanted} is expected; write for example 951+11=")
    return UserError(f"{text!r}: {body[position]!r} at character {position + offset + 1}, where {wanted} is expected")
