"""Numbers to digits and back, of any length.

Python refuses to convert more than 4,300 digits at a time (CVE-2020-10735), since that takes the square of their
number; halves are converted here until they are short, which takes about its 1.6th power.
"""

from __future__ import annotations

SHORT = 4000
"""Digits that Python converts at once."""


def parse_int(digits: str) -> int:
    """The number that ASCII digits spell, with a sign or none."""
    if len(digits) <= SHORT:
        return int(digits)
    if digits[0] == "-":
        return -parse_int(digits[1:])
    half = len(digits) // 2
    high, low = parse_int(digits[:-half]), parse_int(digits[-half:])
    power: int = 10**half
    return high * power + low


def write_int(number: int) -> str:
    """The digits of a number, with its sign if it is negative."""
    if number.bit_length() <= 3 * SHORT:
        return str(number)
    if number < 0:
        return f"-{write_int(-number)}"
    half = number.bit_length() * 3 // 20  # of its digits, about: a bit is 0.301 of one
    high, low = divmod(number, 10**half)
    return write_int(high) + write_int(low).zfill(half)
