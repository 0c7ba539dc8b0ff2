"""The table of answers: how each is written, what is found by which rule, and what it is worth."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from longhand.olympiad.answers.extract import LENIENT, STRICT, Rule

TABLE = Path(__file__).with_name("answers.tsv")


class Case(NamedTuple):
    """A row: `value` is a fraction, or "group", "words" or "none"."""

    text: str
    rule: str
    extracted: str
    value: str
    why: str

    @property
    def rules(self) -> tuple[Rule, ...]:
        """Every rule where the row needs a weak one, otherwise those of a strict grader."""
        return LENIENT if self.rule in ("phrase", "last number") or self.why == "nothing to find" else STRICT


def cases() -> list[Case]:
    """Every row; a line break within a text stands in the file as ⏎."""
    header, *lines = TABLE.read_text(encoding="utf-8").rstrip("\n").split("\n")
    assert header.split("\t") == list(Case._fields)
    return [Case(*(cell.replace("⏎", "\n") for cell in line.split("\t"))) for line in lines]
