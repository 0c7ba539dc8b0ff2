"""Quantities with units: the typed expression trees that word problems are made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import Literal

Unit = tuple[tuple[str, int], ...]
Operator = Literal["+", "-", "*", "/"]

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}
NO_UNIT: Unit = ()


class UnitError(TypeError):
    """A template that adds pens and dollars: a mistake in the template, not in the numbers."""


@lru_cache(maxsize=4096)
def unit(text: str) -> Unit:
    """A unit from its text: `pen`, `dollar/hour`, `metre*metre`, and the empty text for plain numbers."""
    over, _, under = text.partition("/")
    powers: dict[str, int] = {}
    for names, sign in ((over, 1), (under, -1)):
        for name in filter(None, (part.strip() for part in names.split("*"))):
            powers[name] = powers.get(name, 0) + sign
    return _without_zeros(powers)


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with a unit, written as it stands (`operator` None) or worked out of two others.

    The sum and the difference of different units is a `UnitError`; products and quotients have the product and the
    quotient of the units.
    """

    value: Fraction
    unit: Unit = NO_UNIT
    operator: Operator | None = None
    parts: tuple[Quantity, ...] = field(default=(), compare=False)

    def __add__(self, other: Quantity) -> Quantity:
        return _combine("+", self, other, self.value + other.value, _same(self, other))

    def __sub__(self, other: Quantity) -> Quantity:
        return _combine("-", self, other, self.value - other.value, _same(self, other))

    def __mul__(self, other: Quantity | int) -> Quantity:
        right = plain(other) if isinstance(other, int) else other
        return _combine("*", self, right, self.value * right.value, _product(self.unit, right.unit, 1))

    def __truediv__(self, other: Quantity | int) -> Quantity:
        right = plain(other) if isinstance(other, int) else other
        return _combine("/", self, right, self.value / right.value, _product(self.unit, right.unit, -1))

    def of(self, name: str) -> Quantity:
        """The same number as a quantity of another unit, where the story says so (children and adults are people)."""
        return Quantity(self.value, unit(name), self.operator, self.parts)

    def known(self) -> Quantity:
        """The quantity as later steps write it: its value alone."""
        return Quantity(self.value, self.unit)

    @property
    def is_whole(self) -> bool:
        """Whether the value is a whole number."""
        return self.value.denominator == 1

    def expression(self, signs: dict[str, str] | None = None) -> str:
        """The tree as text with the brackets it needs; `signs` writes operators otherwise."""
        return _write(self, signs or {})

    def __str__(self) -> str:
        return decimal_text(self.value)


def plain(value: int | Fraction, name: str = "") -> Quantity:
    """A quantity as it stands."""
    return Quantity(Fraction(value), unit(name))


def decimal_text(value: Fraction) -> str:
    """A fraction as a finite decimal without needless zeros; raises `ValueError` if it has none."""
    places = decimal_places(value)
    if places is None:
        raise ValueError(f"{value} is no finite decimal")
    if places == 0:
        return str(value.numerator)
    sign, digits = ("-" if value < 0 else ""), str(abs(int(value * 10**places))).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}"


def decimal_places(value: Fraction, most: int = 6) -> int | None:
    """How many decimals a fraction needs; None if more than `most` do not suffice."""
    for places in range(most + 1):
        if 10**places % value.denominator == 0:
            return places
    return None


def _write(quantity: Quantity, signs: dict[str, str]) -> str:
    if quantity.operator is None:
        return decimal_text(quantity.value)
    left, right = quantity.parts
    mine = _PRECEDENCE[quantity.operator]
    left_text, right_text = _write(left, signs), _write(right, signs)
    if left.operator and _PRECEDENCE[left.operator] < mine:
        left_text = f"({left_text})"
    if right.operator and (_PRECEDENCE[right.operator] < mine or (_PRECEDENCE[right.operator] == mine)):
        right_text = f"({right_text})"
    return left_text + signs.get(quantity.operator, quantity.operator) + right_text


def _combine(operator: Operator, left: Quantity, right: Quantity, value: Fraction, of: Unit) -> Quantity:
    return Quantity(value, of, operator, (left, right))


def _same(left: Quantity, right: Quantity) -> Unit:
    if left.unit != right.unit:
        raise UnitError(f"{left.unit} and {right.unit} cannot be added or compared")
    return left.unit


@lru_cache(maxsize=4096)
def _product(left: Unit, right: Unit, sign: int) -> Unit:
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + sign * power
    return _without_zeros(powers)


def _without_zeros(powers: dict[str, int]) -> Unit:
    return tuple(sorted((name, power) for name, power in powers.items() if power))
