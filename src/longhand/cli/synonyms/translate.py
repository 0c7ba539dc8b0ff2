"""From words a user typed, flags of other systems among them, to words our own parser knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from longhand.cli.synonyms.synonym import MODEL, Synonym
from longhand.errors import UserError


class Translation(NamedTuple):
    """Words for our own parser, and what the user should know about them."""

    words: list[str]
    notes: list[str]


class _Setting(NamedTuple):
    spelled: str  # as the user wrote it
    value: str
    gives_way: bool = False
    is_own: bool = False  # one of our own flags, of which argparse takes the last


def translate(words: Sequence[str], synonyms: Mapping[str, Synonym]) -> Translation:
    """Replace the flags in `synonyms` (by flag) among the words after a verb.

    Underscores in a flag are hyphens, and `--flag=value` is `--flag value`; so are those of flags that are no synonyms.
    Raises `UserError` for a flag without its value, and for two flags that set the same to different values.
    """
    own: list[str] = []
    settings: dict[str, list[_Setting]] = {}
    notes: list[str] = []
    targets = {synonym.target for synonym in synonyms.values()}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            own += [word, *rest]
            break
        name, equals, value = word.partition("=")
        flag = name if "." in name or not name.startswith("--") else name.replace("_", "-")
        synonym = synonyms.get(flag)
        if synonym is None:
            target = flag.removeprefix("--").replace("-", "_") if "." in flag else flag
            if target in targets and (equals or rest):
                own_value = value if equals else rest[0]
                settings.setdefault(target, []).append(_Setting(f"{flag} {own_value}", own_value, is_own=True))
                own += [flag, own_value]
                rest = rest if equals else rest[1:]
            else:
                own.append(flag + equals + value)
            continue
        given = _values(synonym, [value] if equals else None, rest)
        for target, wanted in synonym.settings(given):
            spelled = " ".join([flag, *given])
            settings.setdefault(target, []).append(_Setting(spelled, wanted, synonym.gives_way))
        if synonym.note:
            notes.append(synonym.note)
    return Translation(_spell(settings, own), notes)


def _values(synonym: Synonym, attached: list[str] | None, rest: list[str]) -> list[str]:
    """The values of a flag: the one attached by `=`, or those taken from the front of `rest`."""
    if synonym.refused:
        return []
    if synonym.arity == "none":
        if attached is not None:
            raise UserError(f"{synonym.flag} takes no value, not {attached[0]!r}")
        return []
    given = attached or []
    while rest and not rest[0].startswith("--") and (synonym.arity == "many" or not given):
        given.append(rest.pop(0))
    if not given:
        raise UserError(f"{synonym.flag} needs a value")
    return given


def _spell(settings: Mapping[str, Sequence[_Setting]], own: Sequence[str]) -> list[str]:
    """Our own words for all settings, before those the user wrote himself, which are not repeated."""
    said = set(own)
    words: list[str] = []
    for target, given in settings.items():
        chosen = _one_of(target, given)
        option = target if target.startswith("--") else f"--{target}"
        if target == MODEL:
            words.insert(0, chosen.value)
        elif option not in said:
            words += [option, chosen.value]
    return [*words, *own]


def _one_of(target: str, given: Sequence[_Setting]) -> _Setting:
    firm = [setting for setting in given if not (setting.gives_way or setting.is_own)]
    firm += [setting for setting in given if setting.is_own][-1:]
    firm = firm or list(given)
    for other in firm[1:]:
        if other.value != firm[0].value:
            raise UserError(f"{firm[0].spelled} and {other.spelled} both set {target}; keep one")
    return firm[0]
