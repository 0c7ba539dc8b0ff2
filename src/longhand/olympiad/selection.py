"""Choosing one of several candidates for a problem: the interface, a majority, and a majority of what passes checks."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from longhand.olympiad.answers.contest import LARGEST
from longhand.olympiad.answers.parse import parse
from longhand.olympiad.answers.value import Number
from longhand.olympiad.votes import Candidate, Weight, by_logprob, one_each, vote

SELECTORS = ("majority", "by-logprob", "checked")
"""The names `selector_of` knows: a majority, weighted by how sure the model was, or of what passes the checks."""
Verifier = Callable[[str, Candidate], bool]
"""Whether a candidate can be right about a problem (the text of it)."""


class Selector(Protocol):
    """Chooses a candidate; a trained one (GenSelect) has the same interface."""

    def select(self, problem: str, candidates: Sequence[Candidate]) -> Candidate | None:
        """The candidate to answer with; None if none has an answer."""
        ...


@dataclass(frozen=True, slots=True)
class Majority:
    """The answer with the most weight; see `vote`."""

    weight: Weight = one_each

    def select(self, problem: str, candidates: Sequence[Candidate]) -> Candidate | None:
        """The surest candidate of the answer that wins."""
        return vote(candidates, self.weight).winner


@dataclass(frozen=True, slots=True)
class Verified:
    """The majority among those that pass every verifier, or among all if none does: an answer beats no answer."""

    verifiers: tuple[Verifier, ...]
    weight: Weight = one_each

    def select(self, problem: str, candidates: Sequence[Candidate]) -> Candidate | None:
        """The surest candidate of the answer that wins."""
        valid = [candidate for candidate in candidates if candidate.answer is not None]
        passed = [one for one in valid if all(verifier(problem, one) for verifier in self.verifiers)]
        return vote(passed or valid, self.weight).winner


def selector_of(name: str) -> Selector:
    """The selector of one of these names; all of them are quick."""
    selectors: dict[str, Selector] = {
        "majority": Majority(),
        "by-logprob": Majority(by_logprob),
        "checked": Verified((constraint_check,)),
    }
    return selectors[name]


def constraint_check(problem: str, candidate: Candidate) -> bool:
    """Whether an answer is whole, from 0 to 99999, and below the modulus if the problem asks for a remainder."""
    answer = candidate.answer
    if not isinstance(answer, int | Fraction) or answer != int(answer) or not 0 <= answer <= LARGEST:
        return False
    modulus = asked_modulus(problem)
    return modulus is None or answer < modulus


_ASKED = re.compile(
    r"\b(?:what\s+is|find|determine|compute|calculate|evaluate|give|report)\s+(?:the\s+value\s+of\s+)?"
    r"(?:the\s+remainder\b|(?:your|the)\s+(?:final\s+)?answer\s+modulo\b)",
    re.I,
)
_BY = re.compile(r"\b(?:divided\s+by|modulo)\b", re.I)
_ENDS = re.compile(r"(?<=[.?!])\s+")
_FORMULA = re.compile(r"\s*(?:\$([^$]+)\$|\\\((.+?)\\\)|([0-9](?:[0-9^{}]|,[0-9])*))", re.S)


def asked_modulus(problem: str) -> int | None:
    """The m of "what is the remainder when … is divided by m", if that is what the problem asks for.

    A number that leaves a remainder of 3 when divided by 7 may itself be large, so that only a remainder that is asked
    for counts. Where several divisions stand in that sentence the largest m is taken, which excludes the least; None
    when there is none, or one that cannot be read.
    """
    for sentence in reversed(_ENDS.split(problem)):
        if asked := _ASKED.search(sentence):
            moduli = [_whole(sentence, by.end()) for by in _BY.finditer(sentence, asked.start())]
            return max((m for m in moduli if m is not None), default=None) if None not in moduli else None
    return None


def _whole(text: str, place: int) -> int | None:
    """The whole number from 1 that stands at a place of a problem."""
    formula = _FORMULA.match(text, place)
    value = parse(next(filter(None, formula.groups()))) if formula else None
    if isinstance(value, Number) and value.value.denominator == 1 and value.value > 0:
        return value.value.numerator
    return None
