"""What of a question is left without its numbers and names: for finding templates that two splits share."""

from __future__ import annotations

import re

from longhand.olympiad.word_problems.reread.patterns import FACTOR_WORDS, NUMBER_WORDS

_NUMBERS = re.compile(r"\b(?:\d+(?:\.\d+)?|" + "|".join([*FACTOR_WORDS, *NUMBER_WORDS]) + r")\b", flags=re.IGNORECASE)
_NAMES = re.compile(r"(?<![.?] )(?<!^)\b[A-Z][a-z]+\b|\b[A-Z][a-z]+\b(?= (?:has|is|buys|and|rides|walks|sells)\b)")
_PRONOUNS = re.compile(r"\b(?:he|she|him|her|his)\b", flags=re.IGNORECASE)


def skeleton(question: str) -> str:
    """The question with `#` for numbers, `@` for names and `^` for pronouns."""
    return _PRONOUNS.sub("^", _NAMES.sub("@", _NUMBERS.sub("#", question)))
