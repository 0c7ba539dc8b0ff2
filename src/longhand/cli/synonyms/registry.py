"""The flags of every system, by verb."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from longhand.cli.synonyms import mini, think
from longhand.cli.synonyms.synonym import Synonym
from longhand.cli.synonyms.translate import Translation, translate

SYSTEMS: Mapping[str, Mapping[str, Sequence[Synonym]]] = {"math-llm": think.VERBS, "MiniLanguageModels": mini.VERBS}
"""Two systems may share a flag of a verb if it means the same in both; a test holds them to it."""


def synonyms_of(verb: str) -> dict[str, Synonym]:
    """The flags of other systems that a verb understands, by flag."""
    return {synonym.flag: synonym for verbs in SYSTEMS.values() for synonym in verbs.get(verb, ())}


def translate_command(words: Sequence[str]) -> Translation:
    """Replace the flags of other systems in a whole command; raises `UserError` where they contradict each other."""
    synonyms = synonyms_of(words[0]) if words else {}
    if not synonyms:
        return Translation(list(words), [])
    translated, notes = translate(words[1:], synonyms)
    return Translation([words[0], *translated], notes)


def describe_synonyms(verb: str) -> str:
    """One line per flag: what it sets here."""
    lines = []
    for system, verbs in SYSTEMS.items():
        known = [synonym for synonym in verbs.get(verb, ()) if not synonym.refused]
        if known:
            width = max(len(synonym.flag) for synonym in known)
            lines += [f"flags of {system}, understood too:"]
            lines += [f"  {synonym.flag:<{width}}  {_meaning(synonym)}".rstrip() for synonym in known]
    return "\n".join(lines)


def _meaning(synonym: Synonym) -> str:
    if synonym.target is None:
        return synonym.note.removeprefix(f"{synonym.flag} ")
    if synonym.arity == "none" and synonym.values:
        return f"{synonym.target} {synonym.values['']}"
    return f"{synonym.target} {synonym.under}/…" if synonym.under else synonym.target
