"""All four operators: the automata of their layouts side by side."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from longhand.certify.rules.divisions import DivisionRules
from longhand.certify.rules.products import ProductRules
from longhand.certify.rules.sums import SumRules
from longhand.certify.search import Rules, Transition
from longhand.text.layouts.union import UnionLayout


class Within(NamedTuple):
    """A state of one of the automata."""

    part: int
    state: Any


class UnionRules:
    """What the rows of any operator can show; slots that a layout lacks hold the last token."""

    def __init__(self, layout: UnionLayout) -> None:
        self._n_slots = len(layout.slots)
        self._parts: list[Rules] = [
            SumRules(layout.sums),
            ProductRules(layout.products),
            DivisionRules(layout.divisions),
        ]
        self.lemmas = tuple(lemma for part in self._parts for lemma in part.lemmas)

    def starts(self) -> list[Within]:
        """Before the first token of the rows of each operator."""
        return [Within(place, state) for place, part in enumerate(self._parts) for state in part.starts()]

    def transitions(self, state: Within) -> Iterator[Transition]:
        """The next token, by the automaton of the operator."""
        for window, label, kind, after, column in self._parts[state.part].transitions(state.state):
            missing = self._n_slots - len(window)
            wide = (*window[:-1], *[window[0]] * missing, window[-1])
            yield Transition(wide, label, kind, None if after is None else Within(state.part, after), column)
