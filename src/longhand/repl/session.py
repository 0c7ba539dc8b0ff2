"""The conversation itself: read a line, let the model complete it, show what came, until it is enough."""

from __future__ import annotations

from dataclasses import dataclass

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.splits import keyed_random
from longhand.errors import UserError
from longhand.repl.history import line_history
from longhand.repl.layout import show_completion
from longhand.repl.reading import why_unreadable
from longhand.repl.screen import Screen
from longhand.repl.shades import legend
from longhand.repl.stepwise import LEAVE, Stepwise
from longhand.solvers.base import NextToken, Solver


@dataclass(frozen=True, slots=True)
class Settings:
    """How a session decodes; with `stepwise` the user chooses every token. Temperature 0 is greedy."""

    temperature: float = 0.0
    max_new_tokens: int | None = None
    seed: int = 0
    stepwise: bool = False

    def __post_init__(self) -> None:
        if self.stepwise and self.temperature:
            raise UserError(
                f"temperature {self.temperature:g} has no effect in probability mode, where you choose every token;"
                " leave it out"
            )


def run_session(solver: Solver, settings: Settings | None = None, *, name: str = "a model") -> None:
    """Talk with the user on standard input and output until `quit`, `exit`, `q`, Ctrl-C or the end of the input.

    Raises `UserError` at once for settings the solver does not have; later mistakes are lines of the conversation.
    """
    session = _Session(solver, settings or Settings(), Screen())
    with line_history():
        session.greet(name)
        try:
            while session.exchange():
                pass
        except (EOFError, KeyboardInterrupt):
            session.screen.say()


class _Session:
    def __init__(self, solver: Solver, settings: Settings, screen: Screen) -> None:
        self.solver, self.settings, self.screen = solver, settings, screen
        self.asked: dict[str, int] = {}  # how often each prompt has been
        self.stepwise: Stepwise | None = None
        if settings.stepwise:
            if not isinstance(solver, NextToken):
                raise UserError("this model cannot say what it would write next; use mode normal")
            self.stepwise = Stepwise(solver, screen, settings.max_new_tokens)

    def greet(self, name: str) -> None:
        """Say who is there, and how to go."""
        domain = self.solver.domain
        self.screen.say(f"This is {name}" + ("." if domain is None else f": {_described(domain)}."))
        if self.stepwise is not None:
            self.screen.say("You choose every token: ENTER takes the likeliest, #2 the second, done ends the row.")
        if self.screen.has_shades:
            self.screen.say(legend())
        self.screen.say("quit, exit, q, Ctrl-C or Ctrl-D end the session.")

    def exchange(self) -> bool:
        """One question and its answer; false when the user wants to go."""
        self.screen.say()
        line = self.screen.ask("Enter expression:", "ask")
        if line.lower() in LEAVE:
            return False
        if not line:
            return True
        problem = why_unreadable(self.solver, line)
        if problem is not None:
            self.screen.say(f"Error: {problem}", "error")
            return True
        try:
            if self.stepwise is not None:
                return self.stepwise.write(line)
            self._complete(line)
        except UserError as error:
            self.screen.say(f"Error: {error}", "error")
        return True

    def _complete(self, prompt: str) -> None:
        self.screen.say(f"Generating completion for: {prompt}", "think")
        again = self.asked[prompt] = self.asked.get(prompt, -1) + 1
        (completion,) = self.solver.solve(
            [prompt],
            temperature=self.settings.temperature,
            max_new_tokens=self.settings.max_new_tokens,
            seed=keyed_random(self.settings.seed, prompt, again).getrandbits(32),  # the same prompt is drawn anew
        )
        show_completion(self.screen, self.solver, completion)


def _described(domain: Domain) -> str:
    operators = " ".join(domain.operators)
    return f"{domain.n_operands} numbers from {domain.min_operand} to {domain.max_operand}, {operators}"
