"""A small notation for sentences: what a reader of English looks for in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from fractions import Fraction

_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
NUMBER_WORDS = {word: Fraction(value) for value, word in enumerate(_WORDS)}
FACTOR_WORDS = {
    "twice": Fraction(2),
    "three times": Fraction(3),
    "four times": Fraction(4),
    "five times": Fraction(5),
    "six times": Fraction(6),
    "seven times": Fraction(7),
    "half": Fraction(1, 2),
    "a third": Fraction(1, 3),
    "a quarter": Fraction(1, 4),
    "a fifth": Fraction(1, 5),
    "a sixth": Fraction(1, 6),
}
Formula = Callable[..., Fraction]

_NUMBER = r"(\d+(?:\.\d+)?|" + "|".join(NUMBER_WORDS) + ")"
_FACTOR = "((?i:" + "|".join(FACTOR_WORDS) + "))"
_PIECES = {
    "#": _NUMBER,
    "&": _FACTOR,
    "~": r"(?:[a-z]+(?: [a-z]+){0,2})",
    "^": r"(?:[Hh]e|[Ss]he|[Hh]is|[Hh]er|him)",
}


def compile_pattern(pattern: str) -> re.Pattern[str]:
    """A sentence pattern as a regular expression over a whole text.

    `#` is a number, `$` an amount of money, `&` a factor in words (twice, a third), `~` words without capitals, `^` a
    pronoun, `@1` a name, the same wherever the digit is the same, `(a|b)` one of two; everything else stands for
    itself. Numbers and factors are captured in order.
    """
    seen: set[str] = set()
    out, position = [], 0
    while position < len(pattern):
        character = pattern[position]
        if character == "@":
            digit = pattern[position + 1]
            out.append(f"(?P=n{digit})" if digit in seen else rf"(?P<n{digit}>[A-Z][a-z]+)")
            seen.add(digit)
            position += 1
        elif character == "$":
            out.append(r"\$(\d+(?:\.\d\d)?)")
        elif character in "(|)":
            out.append("(?:" if character == "(" else character)
        else:
            out.append(_PIECES.get(character, re.escape(character)))
        position += 1
    return re.compile("".join(out))


def numbers_of(match: re.Match[str]) -> list[Fraction]:
    """The captured numbers and factors in the order they stand in the text."""
    names = set(match.re.groupindex.values())
    texts = [text for index, text in enumerate(match.groups(), start=1) if index not in names and text is not None]
    return [number(text) for text in texts]


def number(text: str) -> Fraction:
    """A number in digits or words, or a factor in words."""
    lower = text.lower()
    if lower in NUMBER_WORDS:
        return NUMBER_WORDS[lower]
    return FACTOR_WORDS[lower] if lower in FACTOR_WORDS else Fraction(text)
