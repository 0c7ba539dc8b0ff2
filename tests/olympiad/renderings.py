"""The ways people and models write one and the same number."""

from __future__ import annotations

from fractions import Fraction


def renderings(x: Fraction) -> list[str]:
    """Spellings of a number that all say exactly this number."""
    a, b = x.numerator, x.denominator
    sign, size = "-" if a < 0 else "", abs(a)
    spelled = [rf"{sign}\frac{{{size}}}{{{b}}}", rf"\dfrac{{{a}}}{{{b}}}", f"{a}/{b}", rf"\frac{{{6 * a}}}{{{6 * b}}}"]
    spelled += [rf"\left(\frac{{{-a}}}{{{-b}}}\right)", rf"x = \tfrac{{{a}}}{{{b}}}", rf"{a} \div {b}", f"{a}⁄{b}"]
    if size < 10 and b < 10:
        spelled.append(rf"{sign}\frac{size}{b}")
    if b == 1:
        grouped = f"{size:,}"
        spelled += [str(a), f"{sign}{grouped}", f"{a}.00", f"−{size}" if a < 0 else f"+{size}", f"{sign}${grouped}"]
        spelled += [sign + grouped.replace(",", "{,}"), sign + grouped.replace(",", r"\,"), rf"{sign}\${grouped}"]
        spelled += [rf"{a} \text{{ km}}", f"{a} apples", rf"{a}^\circ", rf"\text{{{a}}}", rf"{a} + 7 - 7", f"{{{a}}}"]
    elif size > b:
        spelled += [rf"{sign}{size // b}\frac{{{size % b}}}{{{b}}}", f"{sign}{size // b} {size % b}/{b}"]
    return spelled + decimals(x)


def decimals(x: Fraction) -> list[str]:
    """The decimal of a number, with a bar over what repeats; nothing if the period is long."""
    sign, rest = "-" if x < 0 else "", abs(x)
    whole, rest = divmod(rest, 1)
    digits, seen = "", dict[Fraction, int]()
    while rest and rest not in seen:
        if len(digits) > 40:
            return []
        seen[rest] = len(digits)
        digit, rest = divmod(10 * rest, 1)
        digits += str(digit)
    if rest:
        begin = seen[rest]
        return [rf"{sign}{whole}.{digits[:begin]}\overline{{{digits[begin:]}}}"]
    return [f"{sign}{whole}.{digits or '0'}", f"{sign}{whole}.{digits or '0'}0"]
