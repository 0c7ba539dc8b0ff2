"""Which equations a model is asked: those of its domain, and those its certificate covers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.expression import parse_expression
from longhand.arithmetic.problem import Problem
from longhand.errors import UserError
from longhand.runs.certificate import Certificate
from longhand.text.vocabulary import Vocabulary

_NUMBER = "(?:0|[1-9][0-9]*)"


class UnaskableError(Exception):
    """An equation that the model is not asked; `reason` says why, in a line."""

    def __init__(self, equation: str, reason: str, pattern: str) -> None:
        super().__init__(reason)
        self.equation, self.reason, self.pattern = equation, reason, pattern


class Accepted:
    """The equations `a+b=` that a model answers, as a `pattern` and as a test of what it stands for.

    Numbers are written in ASCII digits, without zeros in front; negative ones where the domain has them. A model
    without domain and certificate is asked whatever its vocabulary spells, up to a `=`.
    """

    def __init__(self, domain: Domain | None, certificate: Certificate | None, vocabulary: Vocabulary) -> None:
        self.domain = domain
        proved = certificate is not None and certificate.domain is None
        self.certificate = certificate if proved else None
        self.pattern = self._pattern(vocabulary)
        self._compiled = re.compile(self.pattern, flags=re.ASCII)

    def _pattern(self, vocabulary: Vocabulary) -> str:
        if self.certificate is not None:
            return f"^{_NUMBER}{_one_of(self.certificate.operators)}{_NUMBER}=$"
        if self.domain is None:
            return f"^{_one_of(sorted({c for token in vocabulary.tokens for c in token if len(token) == 1}))}*=$"
        widest = max(len(str(abs(n))) for n in (self.domain.min_operand, self.domain.max_operand))
        number = f"(?:0|[1-9][0-9]{{0,{widest - 1}}})" if widest > 1 else "[0-9]"
        if self.domain.min_operand < 0:
            number = f"-?{number}"
        more = self.domain.n_operands - 1
        repeated = f"{_one_of(self.domain.operators)}{number}"
        return f"^{number}{repeated if more == 1 else f'(?:{repeated}){{{more}}}'}=$"

    def why_not(self, equation: str) -> str | None:
        """Why this equation is not answered, in a line; None if it is."""
        if not self._compiled.fullmatch(equation):
            return f"String should match pattern '{self.pattern}'"
        if self.domain is None and self.certificate is None:
            return None
        try:
            problem = self.problem(equation)
        except UserError as error:
            return str(error)
        if self.certificate is not None and self.certificate.covers(problem):
            return None
        if self.domain is not None and self.domain.contains(problem):
            return None
        return f"{problem} is not among the problems of this model"

    @property
    def in_words(self) -> str:
        """What may be asked, in a line for people."""
        if self.certificate is not None:
            kinds = " or ".join(f"a{operator}b" for operator in self.certificate.operators)
            return f"{kinds}, with numbers of any length"
        if self.domain is None:
            return "whatever its vocabulary spells"
        kinds = " or ".join(f"a{operator}b" for operator in self.domain.operators)
        below = "" if self.domain.negatives == "allow" else ", with an answer of at least 0"
        return f"{kinds}, with numbers from {self.domain.min_operand} to {self.domain.max_operand}{below}"

    def problem(self, equation: str) -> Problem:
        """The problem of an equation that matches the pattern."""
        if self.domain is None:
            return parse_expression(equation, division="remainder")
        return parse_expression(equation, semantics=self.domain.semantics, division=self.domain.division)


def _one_of(characters: Iterable[str]) -> str:
    return f"[{''.join(map(re.escape, characters))}]"
