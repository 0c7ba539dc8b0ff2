"""What a flag of another system is here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from longhand.errors import UserError

Arity = Literal["none", "one", "many"]

MODEL, PAIRS = "MODEL", "KEY=VALUE"
"""Targets that are neither a key nor an option: the verb's first argument, and keys that are themselves the values."""


@dataclass(frozen=True, slots=True)
class Synonym:
    """A flag, and the key (`training.batch_size`), option (`--suite`) or `MODEL` that it sets; see the makers below.

    `values` translates the values it may have, where ours are called otherwise; `under` is the folder its value is a
    name in, where ours is a path. With `gives_way` it is silent where another flag sets the same. `note` is said to who
    uses it; with `refused` the flag is a mistake, and `refused` the remedy.
    """

    flag: str
    target: str | None
    arity: Arity = "one"
    values: Mapping[str, str] | None = None
    under: str = ""
    gives_way: bool = False
    note: str = ""
    refused: str = ""

    def settings(self, given: Sequence[str]) -> list[tuple[str, str]]:
        """The targets it sets and their values; raises `UserError` for a value it does not have."""
        if self.refused:
            raise UserError(f"{self.flag} is unknown here: {self.refused}")
        if self.target is None:
            return []
        if self.target == PAIRS:
            return [self._pair(word) for word in given]
        (value,) = given or ("",)
        if self.values is None:
            return [(self.target, f"{self.under}/{value}" if self.under else value)]
        if value not in self.values:
            raise UserError(f"{self.flag} is {value!r}; choose {', '.join(self.values)}")
        return [(self.target, self.values[value])]

    def _pair(self, word: str) -> tuple[str, str]:
        key, equals, value = word.partition("=")
        if not equals or "." not in key:
            raise UserError(f"{self.flag} {word!r} sets nothing; write section.key=value")
        return key.replace("-", "_"), value


def sets(flag: str, target: str, *, gives_way: bool = False) -> Synonym:
    """A flag whose value is that of `target`."""
    return Synonym(flag, target, gives_way=gives_way)


def names_under(flag: str, target: str, folder: str) -> Synonym:
    """A flag that gives a name, of something in `folder`, where `target` is a path."""
    return Synonym(flag, target, under=folder)


def chooses(flag: str, target: str, values: Mapping[str, str], *, note: str = "") -> Synonym:
    """A flag whose values are called otherwise here."""
    return Synonym(flag, target, values=values, note=note)


def switches(flag: str, target: str, value: str, *, note: str = "") -> Synonym:
    """A flag without a value, that sets `target` to `value`."""
    return Synonym(flag, target, "none", {"": value}, note=note)


def sets_keys(flag: str) -> Synonym:
    """A flag that takes any number of `section.key=value`."""
    return Synonym(flag, PAIRS, "many")


def has_no_effect(flag: str, why: str, arity: Arity = "one") -> Synonym:
    """A flag that is accepted, and said to do nothing."""
    return Synonym(flag, None, arity, note=f"{flag} has no effect: {why}")


def belongs_elsewhere(flag: str, remedy: str) -> Synonym:
    """A flag of something else, which is a mistake here with a remedy."""
    return Synonym(flag, None, refused=remedy)
