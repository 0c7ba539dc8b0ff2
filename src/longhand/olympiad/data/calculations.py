"""The calculations `<<48/2=24>>` that GSM8K writes between the words: taken out, and checked exactly."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction
from math import floor

_CALCULATION = re.compile(r"<<([^<>]*)>>")
_TOKEN = re.compile(r"\s*(?:(\d+(?:,\d{3})*(?:\.\d*)?|\.\d+)|(\*\*|//|[-+*/()%^]))")
_LONGEST = 400  # characters of an expression; those of GSM8K are shorter than a tenth of it
_LARGEST_EXPONENT = 64


class Holds(Enum):
    """Whether what is right of the equals sign is what the left has as its value."""

    EXACT = "exact"
    ROUNDED = "rounded"
    WRONG = "wrong"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Calculation:
    """One `<<expression=result>>`: its text without the marks, its value, and whether it holds."""

    text: str
    holds: Holds
    value: Fraction | None = None
    result: Fraction | None = None

    @property
    def relative_error(self) -> float:
        """How far the result is from the value, as a share of the value (infinite where the value is 0)."""
        if self.value is None or self.result is None:
            return float("nan")
        if self.value == self.result:
            return 0.0
        return float(abs(self.result - self.value) / abs(self.value)) if self.value else float("inf")


def strip_calculations(solution: str) -> str:
    """The solution without its `<<…>>`: `48/2 = <<48/2=24>>24 clips` is `48/2 = 24 clips`."""
    return _CALCULATION.sub("", solution)


def calculations(solution: str) -> Iterator[Calculation]:
    """Every `<<…>>` of a solution, in order, checked exactly."""
    for match in _CALCULATION.finditer(solution):
        yield check_calculation(match[1])


def check_calculation(text: str) -> Calculation:
    """Check `expression=result`; with several equals signs the first and the last part are compared."""
    left, equals, right = text.partition("=")
    right = right.rpartition("=")[2]
    try:
        if not equals:
            raise ValueError("no equals sign")
        value, result = evaluate(left), evaluate(right)
    except (ValueError, ZeroDivisionError):
        return Calculation(text, Holds.UNREADABLE)
    if value == result:
        return Calculation(text, Holds.EXACT, value, result)
    holds = Holds.ROUNDED if _is_rounded(value, result, right) else Holds.WRONG
    return Calculation(text, holds, value, result)


def evaluate(expression: str) -> Fraction:
    """The exact value of numbers, `+ - * / // ( )`, a percent sign after a number, and small whole powers.

    Raises `ValueError` for anything else and `ZeroDivisionError`. Nothing is executed, and an expression is too short
    to take long.
    """
    if len(expression) > _LONGEST:
        raise ValueError(f"an expression of {len(expression)} characters")
    reader = _Reader(_tokens(expression))
    value = reader.sum()
    if reader.peek() is not None:
        raise ValueError(f"{reader.peek()!r} was not expected")
    return value


def _is_rounded(value: Fraction, result: Fraction, written: str) -> bool:
    """Whether the result is less than one unit of its last place away, as rounding and cutting off both are."""
    decimals = len(written.strip().partition(".")[2])
    return abs(value - result) < Fraction(1, 10**decimals)


def _tokens(expression: str) -> list[str]:
    tokens, position = [], 0
    text = expression.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise ValueError(f"{text[position:]!r} is no arithmetic")
        tokens.append(match[1] or match[2])
        position = match.end()
    return tokens


class _Reader:
    """A recursive descent over tokens: a sum of products of powers of signed numbers."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens, self._position = tokens, 0

    def peek(self) -> str | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def next(self) -> str:
        token = self.peek()
        if token is None:
            raise ValueError("the expression ends too early")
        self._position += 1
        return token

    def sum(self) -> Fraction:
        value = self.product()
        while (operator := self.peek()) in ("+", "-"):
            self.next()
            right = self.product()
            value = value + right if operator == "+" else value - right
        return value

    def product(self) -> Fraction:
        value = self.signed()
        while (operator := self.peek()) in ("*", "/", "//"):
            self.next()
            right = self.signed()
            value = value * right if operator == "*" else value / right
            if operator == "//":
                value = Fraction(floor(value))
        return value

    def signed(self) -> Fraction:
        if self.peek() in ("+", "-"):
            return self.signed() if self.next() == "+" else -self.signed()
        value = self.atom()
        if self.peek() not in ("^", "**"):
            return value
        self.next()
        exponent = self.signed()
        if exponent.denominator != 1 or not 0 <= exponent <= _LARGEST_EXPONENT:
            raise ValueError(f"the exponent {exponent}")
        return value ** int(exponent)

    def atom(self) -> Fraction:
        token = self.next()
        if token == "(":
            value = self.sum()
            if self.next() != ")":
                raise ValueError("a bracket is not closed")
        elif token[0].isdigit() or token[0] == ".":
            value = Fraction(int(token)) if token.isdecimal() else Fraction("0" + token.replace(",", ""))
        else:
            raise ValueError(f"{token!r} was not expected")
        if self.peek() == "%":
            self.next()
            value /= 100
        return value
