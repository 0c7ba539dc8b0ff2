"""A story told in sentences and solved in steps."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from longhand.olympiad.word_problems.draw import Redraw
from longhand.olympiad.word_problems.quantity import Quantity, decimal_places
from longhand.olympiad.word_problems.words import Noun

MOST_DECIMALS = 2
LARGEST = 99_999  # also the largest answer of the olympiad


@dataclass(frozen=True, slots=True)
class Step:
    """One sentence of a solution around one calculation."""

    before: str
    calculation: Quantity
    noun: Noun | None
    after: str

    @property
    def is_money(self) -> bool:
        """Whether the result is an amount of dollars, or of dollars for each of something."""
        return dict(self.calculation.unit).get("dollar") == 1


@dataclass(slots=True)
class Story:
    """Sentences of a question, and the steps that answer it; the last step is the answer."""

    sentences: list[str] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def say(self, *sentences: str) -> None:
        """Add sentences to the question."""
        self.sentences += sentences

    def step(self, before: str, calculation: Quantity, noun: Noun | None = None, after: str = "") -> Quantity:
        """Add the step `before … = … noun after.` and return its result for the steps that follow.

        Raises `Redraw` if the result is negative, half a person, a part of a cent, or too large.
        """
        value = calculation.value
        if value < 0 or value > LARGEST or decimal_places(value, MOST_DECIMALS) is None:
            raise Redraw
        if noun is not None and noun.whole and value.denominator != 1:
            raise Redraw
        self.steps.append(Step(before, calculation, noun, after))
        return calculation.known()

    @property
    def question(self) -> str:
        """The whole question."""
        return " ".join(self.sentences)

    @property
    def answer(self) -> Quantity:
        """The result of the last step."""
        return self.steps[-1].calculation.known()


def money(quantity: Quantity) -> str:
    """An amount as a question writes it: $3, $2.50."""
    return "$" + money_digits(quantity.value)


def money_digits(value: Fraction) -> str:
    """An amount without its sign: whole, or with two decimals."""
    dollars, cents = divmod(value * 100, 100)
    return f"{dollars}.{int(cents):02}" if cents else str(dollars)
