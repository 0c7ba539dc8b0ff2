"""Products, row by row; in each column first the digit, then the letter of the carry."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from longhand.certify.search import Transition
from longhand.text.layouts.products import ProductLayout
from longhand.text.schoolbook import LETTERS, ROW_END


class RowStart(NamedTuple):
    """Before the first column of a row; `before` is the delimiter there, `=` or `;`."""

    before: int


class BeforeDigit(NamedTuple):
    """Behind a column: where a stands, the digit of b, the delimiter before the row, the last letter, its carry."""

    a: int  # the token of a in the column before; `*` below its digits
    b: int
    before: int
    letter: int
    carry: int


class BeforeLetter(NamedTuple):
    """Between the digit of a column and its letter."""

    above: int
    a: int
    b: int
    before: int
    letter: int
    digit: int
    carry: int  # out of this column


class BeforeEnd(NamedTuple):
    """Behind the highest digit of a row."""

    above: int
    b: int
    before: int
    letter: int
    digit: int


class ProductRules:
    """What `a*b` can show.

    The digits of the row above are taken to be any digits: more than can happen, never less. Row i has len(a) + i + 1
    columns, so above each digit of a in a later row there is a digit, and above the highest column there is none.
    """

    lemmas = (
        "a column carries at most 9 on: 9 + 9 * 9 + 9 = 99",
        "row i has as many columns as a and i + 1 more, so the row above ends below its highest column",
        "the highest column of a row holds the carry alone, since it has no digit of a and none above",
    )

    def __init__(self, layout: ProductLayout) -> None:
        token = layout.token
        self._bos, self._eos, self._equals = layout.bos, layout.eos, layout.equals
        self._times, self._row_end = token["*"], token[ROW_END]
        self._digits = [token[str(digit)] for digit in range(10)]
        self._letters = [token[letter] for letter in LETTERS]
        self._value = {id: value for ids in (self._digits, self._letters) for value, id in enumerate(ids)}

    def starts(self) -> list[RowStart]:
        """Before the first row."""
        return [RowStart(self._equals)]

    def transitions(self, state: RowStart | BeforeDigit | BeforeLetter | BeforeEnd) -> Iterator[Transition]:
        """The next token."""
        if isinstance(state, RowStart):
            yield from self._first_column(state.before)
        elif isinstance(state, BeforeDigit):
            yield from self._column(state)
        elif isinstance(state, BeforeLetter):
            window = (state.digit, state.above, state.a, state.b, state.letter, self._times)
            letter = self._letters[state.carry]
            after = BeforeDigit(state.a, state.b, state.before, letter, state.carry)
            yield Transition(window, letter, "carry", after)
        else:
            window = (state.digit, state.above, self._bos, state.b, state.letter, self._times)
            yield Transition(window, self._row_end, "end of row", RowStart(self._row_end))

    def _first_column(self, before: int) -> Iterator[Transition]:
        if before == self._equals:  # the digits of a begin here, and nothing stands above
            for b in self._digits:
                for a in self._digits:
                    yield self._digit(before, before, a, b, before, before, 0, "first row, first column")
            return
        for above in self._digits:
            for b in self._digits:
                yield self._digit(before, above, self._times, b, before, before, 0, "later row, first column")
            window = (before, above, self._times, self._times, before, self._times)
            yield Transition(window, self._eos, "end", None)

    def _column(self, state: BeforeDigit) -> Iterator[Transition]:
        first_row = state.before == self._equals
        below = state.a == self._times
        row = "first row" if first_row else "later row"
        for above in [self._equals] if first_row else self._digits:
            for a in self._digits:
                yield self._digit(state.letter, above, a, state.b, state.letter, state.before, state.carry, row)
            if below and not first_row:
                yield self._digit(
                    state.letter, above, self._times, state.b, state.letter, state.before, state.carry, "below a"
                )
        if not below:
            above = self._equals if first_row else self._row_end
            digit = self._digits[state.carry]
            window = (state.letter, above, self._bos, state.b, state.letter, self._times)
            after = BeforeEnd(above, state.b, state.before, state.letter, digit)
            yield Transition(window, digit, "highest digit", after)

    def _digit(
        self, last: int, above: int, a: int, b: int, letter: int, before: int, carry: int, kind: str
    ) -> Transition:
        value = self._value
        product = value.get(a, 0) * value[b]
        carry, digit = divmod(value.get(above, 0) + product + carry, 10)
        label = self._digits[digit]
        window = (last, above, a, b, letter, self._times)
        return Transition(window, label, kind, BeforeLetter(above, a, b, before, letter, label, carry))
