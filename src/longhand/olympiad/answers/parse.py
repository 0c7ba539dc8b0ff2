"""From the text of an answer to what it says: numbers exactly, several answers member by member, all else as words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Literal

from longhand.olympiad.answers.bounded import NotANumberError, literal
from longhand.olympiad.answers.expression import Expression
from longhand.olympiad.answers.tokens import Token, tokenize
from longhand.olympiad.answers.value import Answer, Group, Number, Words

Percent = Literal["unit", "hundredth"]
"""What `50%` is: 50 with a unit that is ignored like others, or one half."""

_OPENING, _CLOSING = frozenset(["(", "[", "{", r"\{", r"\langle"]), frozenset([")", "]", "}", r"\}", r"\rangle"])
_COMMAS, _SEPARATORS = frozenset([",", ";"]), frozenset([",", ";", "or", "and"])
_EQUALS = frozenset(["=", r"\in"])
_PLAIN = re.compile(r"\s*([-+−]?)\s*\$?([0-9]+|[1-9][0-9]{0,2}(?:,[0-9]{3})+)(?:\.([0-9]+))?\.?\s*")
_FRACTION = re.compile(r"\s*([-+]?)\\[dt]?frac\{([0-9]+)\}\{([0-9]*[1-9][0-9]*)\}\s*")
_AROUND = "*`_ \t\r\n"  # marks of emphasis
_MAX_NESTING = 4  # of groups in groups


def parse(text: str, percent: Percent = "unit") -> Answer:
    """Return what an answer says. Never raises: what is no number is `Words` with the reason.

    A number is exact, whether an integer, a decimal, a fraction or an expression that has a rational value. `x = 5`
    is 5; `1, 2`, `1 or 2` and `{1, 2}` are the same set; `(1, 2)` is a pair, and so is `(1,234)`.
    """
    try:
        if plain := _PLAIN.fullmatch(text):  # most answers by far
            value = literal(plain[2].replace(",", ""), plain[3] or "")
            return Number(-value if plain[1] in ("-", "−") else value)
        if plain := _FRACTION.fullmatch(text):
            value = literal(plain[2]) / literal(plain[3])
            return Number(-value if plain[1] == "-" else value)
        return _answer(tokenize(text.strip(_AROUND)), percent, _MAX_NESTING)
    except NotANumberError as error:
        return Words("".join(text.split()), str(error))


def parse_number(text: str, percent: Percent = "unit") -> Fraction:
    """Return the number that an answer is; raises `NotANumberError`, which says why it is none."""
    answer = parse(text, percent)
    if isinstance(answer, Number):
        return answer.value
    raise NotANumberError(answer.reason if isinstance(answer, Words) else f"{len(answer.items)} answers")


def _answer(tokens: Sequence[Token], percent: Percent, nesting: int) -> Answer:
    items = [item for item in _split(tokens, _SEPARATORS) if item]
    if len(items) < 2:
        return _item(items[0] if items else [], percent, nesting)
    if nesting == 0:
        raise NotANumberError("groups in groups in groups")
    return Group("set", tuple(_item(item, percent, nesting) for item in items))


def _item(tokens: Sequence[Token], percent: Percent, nesting: int) -> Answer:
    while tokens and tokens[-1].text == ".":
        tokens = tokens[:-1]
    try:
        sides = list(_split(tokens, _EQUALS))
        if len(sides) > 1:
            return _equation(tokens, sides, percent, nesting)
        group = _group(tokens, percent, nesting)
        return group or Number(Expression(tokens, percent == "hundredth").number())
    except NotANumberError as error:
        return Words(_spelled(tokens), str(error))


def _equation(tokens: Sequence[Token], sides: Sequence[Sequence[Token]], percent: Percent, nesting: int) -> Answer:
    """The value behind `x =`, the value before `= x`, or the value of all sides if that is one."""
    named = [side for side in sides if _is_name(side)]
    said = [_item(side, percent, nesting) for side in sides if not _is_name(side)]
    if len(said) == 1 and len(named) == len(sides) - 1:
        return said[0]
    if said and isinstance(said[0], Number) and all(value == said[0] for value in said):
        return said[0]
    return Words(_spelled(tokens), "an equation that is no `name = value`")


def _is_name(tokens: Sequence[Token]) -> bool:
    """Whether tokens name something, as in `x`, `f(3)`, `P(A)`, `x_1`, `Total cost` and `(x, y)`."""
    depth, after_subscript = 0, False
    for token in tokens:
        if token.kind == "number" and not (depth or after_subscript):
            return False
        if token.kind == "sign" and token.text not in ("(", ")", "{", "}", "_", ",", "'", "|", ":"):
            return False
        after_subscript = token.text == "_"
        depth += (token.text in ("(", "{")) - (token.text in (")", "}"))
    return any(token.kind not in ("sign", "number") for token in tokens)


def _group(tokens: Sequence[Token], percent: Percent, nesting: int) -> Group | None:
    r"""The members of `(1, 2)`, `[0, 1)`, `{1, 2}` and `\langle 1, 2 \rangle`; None if this is none of them."""
    if len(tokens) < 3 or nesting == 0:
        return None
    begin, end = tokens[0].text, tokens[-1].text
    if not ((begin in ("(", "[", r"\{") and end in (")", "]", r"\}")) or (begin, end) == (r"\langle", r"\rangle")):
        return None
    inner = tokens[1:-1]
    members = list(_split(inner, _COMMAS))
    if begin != r"\{" and (len(members) < 2 or not all(members)):
        return None
    if any(depth < 0 for depth, _ in _depths(inner)):
        return None  # (1, 2) and (3, 4)
    kind = "set" if (begin, end) == (r"\{", r"\}") else begin + end
    return Group(kind, tuple(_item(member, percent, nesting - 1) for member in members))


def _depths(tokens: Sequence[Token]) -> Iterator[tuple[int, Token]]:
    """Each token with how many brackets are open at it."""
    depth = 0
    for token in tokens:
        depth -= token.text in _CLOSING
        yield depth, token
        depth += token.text in _OPENING


def _split(tokens: Sequence[Token], at: frozenset[str]) -> Iterator[Sequence[Token]]:
    """The runs of tokens between those outside of all brackets that are one of `at`, in small or large letters."""
    begin = 0
    if not at.isdisjoint([token.text.lower() for token in tokens]):
        for place, (depth, token) in enumerate(_depths(tokens)):
            if depth == 0 and token.text.lower() in at:
                yield tokens[begin:place]
                begin = place + 1
    yield tokens[begin:]


def _spelled(tokens: Sequence[Token]) -> str:
    """One spelling of tokens: no needless braces, no brackets around the whole, words in small letters."""
    closed_by: dict[int, int] = {}
    opened: list[int] = []
    for place, token in enumerate(tokens):
        if token.text in ("(", "{"):
            opened.append(place)
        elif token.text in (")", "}") and opened:
            closed_by[opened.pop()] = place
    needless = 0
    while closed_by.get(needless) == len(tokens) - 1 - needless:
        needless += 1
    tokens = tokens[needless : len(tokens) - needless]
    kept: list[str] = []
    for token in tokens:
        if token.kind == "word" and len(token.text) == 2:
            kept += token.text  # a product of two letters
        else:
            kept.append(token.text.lower() if token.kind in ("word", "text") and len(token.text) > 1 else token.text)
        if kept[-1] == "}" and len(kept) > 2 and kept[-3] == "{":
            kept[-3:] = [kept[-2]]
    return " ".join(kept)
