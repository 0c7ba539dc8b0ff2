"""Arithmetic on fractions that refuses what would fill the memory, instead of beginning it.

`9^{9^{9}}` and `100000!` are short to write. Every result here has at most `MAX_BITS` bits above and below the line,
and the size is known before the work is done or stops it on the way. Nothing is ever rounded.
"""

from __future__ import annotations

from fractions import Fraction
from math import isqrt

MAX_BITS = 4096
"""The largest numerator and denominator: about 1,200 digits."""

MAX_DIGITS = 1000
"""The longest number that is read, in digits; Python itself refuses from 4,300."""


class NotANumberError(ValueError):
    """An answer that has no exact value, and why."""


def checked(value: Fraction) -> Fraction:
    """The value itself; raises `NotANumberError` if it is too large."""
    if value.numerator.bit_length() > MAX_BITS or value.denominator.bit_length() > MAX_BITS:
        raise NotANumberError(f"larger than {MAX_BITS} bits")
    return value


def literal(digits: str, decimals: str = "", exponent: int = 0) -> Fraction:
    """The number `digits.decimals` times ten to the `exponent`, from its digits."""
    if len(digits) + len(decimals) > MAX_DIGITS or abs(exponent) > MAX_DIGITS:
        raise NotANumberError(f"longer than {MAX_DIGITS} digits")
    value = Fraction(int(digits + decimals or "0"))
    if not decimals and not exponent:
        return value
    scale = exponent - len(decimals)
    return checked(value * 10**scale if scale >= 0 else value / 10**-scale)


def divide(above: Fraction, below: Fraction) -> Fraction:
    """`above / below`."""
    if below == 0:
        raise NotANumberError("a division by zero")
    return checked(above / below)


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """`base ^ exponent`, where that is a fraction: a broken exponent takes an exact root."""
    if exponent.denominator != 1:
        base = root(base, exponent.denominator)
    times = abs(exponent.numerator)
    if exponent < 0:
        base = divide(Fraction(1), base)
    elif base == 0 and times == 0:
        raise NotANumberError("0^0")
    size = max(base.numerator.bit_length(), base.denominator.bit_length())
    # A number of `size` bits is at least 2^(size - 1): a power that is refused here would be refused when it is done.
    if (size - 1) * times > MAX_BITS:
        raise NotANumberError(f"larger than {MAX_BITS} bits")
    return checked(Fraction(base.numerator**times, base.denominator**times))


def root(value: Fraction, degree: int) -> Fraction:
    """The real root of a degree from 1, where it is a fraction; the even ones are those from 0."""
    if value < 0:
        if degree % 2 == 0:
            raise NotANumberError("an even root of a negative number")
        return -root(-value, degree)
    above, below = _integer_root(value.numerator, degree), _integer_root(value.denominator, degree)
    if above is None or below is None:
        raise NotANumberError("a root that is no fraction")
    return Fraction(above, below)


def _integer_root(n: int, degree: int) -> int | None:
    """The whole `degree`-th root of n ≥ 0, or None."""
    if n < 2 or degree == 1:
        return n
    if degree == 2:
        found = isqrt(n)
        return found if found * found == n else None
    if degree >= n.bit_length():  # the root lies between 1 and 2
        return None
    low, high = 1, 1 << -(-n.bit_length() // degree)
    while low < high:  # the largest number whose power is at most n
        middle = (low + high + 1) // 2
        low, high = (middle, high) if middle**degree <= n else (low, middle - 1)
    return low if low**degree == n else None


def factorial(n: Fraction) -> Fraction:
    """`n!` of a whole number from 0."""
    if n.denominator != 1 or n < 0:
        raise NotANumberError("a factorial of what is no whole number from 0")
    product, factor = 1, 1
    while factor < n:
        factor += 1
        product *= factor
        if product.bit_length() > MAX_BITS:
            raise NotANumberError(f"larger than {MAX_BITS} bits")
    return Fraction(product)


def binomial(n: Fraction, k: Fraction) -> Fraction:
    """The number of ways to choose `k` of `n`; 0 where k lies outside of 0 to n."""
    if n.denominator != 1 or k.denominator != 1 or n < 0:
        raise NotANumberError("a binomial of what are no whole numbers")
    if not 0 <= k <= n:
        return Fraction(0)
    whole, fewer, chosen = int(n), int(min(k, n - k)), 1
    for i in range(fewer):  # while 2i < n this at least doubles every other step, so it is refused early or done soon
        chosen = chosen * (whole - i) // (i + 1)
        if chosen.bit_length() > MAX_BITS:
            raise NotANumberError(f"larger than {MAX_BITS} bits")
    return Fraction(chosen)


def remainder(value: Fraction, modulus: Fraction) -> Fraction:
    """`value mod modulus`, from 0 to below the modulus, of whole numbers."""
    if value.denominator != 1 or modulus.denominator != 1 or modulus <= 0:
        raise NotANumberError("a remainder of what are no whole numbers")
    return value % modulus
