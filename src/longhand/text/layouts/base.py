"""What a layout is: from the tokens so far to the places that the next token is written from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from longhand.errors import UserError
from longhand.text.vocabulary import Vocabulary

Places = tuple[int, ...]
"""Indices of tokens, one per slot; the first is the last token there is."""


class Cursor(ABC):
    """Where in the rows of one problem the next token stands.

    It looks at the delimiters of the prompt and at the control tokens among those pushed, never at a digit or at a
    letter that stands for one; it takes tokens in any order, sensible or not.
    """

    def __init__(self, ids: Sequence[int]) -> None:
        self.ids = list(ids)

    @abstractmethod
    def places(self) -> Places:
        """The places of the slots of the next token."""

    def push(self, token_id: int) -> None:
        """Go on by a token."""
        self.ids.append(token_id)

    def window(self) -> Places:
        """The tokens in the slots of the next token."""
        return tuple([self.ids[place] for place in self.places()])


@dataclass(frozen=True)
class Row:
    """A number in the text: `length` digits beside two delimiters, the units next to `units_side`.

    `step` is -1 where the units stand on the right, as in operands, else 1.
    """

    units_side: int  # the place of the delimiter beside the units
    length: int
    step: int

    def place(self, k: int) -> int:
        """The place of the digit worth 10**k; of the delimiters below the units and above the highest digit."""
        return self.units_side + self.step * (min(max(k, -1), self.length) + 1)


def operand_rows(operator: int, end: int) -> tuple[Row, Row]:
    """The two numbers of a prompt, from the places of its operator and of `=`."""
    return Row(operator, operator - 1, -1), Row(end, end - operator - 1, -1)


class Layout(ABC):
    """A rule that gives each token of the rows the few tokens it is written from.

    `name` is that of the configuration, `vocabulary` what the rows are spelled with, `operators` what they are rows
    of, `slots` the names of the places, the first being the last token written.
    """

    name: ClassVar[str]
    operators: ClassVar[str]
    slots: ClassVar[tuple[str, ...]]

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.bos, self.eos = vocabulary.id_of("bos"), vocabulary.id_of("eos")
        self.token = {text: i for i, text in enumerate(vocabulary.tokens)}
        self.equals = self.token["="]
        self.operator_ids = {self.token[operator]: operator for operator in self.operators}

    @abstractmethod
    def cursor(self, prompt: Sequence[int]) -> Cursor:
        """A cursor after the `=` of a prompt `bos a operator b =`; raises `UserError` for any other prompt."""

    def windows(self, ids: Sequence[int]) -> list[Places]:
        """The window of the token after each token from `=` on."""
        start = self._end_of_prompt(ids)
        cursor = self.cursor(ids[:start])
        found = [cursor.window()]
        for token_id in ids[start:]:
            cursor.push(token_id)
            found.append(cursor.window())
        return found

    def _end_of_prompt(self, ids: Sequence[int]) -> int:
        try:
            return list(ids).index(self.equals) + 1
        except ValueError:
            raise UserError(f"{self.vocabulary.decode(ids)!r} has no =; ask a{self.operators[0]}b=") from None

    def _split(self, prompt: Sequence[int]) -> tuple[int, int]:
        """The places of the operator and of `=`."""
        found = [place for place, token in enumerate(prompt) if token in self.operator_ids]
        end = len(prompt) - 1
        well_formed = (
            len(found) == 1
            and prompt[0] == self.bos
            and prompt[-1] == self.equals
            and 1 < found[0] < end - 1
            and all(self.vocabulary.tokens[t].isdigit() for t in prompt[1:end] if t not in self.operator_ids)
        )
        if not well_formed:
            kinds = " or ".join(f"a{operator}b=" for operator in self.operators)
            shown = self.vocabulary.decode(prompt, skip_special=True)
            raise UserError(f"{shown!r} is not what this model reads; ask {kinds} with numbers of at least 0")
        return found[0], end
