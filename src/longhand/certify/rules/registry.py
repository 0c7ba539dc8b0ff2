"""The automaton of each layout."""

from __future__ import annotations

from functools import cache

from longhand.certify.rules.comparisons import ComparisonRules
from longhand.certify.rules.divisions import DivisionRules
from longhand.certify.rules.products import ProductRules
from longhand.certify.rules.sums import SumRules
from longhand.certify.rules.union import UnionRules
from longhand.certify.search import Rules, WindowList, list_windows
from longhand.errors import UserError
from longhand.text.layouts.base import Layout
from longhand.text.layouts.comparisons import ComparisonLayout
from longhand.text.layouts.divisions import DivisionLayout
from longhand.text.layouts.products import ProductLayout
from longhand.text.layouts.registry import LayoutName, layout
from longhand.text.layouts.sums import SumLayout
from longhand.text.layouts.union import UnionLayout


def rules_of(rows: Layout) -> Rules:
    """The automaton of a layout; raises `UserError` for one that nothing is known of."""
    if isinstance(rows, SumLayout):
        return SumRules(rows)
    if isinstance(rows, ProductLayout):
        return ProductRules(rows)
    if isinstance(rows, DivisionLayout):
        return DivisionRules(rows)
    if isinstance(rows, ComparisonLayout):
        return ComparisonRules(rows)
    if isinstance(rows, UnionLayout):
        return UnionRules(rows)
    raise UserError(f"nothing is known of the layout {rows.name!r}: its windows cannot be listed")


@cache
def windows_of(name: LayoutName) -> WindowList:
    """Every window of a layout; searched for once."""
    return list_windows(rules_of(layout(name)))
