"""What is proved of each layout, in words: no certificate says more."""

from __future__ import annotations

from collections.abc import Mapping

CLAIMS: Mapping[str, str] = {
    "sum": "for all whole numbers a, b >= 0 of any length, greedy decoding of `a+b=` in float64 writes the digits"
    " of a+b",
    "signed": "for all whole numbers a, b >= 0 of any length, greedy decoding of `a+b=` and `a-b=` in float64 writes"
    " rows that end in a+b, and in a-b with its sign",
    "product": "for all whole numbers a, b >= 0 of any length, greedy decoding of `a*b=` in float64 writes rows that"
    " end in a*b",
    "division": "for all whole numbers a >= 0 and b >= 1 of any length, b written without zeros in front, greedy"
    " decoding of `a/b=` in float64 writes rows that end in the quotient and the remainder",
    "compare": "for all whole numbers a, b >= 0 of any length, greedy decoding of `a?b=` in float64 writes signs of"
    " which the last is <, = or > as a is less than b, equal to it or greater",
    "schoolbook": "for all whole numbers a, b >= 0 of any length, greedy decoding in float64 of `a+b=`, `a-b=`, `a*b=`"
    " and, where b >= 1 is written without zeros in front, `a/b=` writes rows that end in the sum, the difference with"
    " its sign, the product, and the quotient with its remainder",
}
