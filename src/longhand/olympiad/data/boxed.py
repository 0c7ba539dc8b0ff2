r"""Final answers: the mark `#### N` of GSM8K written as `\boxed{N}`, and what a solution has in its last box."""

from __future__ import annotations

import re

_MARK = re.compile(r"^[^\S\n]*####(?P<rest>[^\n]*)$", flags=re.MULTILINE)
_NUMBER = re.compile(r"-?(?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d+)?|-?\.\d+|-?\d+/\d+")


class ConversionError(ValueError):
    """A solution that cannot be converted; the text is a reason short enough to be counted."""


def mark_to_box(solution: str) -> tuple[str, str]:
    r"""A solution that ends in `#### N`, with `\boxed{N}` in its place, and N.

    There is one backslash and one box. N is written without thousands commas, dollar sign and full stop at the end
    (`$1,234.` is 1234, `-5`, `5.5` and `3/4` stay), so that equal answers are equal strings. Of several marks the last
    is the answer and the others are left out with their lines. Raises `ConversionError` if there is no mark, something
    other than blank space after it, or no number behind it.
    """
    marks = list(_MARK.finditer(solution))
    if not marks:
        raise ConversionError("no ####")
    last = marks[-1]
    if solution[last.end() :].strip():
        raise ConversionError("text after ####")
    answer = plain_number(last["rest"])
    if answer is None:
        raise ConversionError("no number after ####")
    steps = _MARK.sub("", solution[: last.start()]) if len(marks) > 1 else solution[: last.start()]
    steps = re.sub(r"\n{2,}", "\n", steps) if len(marks) > 1 else steps
    return steps + r"\boxed{" + answer + "}", answer


def plain_number(text: str) -> str | None:
    """A number without thousands commas, dollar sign and full stop; None if the text is no number or fraction."""
    text = text.strip().removesuffix(".").replace("\\$", "$")
    negative = text.startswith("-")
    text = text.removeprefix("-").strip().removeprefix("$").strip()
    if text.startswith("-") and not negative:  # $-5
        negative, text = True, text[1:]
    if _NUMBER.fullmatch(text) is None or text.startswith("-"):
        return None
    digits = text.replace(",", "")
    digits = "0" + digits if digits.startswith(".") else digits
    return "-" + digits if negative else digits


def last_box(text: str) -> str | None:
    r"""What stands in the last `\boxed{…}` of a solution, braces balanced, blanks around it removed; None without one.

    `\fbox{…}` and `\boxed 7`, which a few solutions of MATH have, count too; which values are equal is another matter.
    """
    starts = list(re.finditer(r"\\(?:boxed|fbox)\b\s*", text))
    for start in reversed(starts):
        rest = text[start.end() :]
        if not rest.startswith("{"):
            found = re.match(r"[^\s$.,;{}\\]+", rest)
            if found:
                return found[0]
            continue
        end = _closing_brace(rest)
        if end is not None:
            return rest[1:end].strip()
    return None


def _closing_brace(text: str) -> int | None:
    depth, position = 0, 0
    while position < len(text):
        character = text[position]
        if character == "\\":  # an escaped brace is text
            position += 2
            continue
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return position
        position += 1
    return None
