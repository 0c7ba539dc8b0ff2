"""All four operators at once: each by its own layout, the slots it lacks filled with the last token."""

from __future__ import annotations

from collections.abc import Sequence

from longhand.text.layouts.base import Cursor, Layout, Places
from longhand.text.layouts.divisions import DivisionLayout
from longhand.text.layouts.products import ProductLayout
from longhand.text.layouts.sums import SignedLayout
from longhand.text.vocabulary import Vocabulary


class WideCursor(Cursor):
    """A cursor with more slots than it needs; the operator stays the last."""

    def __init__(self, inner: Cursor, n_slots: int) -> None:
        super().__init__(())
        self.ids = inner.ids
        self._inner, self._n_slots = inner, n_slots

    def places(self) -> Places:
        """The places of the layout of the operator, with the last token in between."""
        *places, operator = self._inner.places()
        return (*places, *[places[0]] * (self._n_slots - 1 - len(places)), operator)

    def push(self, token_id: int) -> None:
        """Go on by a token."""
        self._inner.push(token_id)


class UnionLayout(Layout):
    """`a+b`, `a-b`, `a*b` and `a/b`."""

    name, operators = "schoolbook", "+-*/"
    slots = ("last token", *(f"slot {i}" for i in range(2, 8)), "operator")

    def __init__(self, vocabulary: Vocabulary) -> None:
        super().__init__(vocabulary)
        self.sums, self.products = SignedLayout(vocabulary), ProductLayout(vocabulary)
        self.divisions = DivisionLayout(vocabulary)
        layouts = (self.sums, self.products, self.divisions)
        self._of = {operator: layout for layout in layouts for operator in layout.operators}

    def cursor(self, prompt: Sequence[int]) -> Cursor:
        """A cursor after `=`."""
        operator, _ = self._split(prompt)
        layout = self._of[self.operator_ids[prompt[operator]]]
        return WideCursor(layout.cursor(prompt), len(self.slots))
