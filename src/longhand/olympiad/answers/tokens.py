"""Cutting an answer into tokens: LaTeX, plain text and the signs of Unicode become one small alphabet."""

from __future__ import annotations

import re
from typing import NamedTuple

from longhand.olympiad.answers.bounded import NotANumberError

MAX_LENGTH = 2000
"""Characters of the longest answer that is read."""


class Token(NamedTuple):
    """A piece of an answer.

    `kind` is "number" (its text is digits, perhaps with a point and an exponent), "name" (a single letter or a command
    that names something), "word" (several letters), "text" (letters that LaTeX sets upright), or "sign" for all else.
    """

    kind: str
    text: str
    after_space: bool = False


_GROUPS = r"[1-9][0-9]{0,2}(?P<%s>%s)[0-9]{3}(?:(?P=%s)[0-9]{3})*(?!(?P=%s)?[0-9])%s(?:\.[0-9]+)?"
_COMMA, _NARROW = r",(?:\\!)?|\{,\}(?:\\!)?", r"\\[,; ]|[ \u2009\u00a0\u202f~]"
_WITH_GAPS = _GROUPS % ("gap", _NARROW, "gap", "gap", r"(?!\s*/)")  # 1 234/500 may be a mixed number
_NUMBER = r"[0-9]*\.[0-9]*\\(?:overline|bar)\s*\{[0-9]+\}|(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+(?![\w.]))?"
_REST = r"""
  |(?P<text_begin>\\(?:text(?:rm|bf|it|sf|tt|normal|up)?|mbox|mathrm|operatorname|rm)\s*\{)
  |(?P<fraction>\\[dtc]?frac(?![A-Za-z])|\\[dt]?binom(?![A-Za-z]))
  |(?P<command>\\(?:[A-Za-z]+|.|$))
  |(?P<word>[^\W\d_]+)
  |(?P<dots>\.\.+|…)
  |(?P<power>\*\*)
  |(?P<order><=|>=)
  |(?P<space>\s+)
  |(?P<sign>.)
"""
_OUTSIDE = re.compile(
    rf"(?P<number>(?=[0-9.])(?:{_GROUPS % ('comma', _COMMA, 'comma', 'comma', '')}|{_WITH_GAPS}|{_NUMBER})){_REST}",
    re.X | re.S,
)
# In brackets a comma parts the members: (1,234) is a pair.
_INSIDE = re.compile(
    rf"(?P<number>(?=[0-9.])(?:{_GROUPS % ('comma', r'[{],[}]', 'comma', 'comma', '')}|{_WITH_GAPS}|{_NUMBER})){_REST}",
    re.X | re.S,
)
_DIGITS = re.compile(r"\s*([0-9])(?:\s*([0-9]))?")
_NO_DIGITS = re.compile(r"[^0-9.eE+\-]|(?<![0-9])[eE]")

_SPELLED = str.maketrans(
    {
        **dict.fromkeys("−–‐‑﹣－", "-"),
        **dict.fromkeys("’‘ʼ′", "'"),
        **dict.fromkeys("$€£¥¢\u200b\u2060\ufeff", " "),
        "×": r"\times ",
        "·": r"\cdot ",
        "⋅": r"\cdot ",
        "÷": r"\div ",
        "∕": "/",
        "⁄": "/",
        "√": r"\sqrt ",
        "π": r"\pi ",
        "°": r"^\circ ",
        "±": r"\pm ",
        "∞": r"\infty ",
        "％": "%",
    }
)
_RAISED = re.compile(r"[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+")
_LOWERED = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_FRACTIONS = "14 12 34 13 23 15 25 35 45 16 56 18 38 58 78"
_VULGAR_AS = dict(zip("¼½¾⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞", _FRACTIONS.split(), strict=True))
_VULGAR = re.compile(f"[{''.join(_VULGAR_AS)}]")

