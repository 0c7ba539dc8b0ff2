"""The problems of the experiment, made and judged by exact integer arithmetic, as tensors of token ids."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

DIGITS = 10
"""Token ids 0 to 9 are the digits of sums and products."""
CHAINS_PER_ROW = 2
"""Chains in a row that is learned from; in an exam there is one."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Problems of one length: `tokens` [n, time], and the `targets` [n, k] of the last k places.

    The tokens of an answer before its last one are read too, each after it was asked for: an argmax that is right at
    every place is a greedy answer that is right.
    """

    tokens: Tensor
    targets: Tensor

    @property
    def n_asked(self) -> int:
        """Places that are asked for."""
        return self.targets.size(1)


Graded = dict[int, dict[int, Tensor]]
"""Depth of the answer -> level -> which problems are right, bool [n]."""


class Task(ABC):
    """One kind of problem in several sizes, its levels.

    `trained` are the levels of the stream, `measured` those whose mean is the result, `beyond` further ones that are
    asked, larger than any trained.
    """

    name: str
    title: str
    vocab_size: int
    trained: tuple[int, ...]
    measured: tuple[int, ...]
    beyond: tuple[int, ...]
    whole_answers: bool
    """Whether an answer is several tokens in slots of a fixed number."""

    @property
    def levels(self) -> tuple[int, ...]:
        """All levels that are asked."""
        return (*self.measured, *self.beyond)

    def level_name(self, level: int) -> str:
        """A level in the words of a table."""
        return str(level)

    @abstractmethod
    def stream(self, n: int, level: int, generator: torch.Generator) -> Rows:
        """`n` problems of a level to train on."""

    @abstractmethod
    def shape(self, level: int) -> tuple[int, int]:
        """Tokens of a row of that level, and places that are asked in it."""

    @abstractmethod
    def exams(self, n: int) -> Sequence[tuple[tuple[int, ...], Rows]]:
        """`n` problems of every level, the same whenever asked, as rows and the levels they are asked for."""

    @abstractmethod
    def grade(self, rows: Rows, levels: Sequence[int], predicted: Tensor) -> Mapping[int, Tensor]:
        """Which rows are right, bool [n], at each of `levels`; `predicted` [n, k] are token ids."""


class Chains(Task):
    """a op b op c ..., from left to right, modulo a prime: after each step the value so far is asked for.

    A step is one token: plus or minus 0 to p - 1, or times 1 to p - 1, so that no step forgets what was before it.
    Each prefix of a chain is a problem of its own, whose answer is asked for at its last token and is never read: a
    chain of 16 steps asks all depths from 1 to 16. Level d is the d-th step. Rows that are learned from hold two
    chains, one after the other: so the largest distances of an exam are seen in training, though not its depths.
    """

    name, title = "C", "chains of modular operations, answered in one token"
    whole_answers = False

    def __init__(
        self, modulus: int = 7, trained: int = 16, measured: Sequence[int] = (4, 8, 12, 16),
        beyond: Sequence[int] = (20, 24, 28, 32),
    ) -> None:  # fmt: skip
        self.modulus = modulus
        self.trained = tuple(range(1, trained + 1))
        self.measured, self.beyond = tuple(measured), tuple(beyond)
        self.vocab_size = 4 * modulus

    def make(self, n: int, depth: int, generator: torch.Generator) -> Rows:
        """`n` chains of `depth` steps."""
        value = torch.randint(self.modulus, (n,), generator=generator)
        operator = torch.randint(3, (n, depth), generator=generator)
        operand = torch.randint(self.modulus, (n, depth), generator=generator)
        factor = torch.randint(1, self.modulus, (n, depth), generator=generator)
        operand = torch.where(operator == 2, factor, operand)
        tokens = torch.cat((value[:, None], self.modulus * (1 + operator) + operand), 1)
        values = [value]
        for step in range(depth):
            sign, number = operator[:, step], operand[:, step]
            changed = torch.where(sign == 2, value * number, value + torch.where(sign == 1, -number, number))
            value = changed.remainder(self.modulus)
            values.append(value)
        return Rows(tokens, torch.stack(values, 1))

    def stream(self, n: int, level: int, generator: torch.Generator) -> Rows:
        """`n` rows of two chains of `level` steps."""
        first, second = (self.make(n, level, generator) for _ in range(CHAINS_PER_ROW))
        return Rows(torch.cat((first.tokens, second.tokens), 1), torch.cat((first.targets, second.targets), 1))

    def shape(self, level: int) -> tuple[int, int]:
        """The first values and the steps, after each of which is asked."""
        return CHAINS_PER_ROW * (level + 1), CHAINS_PER_ROW * (level + 1)

    def exams(self, n: int) -> Sequence[tuple[tuple[int, ...], Rows]]:
        """`n` chains of the largest depth, in which all others lie."""
        return [(self.levels, self.make(n, max(self.levels), keyed_generator("exam", self.name)))]

    def grade(self, rows: Rows, levels: Sequence[int], predicted: Tensor) -> Mapping[int, Tensor]:
        """The value after d steps, for each d."""
        right = predicted == rows.targets
        return {level: right[:, level] for level in levels}


class _OnceAsked(Task):
    """Problems whose answer stands at their end, least significant digit first, in slots of a fixed number."""

    whole_answers = True
    n_slots: int
    """Digits of the longest answer."""

    def stream(self, n: int, level: int, generator: torch.Generator) -> Rows:
        """`n` problems of a level, none of them among those that exams are made of."""
        return self._rows(self._operands(n, level, generator, held_out=False), level)

    def exams(self, n: int) -> Sequence[tuple[tuple[int, ...], Rows]]:
        """`n` problems of each level from those that are never trained on."""
        made = []
        for level in self.levels:
            operands = self._operands(n, level, keyed_generator("exam", self.name, level), held_out=True)
            made.append(((level,), self._rows(operands, level)))
        return made

    def grade(self, rows: Rows, levels: Sequence[int], predicted: Tensor) -> Mapping[int, Tensor]:
        """All digits of the answer."""
        (level,) = levels
        return {level: (predicted == rows.targets).all(1)}

    def _operands(self, n: int, level: int, generator: torch.Generator, *, held_out: bool) -> Tensor:
        found: list[Tensor] = []
        while sum(map(len, found)) < n:
            drawn = self._draw(2 * n if not held_out else 6 * n, level, generator)
            found.append(drawn[is_held_out(drawn) == held_out])
        return torch.cat(found)[:n]

    def _answer_slots(self, answers: Tensor) -> Tensor:
        places = DIGITS ** torch.arange(self.n_slots)
        return answers[:, None] // places % DIGITS

    @abstractmethod
    def _draw(self, n: int, level: int, generator: torch.Generator) -> Tensor:
        """Operands [n, count]."""

    @abstractmethod
    def _rows(self, operands: Tensor, level: int) -> Rows:
        """The rows of these operands."""


class Sums(_OnceAsked):
    """abc...=, the sum of k digits, answered in three digits without a step between. Level k."""

    name, title = "A", "sums of k digits, answered without steps"
    equals, vocab_size, n_slots = 10, 11, 3

    def __init__(
        self, trained: int = 16, measured: Sequence[int] = (4, 8, 12, 16), beyond: Sequence[int] = (24, 32)
    ) -> None:
        self.trained = tuple(range(2, trained + 1))
        self.measured, self.beyond = tuple(measured), tuple(beyond)

    def shape(self, level: int) -> tuple[int, int]:
        """The digits and a sign, and all digits of the answer but the last."""
        return level + self.n_slots, self.n_slots

    def _draw(self, n: int, level: int, generator: torch.Generator) -> Tensor:
        return torch.randint(DIGITS, (n, level), generator=generator)

    def _rows(self, operands: Tensor, level: int) -> Rows:
        sign = torch.full((len(operands), 1), self.equals)
        answer = self._answer_slots(operands.sum(1))
        return Rows(torch.cat((operands, sign, answer[:, :-1]), 1), answer)


class Products(_OnceAsked):
    """ab*cd=, answered in as many digits as both have, without a step between. Level 10 a + b: a by b digits."""

    name, title = "M", "products, answered without steps"
    times, equals, vocab_size, n_slots = 10, 11, 12, 6

    def __init__(self, trained: Sequence[int] = (21, 22, 33), beyond: Sequence[int] = ()) -> None:
        self.trained = self.measured = tuple(trained)
        self.beyond = tuple(beyond)

    def level_name(self, level: int) -> str:
        """The digits of both operands."""
        return " x ".join(map(str, divmod(level, DIGITS)))

    def shape(self, level: int) -> tuple[int, int]:
        """Both operands with a sign each, and all digits of the answer but the last."""
        digits = sum(divmod(level, DIGITS))
        return 2 * digits + 1, digits

    def _draw(self, n: int, level: int, generator: torch.Generator) -> Tensor:
        columns = []
        for digits in divmod(level, DIGITS):
            low = 0 if digits == 1 else DIGITS ** (digits - 1)
            columns.append(torch.randint(low, DIGITS**digits, (n,), generator=generator))
        return torch.stack(columns, 1)

    def _rows(self, operands: Tensor, level: int) -> Rows:
        widths = divmod(level, DIGITS)
        parts = []
        for column, (width, sign) in enumerate(zip(widths, (self.times, self.equals), strict=True)):
            places = DIGITS ** torch.arange(width - 1, -1, -1)
            parts += [operands[:, column, None] // places % DIGITS, torch.full((len(operands), 1), sign)]
        answer = self._answer_slots(operands.prod(1))[:, : sum(widths)]
        parts.append(answer[:, :-1])
        return Rows(torch.cat(parts, 1), answer)


def is_held_out(operands: Tensor) -> Tensor:
    """Whether a problem is one of the fifth that is asked and never trained on, bool [n]; operands [n, count].

    It depends on the set of operands alone, so that a*b and b*a are on the same side.
    """
    mixed = (operands * 2_654_435_761 + 12_345).remainder(2**32)
    mixed = (mixed ^ (mixed >> 15)) * 1_540_483_477 % 2**32
    mixed = mixed ^ (mixed >> 13)
    return mixed.sum(1).remainder(1_000_003).remainder(5) == 0


def keyed_generator(*key: object) -> torch.Generator:
    """A generator of random numbers that depends on `key` alone."""
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=8).digest()
    generator = torch.Generator()
    generator.manual_seed(int.from_bytes(digest, "little") >> 1)
    return generator


TASKS: Mapping[str, type[Task]] = {"C": Chains, "A": Sums, "M": Products}
