"""Where the answer stands in a text, and by which rule it was found.

A rule that finds less is weaker evidence: a number that merely came last is not an answer in a box. Callers choose
which rules count, a result always says which one held, and a strict grader takes boxes and `####` only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Literal

from longhand.errors import UserError
from longhand.olympiad.answers.parse import Percent, parse
from longhand.olympiad.answers.value import Answer, Number

Rule = Literal["boxed", "hashes", "phrase", "last number"]

STRICT: tuple[Rule, ...] = ("boxed", "hashes")
"""What whoever wrote the text marked as the answer, in a form nothing else has."""

LENIENT: tuple[Rule, ...] = ("boxed", "hashes", "phrase", "last number")
"""From the strongest rule to the weakest."""


@dataclass(frozen=True)
class Found:
    """An answer as it stands in a text, the rule that found it, and what a percent sign means."""

    text: str
    rule: Rule
    percent: Percent = "unit"

    @cached_property
    def answer(self) -> Answer:
        """What the text says."""
        return parse(self.text, self.percent)

    @property
    def value(self) -> Fraction | None:
        """The number that it is; None if it is none."""
        return self.answer.value if isinstance(self.answer, Number) else None


def extract(text: str, rules: tuple[Rule, ...] = STRICT, percent: Percent = "unit") -> Found | None:
    r"""Return the answer of a text by the first of `rules` that finds one; None if none does.

    - boxed: the last box of TeX, `\boxed{…}` or `\fbox{…}`, whose braces close; of boxes in a box the outer one.
      `\boxed 5` counts, an empty box does not, and neither does `\\boxed{5}`: two backslashes break a line.
    - hashes: what follows the last `####` on its line, as in GSM8K; headings such as `#### Step 2` only if there is
      nothing better.
    - phrase: what follows the last "the answer is" or "Answer:" in its sentence.
    - last number: the last number anywhere.

    Notes of a calculator, `<<48/2=24>>`, are no part of an answer. Raises `UserError` for a rule that does not exist.
    """
    for rule in rules:
        if rule not in _RULES:
            raise UserError(f"no rule {rule!r} to find an answer: take some of {', '.join(_RULES)}")
        found = _RULES[rule](text)
        if found is not None:
            return Found(found, rule, percent)
    return None


# In this order: a backslash takes the next character with it, so that \\boxed and \{ are neither boxes nor braces.
_TEX = re.compile(r"\\(?P<box>boxed|fbox)(?![A-Za-z])\s*(?P<open>\{)?|\\.|[{}]", re.S)
_BEGINS = re.compile(r"(?<!\\)\\+(?:boxed|fbox)")
_WITHOUT_BRACES = re.compile(r"(?:\\(?![)\]])|[^\s$\\])+")
_SENTENCE_MARKS = ".,;:!?"


def _boxed(text: str) -> str | None:
    first = _BEGINS.search(text)
    if first is None:
        return None
    found = None
    opened: list[int] = []  # where the content of each open brace begins; below 0 if it is not that of a box
    for match in _TEX.finditer(text, first.start()):
        if match["box"]:
            if match["open"]:
                opened.append(match.end())
            elif bare := _WITHOUT_BRACES.match(text, match.end()):
                found = bare[0].rstrip(_SENTENCE_MARKS) or found
        elif match[0] == "{":
            opened.append(-1)
        elif match[0] == "}" and opened:
            begin = opened.pop()
            if begin >= 0 and not text[begin : match.start()].isspace() and begin < match.start():
                found = text[begin : match.start()].strip()
    return found


_HASHES = re.compile(r"(?<!#)####(?!#)[ \t]*(?P<rest>[^\n]*\S)")
_LIKE_A_NUMBER = re.compile(r"[-+−–$€£(\\*\s]*(?:[0-9.]|d?frac)")
_HEADING = re.compile(r"[0-9]+[.):]\s+\D")


def _hashes(text: str) -> str | None:
    if "####" not in text:
        return None
    rests = [_without_notes(match["rest"]).strip() for match in _HASHES.finditer(text)]
    numbers = [rest for rest in rests if _LIKE_A_NUMBER.match(rest) and not _HEADING.match(rest)]
    return next((rest for rest in reversed(numbers or rests) if rest), None)


_PHRASE = re.compile(
    r"\b(?:answer|result)(?:\*\*|__)?\s*(?:(?:is|are|equals|=|:|was|should be|must be)(?:\*\*|__)?\s*)+"
    r"(?:(?:therefore|thus|then|simply|just|equal to|given by|:)\s*)*",
    re.I,
)
_SENTENCE = re.compile(r"(?:[^\n.;?]|\.(?=\S))*")
_REASON = re.compile(r",?\s+(?:because|since|so|as|which|where|when|for|after|if)\s", re.I)


def _phrase(text: str) -> str | None:
    found = None
    for match in _PHRASE.finditer(text):
        sentence = _SENTENCE.match(text, match.end())
        assert sentence is not None  # it may be empty
        rest = _REASON.split(_without_notes(sentence[0]), maxsplit=1)[0]
        rest = rest.strip(" \t*_`:,")
        found = (rest.rstrip("!.*_ ") if not rest.endswith("!$") else rest) or found
    return found


def _last_number(text: str) -> str | None:
    text = _without_notes(text)
    begin = len(text)
    while begin:  # from the end, in pieces that begin where a word does
        end, begin = begin, max(text.rfind(" ", 0, max(begin - _PIECE, 0)), 0)
        if numbers := _NUMBER.findall(text, begin, end):
            return str(numbers[-1])
    return None


_NUMBER = re.compile(
    r"(?:(?<![\w)\]}.])[-−])?"  # a minus sign, not that of a difference
    r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?!,?[0-9])(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|(?<![0-9])\.[0-9]+)(?:/[0-9]+)?%?"
)
_PIECE = 100  # characters
_NOTE = re.compile(r"<<[^<>\n]*>>")


def _without_notes(text: str) -> str:
    return _NOTE.sub("", text) if "<<" in text else text


_RULES: Mapping[Rule, Callable[[str], str | None]] = {
    "boxed": _boxed,
    "hashes": _hashes,
    "phrase": _phrase,
    "last number": _last_number,
}
