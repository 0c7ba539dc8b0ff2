"""Comparisons, column by column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from longhand.certify.rules.operands import next_tokens
from longhand.certify.search import Transition
from longhand.text.layouts.comparisons import ComparisonLayout


class Compared(NamedTuple):
    """Behind a column: its tokens of a and b, and the last token, which says how the numbers compare so far."""

    a: int
    b: int
    last: int


class ComparisonRules:
    """What `a?b` can show. `<bos>` stands above a, `?` above b."""

    lemmas = ("the highest column in which two numbers differ tells which is the larger, a missing digit being 0",)

    def __init__(self, layout: ComparisonLayout) -> None:
        token = layout.token
        self._bos, self._eos, self._versus = layout.bos, layout.eos, token["?"]
        self._less, self._equal, self._greater = (token[sign] for sign in "<=>")
        self._digits = [token[str(digit)] for digit in range(10)]
        self._value = {id: value for value, id in enumerate(self._digits)}

    def starts(self) -> list[Compared]:
        """Before the first column."""
        return [Compared(self._versus, self._equal, self._equal)]

    def transitions(self, state: Compared) -> Iterator[Transition]:
        """The next column: a digit, or nothing above a digit that was the last."""
        for a in next_tokens(state.a, self._digits, above=self._bos, below=self._versus):
            for b in next_tokens(state.b, self._digits, above=self._versus, below=self._equal):
                yield self._column(state, a, b)

    def _column(self, state: Compared, a: int, b: int) -> Transition:
        window = (state.last, a, b, self._versus)
        x, y = self._value.get(a), self._value.get(b)
        if x is None and y is None:
            return Transition(window, self._eos, "end", None)
        difference = (x or 0) - (y or 0)
        label = self._less if difference < 0 else self._greater if difference > 0 else state.last
        if x is None or y is None:
            kind = "one number is longer"
        else:
            kind = "digits differ" if difference else "digits agree"
        return Transition(window, label, kind, Compared(a, b, label), (x, y))
