"""What an answer can be: a number, several answers together, or words. Equal values are the same answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Number:
    """An exact number."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Group:
    """Several answers: `kind` is the pair of signs around them, or "set" for `{1, 2}` and for `1, 2` without signs.

    The members of a set have no order and stand here in one of their own; all others keep theirs.
    """

    kind: str
    items: tuple[Answer, ...]

    def __post_init__(self) -> None:
        if self.kind == "set":
            object.__setattr__(self, "items", tuple(sorted(self.items, key=repr)))


@dataclass(frozen=True, slots=True)
class Words:
    """What is no number, in one spelling; `reason` says what stood against it."""

    text: str
    reason: str = field(default="", compare=False)


Answer = Number | Group | Words
