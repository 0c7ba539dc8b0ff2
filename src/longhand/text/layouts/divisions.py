"""Divisions: a token is written from its column in the row above and in the divisor, and from the type of its row."""

from __future__ import annotations

from collections.abc import Sequence

from longhand.text.layouts.base import Cursor, Layout, Places, operand_rows
from longhand.text.schoolbook import QUOTIENT, RESTORE, TAKE


class DivisionCursor(Cursor):
    """Try after try: a type, a count and the digits of what is left; then the quotient."""

    def __init__(self, prompt: Sequence[int], operator: int, end: int, layout: DivisionLayout) -> None:
        super().__init__(prompt)
        self._layout = layout
        self._operator, self._end = operator, end
        self._a, self._b = operand_rows(operator, end)
        self._width = max(self._a.length, self._b.length)
        self._shift = max(self._a.length - self._b.length, 0)
        self._start = end + 1  # the place of the type of this row
        self._above: int | None = None  # that of the row above
        self._restored: list[int] = []  # the places of the counts of the rows that restore
        self._quotient: int | None = None  # the place of #

    def places(self) -> Places:
        """The last token, this column above and the one before, the same of b, the type of the row, and one more.

        That one is what a type or count follows from: the digit of a that comes next, or the count above.
        """
        last = len(self.ids) - 1
        if self._quotient is not None:
            k = last - self._quotient
            count = self._restored[k] if k < len(self._restored) else self._quotient
            return (last, last, last, last, last, last, count, self._operator)
        written = last + 1 - self._start
        if written == 0 and last == self._end:  # nothing has been written
            return (last, last, last, last, last, last, last, self._operator)
        if written == 1:
            above = (last - 1, last - 1) if self._above is None else (self._above, self._above + 1)
            return (last, last, last, last, last, *above, self._operator)
        j = written - 2
        further = self._a.place(self._shift - 1) if j == self._width else last
        return (
            last,
            self._above_place(j),
            self._above_place(j - 1),
            self._b.place(j - self._shift),
            self._b.place(j - self._shift - 1),
            self._start,
            further,
            self._operator,
        )

    def _above_place(self, j: int) -> int:
        if self._above is None:
            return self._a.place(j)
        if j < 0:
            return self._above
        return min(self._above + 2 + j, self._start)

    def push(self, token_id: int) -> None:
        """Go on by a token; a type after the last column begins the next row, and `#` the quotient."""
        layout, place = self._layout, len(self.ids)
        if self._quotient is None and place == self._start + 2 + self._width:
            if self.ids[self._start] == layout.restore:
                self._restored.append(self._start + 1)
                self._shift -= token_id != layout.restore
            if token_id == layout.quotient:
                self._quotient = place
            self._above, self._start = self._start, place
        super().push(token_id)


class DivisionLayout(Layout):
    """`a/b` with quotient and remainder."""

    name, operators = "division", "/"
    slots = (
        "last token",
        "what is left, this column",
        "what is left, column before",
        "divisor, this column",
        "divisor, column before",
        "type of the row",
        "count above, or next digit of a",
        "operator",
    )

    def cursor(self, prompt: Sequence[int]) -> Cursor:
        """A cursor after `=`."""
        return DivisionCursor(prompt, *self._split(prompt), self)

    @property
    def take(self) -> int:
        """The type of a row that takes the divisor away."""
        return self.token[TAKE]

    @property
    def restore(self) -> int:
        """The type of a row that adds it again."""
        return self.token[RESTORE]

    @property
    def quotient(self) -> int:
        """The token before the quotient."""
        return self.token[QUOTIENT]
