"""Divisions, try by try: the type of a row, its count, its columns; then the quotient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from longhand.certify.search import Transition
from longhand.text.layouts.divisions import DivisionLayout
from longhand.text.schoolbook import LETTERS, QUOTIENT, RESTORE, TAKE


class Begin(NamedTuple):
    """Before the first token."""


class Typed(NamedTuple):
    """Behind the type of a row; `above` is the type of the row above, `=` where there is none."""

    kind: int
    above: int


class Columns(NamedTuple):
    """Behind the count or a column of a row."""

    kind: int
    above: int  # the type of the row above, `/` where a itself is above
    low: bool  # there are columns below the units of the divisor: a digit of a is to come
    left: int  # the row above in the column before; what stands below its units where there is none
    divisor: int  # the divisor in the column before
    last: int
    carry: int


class Answer(NamedTuple):
    """Behind `#` or a digit of the quotient."""

    last: int


class DivisionRules:
    """What `a/b` can show, b without zeros in front and not 0.

    The digits of what is left, the counts above and the digits of a are taken to be any: more than can happen, never
    less.
    """

    lemmas = (
        "what is left before the first try of a place is less than b times ten at that place, so b is taken away at"
        " most 9 times, and the try with count 9 borrows: no try follows it",
        "a row that restores carries 1 out of its highest column, which makes up for the borrow before it",
        "the highest digit of b stands below the highest column or in it, since b without zeros in front fits",
    )

    def __init__(self, layout: DivisionLayout) -> None:
        token = layout.token
        self._bos, self._eos, self._equals = layout.bos, layout.eos, layout.equals
        self._over, self._take, self._restore = token["/"], token[TAKE], token[RESTORE]
        self._quotient = token[QUOTIENT]
        self._digits = [token[str(digit)] for digit in range(10)]
        self._letters = [token[letter] for letter in LETTERS]
        self._value = {id: value for ids in (self._digits, self._letters) for value, id in enumerate(ids)}

    def starts(self) -> list[Begin]:
        """Before the first token."""
        return [Begin()]

    def transitions(self, state: Begin | Typed | Columns | Answer) -> Iterator[Transition]:
        """The next token."""
        if isinstance(state, Begin):
            window = (*[self._equals] * 7, self._over)
            yield Transition(window, self._take, "first type", Typed(self._take, self._equals))
        elif isinstance(state, Typed):
            yield from self._counts(state)
        elif isinstance(state, Columns):
            yield from self._columns(state)
        else:
            yield from self._answers(state.last)

    def _counts(self, state: Typed) -> Iterator[Transition]:
        kind, above = state
        first = above == self._equals
        below = self._over if first else above
        letters = self._letters
        for value, count in [(0, self._equals)] if first else enumerate(letters):
            if kind == self._restore:
                label = count
            elif above != self._take:
                label = letters[0]
            elif value == 9:
                continue  # the tenth try of a place borrows
            else:
                label = letters[value + 1]
            after = Columns(kind, below, False, below, self._equals, label, 0)
            yield Transition((*[kind] * 5, above, count, self._over), label, "count", after)

    def _columns(self, state: Columns) -> Iterator[Transition]:
        for divisor in self._next_of_divisor(state):
            for left in self._next_left(state, divisor):
                yield self._column(state, left, divisor)
        if state.divisor in self._value or (state.divisor == self._over and state.above != self._over):
            yield from self._end_of_row(state)

    def _next_of_divisor(self, state: Columns) -> list[int]:
        """What may stand in the divisor: nothing yet, a digit, or, but not where a is above, nothing more."""
        if state.divisor == self._equals:
            return [self._equals, *self._digits]
        if state.divisor == self._over:
            return [self._over]
        return self._digits if state.above == self._over else [*self._digits, self._over]

    def _next_left(self, state: Columns, divisor: int) -> list[int]:
        """What may be left: any digit; or nothing, where a is above, has ended, and b has more digits than it."""
        if state.left == self._bos:
            return [self._bos] if divisor in self._value else []
        longer = state.above == self._over and not state.low and state.divisor in self._value and divisor in self._value
        return [*self._digits, self._bos] if longer else self._digits

    def _column(self, state: Columns, left: int, divisor: int) -> Transition:
        window = (state.last, left, state.left, divisor, state.divisor, state.kind, state.last, self._over)
        taken = self._value.get(divisor, 0) + state.carry
        takes = state.kind == self._take
        total = self._value.get(left, 0) + (-taken if takes else taken)
        label = self._digits[total % 10]
        low = state.low or divisor == self._equals
        after = Columns(state.kind, state.above, low, left, divisor, label, int(total < 0 or total > 9))
        return Transition(window, label, "column that takes" if takes else "column that restores", after)

    def _end_of_row(self, state: Columns) -> Iterator[Transition]:
        kind = state.kind
        highest = self._bos if state.above == self._over else kind
        for further in self._digits if state.low else [self._over]:
            if kind == self._take:
                label = self._restore if state.carry else self._take
            else:
                label = self._take if state.low else self._quotient
            window = (state.last, highest, state.left, self._over, state.divisor, kind, further, self._over)
            after = Answer(label) if label == self._quotient else Typed(label, kind)
            yield Transition(window, label, "end of row", after)

    def _answers(self, last: int) -> Iterator[Transition]:
        for count, label in zip(self._letters, self._digits, strict=True):
            window = (*[last] * 6, count, self._over)
            yield Transition(window, label, "quotient", Answer(label))
        if last != self._quotient:
            yield Transition((*[last] * 6, self._quotient, self._over), self._eos, "end", None)