_SIZES = r"""
\left \right \middle \big \Big \bigg \Bigg \bigl \bigr \Bigl \Bigr \displaystyle \textstyle \limits \nolimits
\mathbf \mathit \mathsf \mathtt \bf \boldsymbol \bm \boxed \fbox \( \) \[ \] \$ \pounds \euro
"""
_NOTHING = frozenset(_SIZES.split())
_SPACES = frozenset([r"\,", r"\;", r"\:", r"\!", r"\ ", r"\quad", r"\qquad", r"\thinspace", "\\\n"])
_SAME = r"""
\{ \} \\ \sqrt \choose \over \bmod \lfloor \rfloor \lceil \rceil \lvert \rvert \circ \in \approx \pm \le \ge \neq
"""
_SIGNS = {
    r"\cdot": "*", r"\times": "*", r"\ast": "*", r"\div": "/", r"\minus": "-", r"\%": "%", r"\_": "_", r"\colon": ":",
    r"\lbrace": r"\{", r"\rbrace": r"\}", r"\degree": r"\circ", r"\ldots": "...", r"\dots": "...", r"\cdots": "...",
    r"\leq": r"\le", r"\geq": r"\ge", r"\ne": r"\neq", r"\lt": "<", r"\gt": ">", "<=": r"\le", ">=": r"\ge",
    **{sign: sign for sign in _SAME.split()},
}  # fmt: skip


def tokenize(text: str) -> list[Token]:
    r"""Return the tokens of an answer.

    What only looks (spaces, sizes, dollar signs) is left out; `\frac12` comes as `\frac{1}{2}`. Only the digits 0 to
    9 make numbers. Raises `NotANumberError` for a text longer than `MAX_LENGTH`, unread.
    """
    if len(text) > MAX_LENGTH:
        raise NotANumberError(f"longer than {MAX_LENGTH} characters")
    if not text.isascii():
        text = _RAISED.sub(lambda raised: f"^{{{raised[0].translate(_LOWERED)}}}", text)
        text = _VULGAR.sub(_vulgar, text).translate(_SPELLED)
    else:
        text = text.replace("$", " ") if "$" in text else text
    return _Tokenizer(text).run()


def _vulgar(sign: re.Match[str]) -> str:
    digits = _VULGAR_AS[sign[0]]
    return rf"\frac{{{digits[0]}}}{{{digits[1]}}}"


class _Tokenizer:
    def __init__(self, text: str) -> None:
        self.text, self.tokens = text, list[Token]()
        self.braces: list[bool] = []  # for each that is open, whether it began upright text
        self.brackets = 0
        self.space = False

    def run(self) -> list[Token]:
        place = 0
        while place < len(self.text):
            pattern = _INSIDE if self.brackets else _OUTSIDE
            found = pattern.match(self.text, place)
            assert found is not None  # the last alternative takes any character
            place = found.end()
            kind = found.lastgroup
            if kind == "space":
                self.space = True
            elif kind == "number":
                self._number(found[0])
            elif kind == "fraction":
                place = self._fraction(found[0], place)
            else:
                getattr(self, f"_{kind}")(found[0])
        return self.tokens

    def _add(self, kind: str, text: str) -> None:
        self.tokens.append(Token(kind, text, self.space))
        self.space = False

    def _number(self, text: str) -> None:
        if not text.isdigit() and "overline" not in text and "bar" not in text:
            text = _NO_DIGITS.sub("", text)
        self._add("number", text)

    def _fraction(self, command: str, place: int) -> int:
        r"""TeX takes single digits: `\frac12` is a half, and so are `\frac 1 2` and `\frac1{2}`."""
        self._add("sign", r"\binom" if command.endswith("binom") else r"\frac")
        digits = _DIGITS.match(self.text, place)
        if digits is None:
            return place
        for digit in filter(None, digits.groups()):
            self.tokens += [Token("sign", "{"), Token("number", digit), Token("sign", "}")]
        return digits.end()

    def _text_begin(self, text: str) -> None:
        self.braces.append(True)

    def _command(self, text: str) -> None:
        if text in _SPACES:
            self.space = True
        elif text in _SIGNS:
            self._sign(_SIGNS[text])
        elif text not in _NOTHING:
            self._add("name", text)

    def _word(self, text: str) -> None:
        if text == "sqrt":
            return self._sign(r"\sqrt")
        upright = True in self.braces
        return self._add("text" if upright else "word" if len(text) > 1 else "name", text)

    def _dots(self, text: str) -> None:
        self._add("sign", "...")

    def _power(self, text: str) -> None:
        self._add("sign", "^")

    def _order(self, text: str) -> None:
        self._add("sign", _SIGNS[text])

    def _sign(self, text: str) -> None:
        if text == "{":
            self.braces.append(False)
        elif text == "}" and self.braces and self.braces.pop():
            return
        elif text in ("(", "[", r"\{"):
            self.brackets += 1
        elif text in (")", "]", r"\}"):
            self.brackets = max(0, self.brackets - 1)
        elif text == "~":
            self.space = True
            return
        self._add("sign", text)
