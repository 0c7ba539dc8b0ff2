"""Sums, and differences with a sign: a token is written from its column, the column before, and itself."""

from __future__ import annotations

from collections.abc import Sequence

from longhand.text.layouts.base import Cursor, Layout, Places, Row, operand_rows
from longhand.text.schoolbook import COMPLEMENT


class SumCursor(Cursor):
    """Column after column; after `~` the digits written so far are gone through once more."""

    def __init__(self, prompt: Sequence[int], operator: int, end: int, complement: int | None) -> None:
        super().__init__(prompt)
        self._operator, self._end, self._complement = operator, end, complement
        self._a, self._b = operand_rows(operator, end)
        self._first = end + 1  # the place of the first token of this pass
        self._mark: int | None = None  # the place of ~

    def places(self) -> Places:
        """The last token, the digits of both numbers in this column and in the one before, and the operator."""
        k = len(self.ids) - self._first
        if self._mark is None:
            a, b = self._a, self._b
            return (len(self.ids) - 1, a.place(k), a.place(k - 1), b.place(k), b.place(k - 1), self._operator)
        written = Row(self._end, self._mark - self._end - 1, 1)
        return (len(self.ids) - 1, self._mark, self._mark, written.place(k), written.place(k - 1), self._mark)

    def push(self, token_id: int) -> None:
        """Go on by a token; the first `~` begins the second pass."""
        if token_id == self._complement and self._mark is None:
            self._mark = len(self.ids)
            self._first = self._mark + 1
        super().push(token_id)


class SumLayout(Layout):
    """`a+b`."""

    name, operators = "sum", "+"
    slots = ("last token", "a, this column", "a, column before", "b, this column", "b, column before", "operator")

    def cursor(self, prompt: Sequence[int]) -> Cursor:
        """A cursor after `=`."""
        return SumCursor(prompt, *self._split(prompt), self.token.get(COMPLEMENT))


class SignedLayout(SumLayout):
    """`a+b`, and `a-b` with a sign: where a borrow is left over, `~` and a second pass make the size of the answer."""

    name, operators = "signed", "+-"
