"""The value of an expression by recursive descent: exact, bounded, and refused where it can be read in two ways."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil, floor

from longhand.olympiad.answers.bounded import (
    NotANumberError,
    binomial,
    checked,
    divide,
    factorial,
    literal,
    power,
    remainder,
    root,
)
from longhand.olympiad.answers.tokens import Token
from longhand.olympiad.answers.units import MULTIPLES, PER_CENT, is_unit, may_follow

MAX_NESTING = 50
"""How deep brackets, fractions and powers may stand in one another."""

_END = Token("end", "")
_BRACKETS = {"(": ")", "[": "]", "{": "}", r"\lfloor": r"\rfloor", r"\lceil": r"\rceil", r"\lvert": r"\rvert"}
_BEGINS_A_FACTOR = frozenset(["(", "[", r"\frac", r"\binom", r"\sqrt", r"\lfloor", r"\lceil", r"\lvert"])


class Expression:
    r"""Reads the value of tokens.

        sum     = term (("+" | "-") term)*
        term    = sign* factor (("*" | "/" | "\bmod" | nothing) sign* factor)*
        factor  = (number | bracket | fraction | binomial | root) ("!" | "^" exponent)*

    Behind the sum there may be units. With `percent_is_hundredth` a percent sign divides by 100.
    """

    def __init__(self, tokens: Sequence[Token], percent_is_hundredth: bool = False) -> None:
        self.tokens, self.place, self.nesting = [*tokens, _END], 0, 0
        self.percent_is_hundredth = percent_is_hundredth

    def number(self) -> Fraction:
        """Return the value of all tokens; raises `NotANumberError`."""
        if self._next.kind == "end":
            raise NotANumberError("nothing")
        value = self._sum()
        if self._next.kind != "end":
            value = self._units(value)
        if self._next.kind != "end":
            raise NotANumberError(f"{self._next.text!r} behind a number")
        return value

    @property
    def _next(self) -> Token:
        return self.tokens[self.place]

    def _takes(self, *texts: str) -> str:
        """Step over the next token if it is one of these signs and return it, or else nothing."""
        token = self.tokens[self.place]
        if token.kind == "sign" and token.text in texts:
            self.place += 1
            return token.text
        return ""

    def _says(self, *words: str) -> bool:
        """Step over these words if they come next."""
        tokens = self.tokens[self.place : self.place + len(words)]
        if all(token.kind in ("word", "text") for token in tokens) and tuple(token.text for token in tokens) == words:
            self.place += len(words)
            return True
        return False

    def _needs(self, text: str) -> None:
        if not self._takes(text):
            raise NotANumberError(f"{self._next.text!r} where {text!r} should be")

    def _sum(self) -> Fraction:
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise NotANumberError(f"nested deeper than {MAX_NESTING}")
        value = self._term()
        while sign := self._takes("+", "-"):
            term = self._term()
            value = checked(value + term if sign == "+" else value - term)
        self.nesting -= 1
        return value

    def _term(self) -> Fraction:
        negative = self._signs()
        value = self._mixed() if self._next.kind == "number" else self._factor()
        divided = False
        while True:
            if sign := self._takes("*", "/", r"\bmod"):
                flip = self._signs()
                factor = self._factor()
                factor = -factor if flip else factor
                if sign == "*":
                    value = checked(value * factor)
                else:
                    value = divide(value, factor) if sign == "/" else remainder(value, factor)
                if sign == r"\bmod" and negative:
                    raise NotANumberError("a sign before a remainder can be read in two ways")
                divided = sign != "*"
            elif self._begins_a_factor():
                if divided:
                    raise NotANumberError("a product without a sign behind a division can be read in two ways")
                value = checked(value * self._factor())
            else:
                return -value if negative else value

    def _signs(self) -> bool:
        """Whether an odd number of minus signs stands here."""
        negative = False
        while sign := self._takes("+", "-"):
            negative ^= sign == "-"
        return negative

    def _begins_a_factor(self) -> bool:
        token, before = self._next, self.tokens[self.place - 1]
        if token.kind == "number":
            return before.text in (")", "]", "!")  # (2)3 and 3!3! are products, 2 3 is none
        return token.kind == "sign" and token.text in _BEGINS_A_FACTOR

    def _mixed(self) -> Fraction:
        r"""A number, or a mixed number such as `1 1/2` and `1\frac{1}{2}`."""
        whole = self._next.text
        below = self._fraction_of_digits(self.place + 1)
        if below is None or not whole.isdigit():
            return self._factor()
        begin, above, below_line, after = below
        if above >= below_line or begin.startswith("0"):
            raise NotANumberError("a whole number before a fraction that is not between 0 and 1")
        self.place = after
        if self._next.text in ("^", "!"):
            raise NotANumberError("a power of a mixed number without brackets")
        return literal(whole) + divide(literal(begin), Fraction(below_line))

    def _fraction_of_digits(self, place: int) -> tuple[str, int, int, int] | None:
        """The digits above and the two numbers of a fraction that stands at `place`, and where it ends."""
        texts = [token.text for token in self.tokens[place : place + 7]]
        if texts[:2] == [r"\frac", "{"] and texts[3:5] == ["}", "{"] and texts[6:] == ["}"]:
            above, below, after = texts[2], texts[5], place + 7
        elif len(texts) > 2 and texts[1] == "/" and self.tokens[place].kind == "number":
            above, below, after = texts[0], texts[2], place + 3
        else:
            return None
        if not (above.isdigit() and below.isdigit()):
            return None
        return above, int(literal(above)), int(literal(below)), after

    def _factor(self) -> Fraction:
        value = self._primary()
        if self._takes("_"):
            value = self._in_base()
        while True:
            if self._takes("!"):
                if self.tokens[self.place - 2].text == "!":
                    raise NotANumberError("a double factorial")
                value = factorial(value)
            elif self._next.text == "^" and not self._raises_a_unit():
                self.place += 1
                value = power(value, self._exponent())
                if self._next.text == "!":
                    raise NotANumberError("a factorial behind a power can be read in two ways")
            else:
                return value

    def _raises_a_unit(self) -> bool:
        r"""Whether `^` begins degrees or an ordinal, as in `90^\circ` and `5^{th}`."""
        behind = self.tokens[self.place + 1 : self.place + 3]
        behind = behind[1:] if behind[0].text == "{" else behind[:1]
        return bool(behind) and (behind[0].text == r"\circ" or behind[0].kind in ("text", "word"))

    def _exponent(self) -> Fraction:
        """What stands behind `^`; TeX refuses `2^3^2`, and so does this."""
        negative = self._signs()
        exponent = self._argument()
        if self._next.text == "^":
            raise NotANumberError("a power of a power without braces can be read in two ways")
        return -exponent if negative else exponent

    def _in_base(self) -> Fraction:
        """The number whose digits were read, in the base that stands behind `_`."""
        digits = self.tokens[self.place - 2]
        base = self._argument()
        if digits.kind != "number" or not digits.text.isdigit() or base.denominator != 1 or not 2 <= base <= 10:
            raise NotANumberError("a subscript that is no base from 2 to 10")
        if any(int(digit) >= base for digit in digits.text):
            raise NotANumberError(f"{digits.text} has a digit that base {base} does not have")
        literal(digits.text)  # refuses too many
        return Fraction(int(digits.text, int(base)))

    def _primary(self) -> Fraction:
        token = self._next
        self.place += 1
        if token.kind == "number":
            return _number(token.text)
        if token.kind == "sign":
            if token.text in _BRACKETS:
                return self._bracket(token.text)
            if token.text == r"\frac":
                above = self._argument(single=True)
                return divide(above, self._argument(single=True))
            if token.text == r"\binom":
                return binomial(self._argument(single=True), self._argument(single=True))
            if token.text == r"\sqrt":
                return self._root()
        self.place -= 1
        raise NotANumberError(f"{token.text!r} is no number" if token.text else "ends too early")

    def _bracket(self, begin: str) -> Fraction:
        value = self._sum()
        if begin == "{" and (form := self._takes(r"\over", r"\choose")):
            value = (divide if form == r"\over" else binomial)(value, self._sum())
        self._needs(_BRACKETS[begin])
        if begin == r"\lfloor":
            return Fraction(floor(value))
        if begin == r"\lceil":
            return Fraction(ceil(value))
        return abs(value) if begin == r"\lvert" else value

    def _root(self) -> Fraction:
        degree = Fraction(2)
        if self._takes("["):
            degree = self._bracket("[")
        if degree.denominator != 1 or degree < 1:
            raise NotANumberError("a root whose degree is no whole number from 1")
        return root(self._argument(), int(degree))

    def _argument(self, single: bool = False) -> Fraction:
        """What a command applies to: braces, or what stands next to it."""
        token = self._next
        if single and token.kind == "number" and len(token.text) > 1:
            raise NotANumberError("digits without braces behind a fraction can be read in two ways")
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            raise NotANumberError(f"nested deeper than {MAX_NESTING}")
        value = self._primary()
        self.nesting -= 1
        return value

    def _units(self, value: Fraction) -> Fraction:
        """Step over the units behind a value; `5 million` multiplies it."""
        while times := MULTIPLES.get(self._next.text.lower()):
            value = checked(value * times)
            self.place += 1
        if self._takes("%") or self._says("percent") or self._says("per", "cent"):
            return value * PER_CENT if self.percent_is_hundredth else value
        if self._takes("^"):
            self._takes("{")
        if self._takes(r"\circ"):
            self._takes("}")
            if self._next.kind in ("name", "text") and self._next.text in ("C", "F", "K"):
                self.place += 1
            return value
        token = self._next
        if token.kind in ("word", "text") and is_unit(token.text, token.kind == "text", token.after_space):
            self._more_units()
        return value

    def _more_units(self) -> None:
        """Step over a unit and what belongs to it: more words, powers such as `cm^2`, and quotients such as `km/h`."""
        while True:
            token = self._next
            after_sign = self.tokens[self.place - 1].text in ("/", "*")
            if (
                (token.kind in ("word", "text") and may_follow(token.text))
                or (token.kind == "name" and (after_sign or token.text == "a"))
                or (token.kind == "sign" and token.text in ("/", "*", "}", ".", "'"))
            ):
                self.place += 1
            elif self._takes("^"):
                self._takes("{")
                self._signs()
                self.place += self._next.kind == "number"
            else:
                return


def _number(text: str) -> Fraction:
    """The value of the text of a number token."""
    if "\\" in text:
        begin, _, repeated = text.partition("\\")
        repeated = repeated.partition("{")[2].rstrip("}")
        whole, _, decimals = begin.partition(".")
        nines = 10 ** len(repeated) - 1
        return checked(literal(whole, decimals) + literal(repeated) / nines / 10 ** len(decimals))
    mantissa, _, exponent = text.lower().partition("e")
    if len(exponent) > 6:
        raise NotANumberError(f"an exponent of {exponent}")
    whole, _, decimals = mantissa.partition(".")
    return literal(whole, decimals, int(exponent or 0))
