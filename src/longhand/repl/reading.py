"""What a model can read, and how to say what it cannot."""

from __future__ import annotations

from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import OPERATORS
from longhand.errors import UserError
from longhand.solvers.base import Solver, TeacherForced
from longhand.text.vocabulary import Vocabulary

_DIGITS = "0123456789"


def why_unreadable(solver: Solver, prompt: str) -> str | None:
    """One line about the characters of a prompt that the model cannot read, or None if it can read them all.

    A problem may be typed in any spelling; it is what the model would be shown that has to be spelled. Anything else,
    such as the beginning of a problem, is shown as it is typed.
    """
    if not isinstance(solver, TeacherForced):
        return None
    readable = readable_characters(solver)
    try:
        problem = parse_expression(prompt, semantics=solver.format.semantics, division=solver.format.division)
        shown = solver.format.as_asked(prompt).prompt(problem)
        unread = [character for character in shown if not solver.vocabulary.can_spell(character)]
    except UserError:
        shown = _without_tags(prompt, solver.vocabulary)
        unread = [c for c in shown if c not in readable and not (c == " " and solver.vocabulary.can_spell(c))]
    if not unread:
        return None
    named = ", ".join(repr(character) for character in dict.fromkeys(unread))
    return f"this model reads {_listed(readable)}; it cannot read {named}"


def readable_characters(solver: TeacherForced) -> str:
    """Digits, operators and `=`, as far as the vocabulary spells them and the domain asks for them."""
    domain = solver.domain
    operators = "".join(OPERATORS) if domain is None else "".join(domain.operators)
    sign = "-" if domain is not None and domain.min_operand < 0 and "-" not in operators else ""
    return "".join(c for c in f"{_DIGITS}{operators}{sign}=" if solver.vocabulary.can_spell(c))


def _without_tags(prompt: str, vocabulary: Vocabulary) -> str:
    for token in sorted((token for token in vocabulary.tokens if len(token) > 1), key=len, reverse=True):
        prompt = prompt.replace(token, "")
    return prompt


def _listed(characters: str) -> str:
    words = ["digits"] if _DIGITS in characters else []
    words += [f"'{character}'" for character in characters.replace(_DIGITS, "")]
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
