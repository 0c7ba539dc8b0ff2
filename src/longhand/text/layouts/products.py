"""Products: a token is written from its column in the row above, the two digits multiplied, and the last carry."""

from __future__ import annotations

from collections.abc import Sequence

from longhand.text.layouts.base import Cursor, Layout, Places, operand_rows
from longhand.text.schoolbook import ROW_END


class ProductCursor(Cursor):
    """Row after row, in each of them digit and carry by turns."""

    def __init__(self, prompt: Sequence[int], operator: int, end: int, row_end: int) -> None:
        super().__init__(prompt)
        self._a, self._b = operand_rows(operator, end)
        self._end, self._row_end, self._operator = end, row_end, operator
        self._row = 0
        self._start = end  # the delimiter before this row
        self._above: tuple[int, int] | None = None  # the delimiters before and after the row above

    def places(self) -> Places:
        """The last token, this column in the row above, the digit of a, the digit of b, the last carry, `*`."""
        written = len(self.ids) - 1 - self._start
        column = written // 2
        carry = self._start + 2 * column  # the letter after the column before, or the delimiter
        return (
            len(self.ids) - 1,
            self._above_place(column),
            self._a.place(column - self._row),
            self._b.place(self._row),
            carry,
            self._operator,
        )

    def _above_place(self, column: int) -> int:
        if self._above is None:
            return self._end
        start, stop = self._above
        return min(start + 1 + 2 * column, stop)

    def push(self, token_id: int) -> None:
        """Go on by a token; `;` begins the next row."""
        if token_id == self._row_end:
            self._above = (self._start, len(self.ids))
            self._start = len(self.ids)
            self._row += 1
        super().push(token_id)


class ProductLayout(Layout):
    """`a*b`."""

    name, operators = "product", "*"
    slots = ("last token", "this column above", "digit of a", "digit of b", "last carry", "operator")

    def cursor(self, prompt: Sequence[int]) -> Cursor:
        """A cursor after `=`."""
        return ProductCursor(prompt, *self._split(prompt), self.token[ROW_END])
