"""Writing a row together with the model: it says what is likely next, the user chooses."""

from __future__ import annotations

import math

from longhand.errors import UserError
from longhand.repl.layout import show_completion
from longhand.repl.screen import Screen
from longhand.solvers.base import NextToken, TokenChance

SHOWN = 5
"""Tokens shown at each step."""

WIDTH = 20
"""Columns of the bar of a probability of 1."""

LEAVE = frozenset({"quit", "exit", "q"})
"""Words that end the session, anywhere in it."""


class Stepwise:
    """Probability mode: the likeliest tokens at every step, with their probabilities at temperature 1."""

    def __init__(self, solver: NextToken, screen: Screen, max_new_tokens: int | None) -> None:
        self.solver, self.screen, self.limit = solver, screen, max_new_tokens
        self._eos = solver.vocabulary.id_of("eos")

    def write(self, prompt: str) -> bool:
        """Write one row after a prompt and show it; false when the user wants to go.

        Raises `UserError` for a prompt that cannot be asked.
        """
        ids = self.solver.prompt_ids(prompt)
        written: list[TokenChance] = []
        while not self._is_done(written):
            here = [*ids, *(chance.token_id for chance in written)]
            try:
                chances = self.solver.next_tokens(here, len(self.solver.vocabulary))
            except UserError as error:  # the context is full
                self.screen.say(f"Error: {error}", "error")
                break
            self._show(here, chances)
            choice = self.screen.ask("ENTER for the likeliest, a token, its #number, or done:", "choose")
            if choice.lower() in LEAVE:
                return False
            if choice.lower() == "done":
                break
            try:
                written += self._chosen(choice, here, chances)
            except UserError as error:
                self.screen.say(f"Error: {error}", "error")
        show_completion(self.screen, self.solver, self.solver.complete(prompt, written))
        return True

    def _is_done(self, written: list[TokenChance]) -> bool:
        full = self.limit is not None and len(written) >= self.limit
        return full or (bool(written) and written[-1].token_id == self._eos)

    def _show(self, ids: list[int], chances: list[TokenChance]) -> None:
        tokens = self.solver.vocabulary.tokens
        self.screen.say()
        self.screen.say(f"Current: {self.solver.vocabulary.decode(ids)}", "current")
        self.screen.say(f"Top {min(SHOWN, len(chances))} predictions:", "likely")
        width = max(len(repr(tokens[chance.token_id])) for chance in chances[:SHOWN])
        for place, chance in enumerate(chances[:SHOWN], start=1):
            share = math.exp(chance.logprob)
            bar = self.screen.bar * round(share * WIDTH)
            name = repr(tokens[chance.token_id])
            self.screen.say(f"#{place} {name:<{width}} {share:>7.2%} {bar}".rstrip(), indent=2)

    def _chosen(self, choice: str, ids: list[int], chances: list[TokenChance]) -> list[TokenChance]:
        """The tokens a choice stands for; raises `UserError` for one that stands for none."""
        if not choice:
            return chances[:1]
        if choice.startswith("#"):
            place = choice[1:]
            if not place.isdecimal() or not 1 <= int(place) <= min(SHOWN, len(chances)):
                raise UserError(f"{choice} is none of the {min(SHOWN, len(chances))} that are shown")
            return [chances[int(place) - 1]]
        added: list[TokenChance] = []
        for token_id in self.solver.vocabulary.encode(choice):
            follow = chances if not added else self._after([*ids, *(chance.token_id for chance in added)])
            logprobs = {chance.token_id: chance.logprob for chance in follow}
            added.append(TokenChance(token_id, logprobs.get(token_id, -math.inf)))
            if token_id == self._eos:
                break
        return added

    def _after(self, ids: list[int]) -> list[TokenChance]:
        return self.solver.next_tokens(ids, len(self.solver.vocabulary))
