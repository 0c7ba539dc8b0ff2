"""Comparisons: a token is written from its column and itself."""

from __future__ import annotations

from collections.abc import Sequence

from longhand.text.layouts.base import Cursor, Layout, Places, operand_rows


class ComparisonCursor(Cursor):
    """Column after column; the `=` of the prompt says as well that the numbers are equal so far."""

    def __init__(self, prompt: Sequence[int], operator: int, end: int) -> None:
        super().__init__(prompt)
        self._operator, self._end = operator, end
        self._a, self._b = operand_rows(operator, end)

    def places(self) -> Places:
        """The last token, the digits of both numbers in this column, and the operator."""
        last = len(self.ids) - 1
        k = last - self._end
        return (last, self._a.place(k), self._b.place(k), self._operator)


class ComparisonLayout(Layout):
    """`a?b`."""

    name, operators = "compare", "?"
    slots = ("last token", "a, this column", "b, this column", "operator")

    def cursor(self, prompt: Sequence[int]) -> Cursor:
        """A cursor after `=`."""
        return ComparisonCursor(prompt, *self._split(prompt))
