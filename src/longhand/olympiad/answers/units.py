"""Words after a number: units, which say nothing about its value, and those that change it."""

from __future__ import annotations

from fractions import Fraction

MULTIPLES = {
    "dozen": 12,
    "hundred": 100,
    "thousand": 1000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
"""Words that multiply the number before them."""

PER_CENT = Fraction(1, 100)

_SHORT_UNITS = """
mm cm dm km in ft yd mi mg kg lb lbs oz ml mL cl dl gal qt pt cc sq cu ha kW Hz deg rad mph kph kmh ms sec secs min
mins hr hrs day days am pm AM PM men boy boys cup cups box USD EUR GBP pp st nd rd th
"""
_CHANGE_THE_VALUE = """
above about all almost and approx approximately below between but cubed divided equals exactly factorial greater half
halves infinity least less log max min minus mod modulo most not or over plus quarter quarters remainder root sin sqrt
squared tan than then to undefined versus where zero
third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth sixteenth twentieth hundredth thousandth millionth
thirds fourths fifths sixths sevenths eighths ninths tenths elevenths twelfths sixteenths twentieths hundredths
thousandths millionths
"""
_SHORT = frozenset(_SHORT_UNITS.split())
_NO_UNIT = frozenset(_CHANGE_THE_VALUE.split())


def is_unit(word: str, upright: bool, after_space: bool) -> bool:
    """Whether a word right after a number is a unit.

    What LaTeX sets upright is one. In a formula `5m` and `2ab` are products, so that of the other words only known
    short ones count, and any of four letters or more after a space, as in `5 apples`.
    """
    if word.lower() in _NO_UNIT and word not in _SHORT:
        return False
    return upright or word in _SHORT or (after_space and len(word) >= 4)


def may_follow(word: str) -> bool:
    """Whether a word may stand behind a unit, as `of` does in `5 slices of cake`."""
    return word.lower() not in _NO_UNIT and word.lower() not in MULTIPLES
