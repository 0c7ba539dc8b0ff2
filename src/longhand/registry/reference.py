"""How a version is named: `add@production`, `add:3`; and what may be a name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from longhand.errors import UserError

PRODUCTION = "production"
"""The alias that is meant where none is said."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
_ALIAS = re.compile(r"[a-z][a-z0-9._-]{0,99}")  # not a number, which would look like a version
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


@dataclass(frozen=True, slots=True)
class Reference:
    """A model by name, one of its versions by number, or the one that an alias names."""

    name: str
    alias: str | None = None
    version: int | None = None

    def __str__(self) -> str:
        if self.alias is not None:
            return f"{self.name}@{self.alias}"
        return self.name if self.version is None else f"{self.name}:{self.version}"


def parse_reference(text: str) -> Reference:
    """Read `NAME`, `NAME@ALIAS` or `NAME:VERSION`; raises `UserError` for anything else."""
    name, separator, rest = _split(text)
    check_name(name)
    if separator == "@":
        check_alias(rest)
        return Reference(name, alias=rest)
    if separator == ":":
        if not _VERSION.fullmatch(rest):
            raise UserError(f"{text!r} names no version: {rest!r} is not a number from 1 on; write {name}:1")
        return Reference(name, version=int(rest))
    return Reference(name)


def names_a_version(given: str | Path) -> bool:
    """Whether this is `NAME@ALIAS` or `NAME:VERSION`, a version in a registry, and no path that exists."""
    name, separator, rest = _split(str(given))
    pattern = {"@": _ALIAS, ":": _VERSION}.get(separator)
    is_one = pattern is not None and _NAME.fullmatch(name) is not None and pattern.fullmatch(rest) is not None
    return is_one and not Path(given).exists()


def is_name(text: str) -> bool:
    """Whether a model may be called this."""
    return _NAME.fullmatch(text) is not None


def is_alias(text: str) -> bool:
    """Whether an alias may be called this."""
    return _ALIAS.fullmatch(text) is not None


def version_number(text: str) -> int | None:
    """The number that a folder of a version is called by; None for what is no such folder."""
    return int(text) if _VERSION.fullmatch(text) else None


def check_name(name: str) -> None:
    """Raise `UserError` for what cannot be the name of a model."""
    if not is_name(name):
        raise UserError(
            f"{name!r} cannot be the name of a model: small letters, digits and . _ - after a letter or digit,"
            " 100 at most"
        )


def check_alias(alias: str) -> None:
    """Raise `UserError` for what cannot be an alias."""
    if not is_alias(alias):
        raise UserError(f"{alias!r} cannot be an alias: small letters, digits and . _ - after a letter, 100 at most")


def _split(text: str) -> tuple[str, str, str]:
    found = re.search("[@:]", text)
    return (text, "", "") if found is None else (text[: found.start()], found[0], text[found.end() :])
