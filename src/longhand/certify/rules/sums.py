"""Sums and signed differences, column by column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from longhand.certify.rules.operands import next_tokens
from longhand.certify.search import Transition
from longhand.text.layouts.sums import SumLayout
from longhand.text.schoolbook import COMPLEMENT

SECOND_PASS, END_OF_SECOND_PASS = "second pass", "end of second pass"


class Column(NamedTuple):
    """Behind a column: the operator, its tokens of a and b, the last token written, and the carry or borrow."""

    operator: int
    a: int
    b: int
    last: int
    carry: int


class Complement(NamedTuple):
    """Behind a column of the second pass: its digit of the first pass, the last token written, and the borrow."""

    digit: int
    last: int
    borrow: int


class SumRules:
    """What `a+b`, and with `~` in the vocabulary `a-b`, can show.

    `<bos>` stands above a, the operator above b.
    """

    def __init__(self, layout: SumLayout) -> None:
        token = layout.token
        self._bos, self._eos, self._equals = layout.bos, layout.eos, layout.equals
        self._digits = [token[str(digit)] for digit in range(10)]
        self._value = {token[str(digit)]: digit for digit in range(10)}
        self._operators = list(layout.operator_ids)
        self._plus, self._mark = token["+"], token.get(COMPLEMENT, -1)
        self.lemmas: tuple[str, ...] = ("a sum carries 0 or 1 out of a column: 9 + 9 + 1 = 19",)
        if self._mark >= 0:
            self.lemmas += (
                "a-b borrows 0 or 1 from a column: 0 - 9 - 1 = -10",
                "a borrow left over means a < b; then 0 < 10**n + a - b < 10**n, so the second pass, which takes this"
                " number from 10**n, ends with a borrow",
            )

    def starts(self) -> list[Column]:
        """Before the first column."""
        return [Column(o, o, self._equals, self._equals, 0) for o in self._operators]

    def transitions(self, state: Column | Complement) -> Iterator[Transition]:
        """The next column: a digit, or nothing above a digit that was the last."""
        if isinstance(state, Complement):
            yield from self._second_pass(state)
            return
        for a in next_tokens(state.a, self._digits, above=self._bos, below=state.operator):
            for b in next_tokens(state.b, self._digits, above=state.operator, below=self._equals):
                yield self._column(state, a, b)

    def _column(self, state: Column, a: int, b: int) -> Transition:
        operator, carry = state.operator, state.carry
        window = (state.last, a, state.a, b, state.b, operator)
        x, y = self._value.get(a), self._value.get(b)
        adds = operator == self._plus
        if x is None and y is None:
            if not carry:
                return Transition(window, self._eos, "end", None)
            if adds:
                return Transition(window, self._digits[1], "last carry", Column(operator, a, b, self._digits[1], 0))
            return Transition(window, self._mark, "borrow left over", Complement(self._equals, self._mark, 0))
        total = (x or 0) + (y or 0) + carry if adds else (x or 0) - (y or 0) - carry
        label = self._digits[total % 10]
        after = Column(operator, a, b, label, int(total > 9 or total < 0))
        return Transition(window, label, self._kind(state, x, y), after, (x, y))

    def _kind(self, state: Column, x: int | None, y: int | None) -> str:
        sign = "+" if state.operator == self._plus else "-"
        if state.last == self._equals:
            return f"{sign} first column"
        return f"{sign} column" if None not in (x, y) else f"{sign} one number is longer"

    def _second_pass(self, state: Complement) -> Iterator[Transition]:
        mark = self._mark
        for token in [*self._digits, mark]:
            window = (state.last, mark, mark, token, state.digit, mark)
            digit = self._value.get(token)
            if digit is not None:
                owed = -digit - state.borrow
                label = self._digits[owed % 10]
                after = Complement(token, label, int(owed < 0))
                yield Transition(window, label, SECOND_PASS, after, (digit, None))
            elif state.digit != self._equals and state.borrow:
                yield Transition(window, self._eos, END_OF_SECOND_PASS, None)
