"""What a stream of batches draws on: the rows of a step, and the rows held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from longhand.arithmetic.problem import Problem
from longhand.data.tokens import TokenArrays

HeldOutSplit = Literal["val", "test"]


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Rows no step trains on, and the problems they ask (None for text that is no arithmetic)."""

    tokens: TokenArrays
    problems: Sequence[Problem] | None

    def __len__(self) -> int:
        return len(self.tokens)


class Source(Protocol):
    """Training rows by step, held-out rows by split."""

    @property
    def longest(self) -> int:
        """Tokens of the longest row that can occur, end mark included."""
        ...

    def rows(self, step: int, batch_size: int, seed: int) -> TokenArrays:
        """The rows of one global batch; depends on nothing but these arguments."""
        ...

    def held_out(self, split: HeldOutSplit, n: int | None) -> HeldOut:
        """`n` rows (all of them for None, or if there are fewer) of a held-out split."""
        ...

    def describe(self) -> dict[str, Any]:
        """What is trained on, as JSON data."""
        ...
