"""The layouts by name."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Literal

from longhand.text.layouts.base import Layout
from longhand.text.layouts.comparisons import ComparisonLayout
from longhand.text.layouts.divisions import DivisionLayout
from longhand.text.layouts.products import ProductLayout
from longhand.text.layouts.sums import SignedLayout, SumLayout
from longhand.text.layouts.union import UnionLayout
from longhand.text.presets import vocabulary

LayoutName = Literal["sum", "signed", "product", "division", "compare", "schoolbook"]

_KINDS: Mapping[LayoutName, tuple[type[Layout], str]] = {
    "sum": (SumLayout, "sum_rows"),
    "signed": (SignedLayout, "signed_rows"),
    "product": (ProductLayout, "product_rows"),
    "division": (DivisionLayout, "division_rows"),
    "compare": (ComparisonLayout, "compare_rows"),
    "schoolbook": (UnionLayout, "schoolbook"),
}


@cache
def layout(name: LayoutName) -> Layout:
    """The layout of this name, with the vocabulary its rows are spelled with."""
    kind, words = _KINDS[name]
    return kind(vocabulary(words))
