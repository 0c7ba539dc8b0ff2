"""A domain too large for a table: rows are drawn at random and kept if the hash says that they are training rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import SYMBOLS
from longhand.arithmetic.splits import SplitConfig
from longhand.data.arrays import belongs, concatenate, count_problems, domain_can_be_enumerated, sample_arrays
from longhand.data.config import DataConfig, Modifier
from longhand.data.encode import encode_arrays, longest_row
from longhand.data.hard_cases import carry_travels
from longhand.data.keyed import keyed_generator
from longhand.data.keys import below, split_hashes
from longhand.data.mixture import describe_domain_source, share_rows
from longhand.data.problems import Codes, Ints, ProblemArrays, solve_arrays
from longhand.data.source import HeldOut, HeldOutSplit
from longhand.data.tokens import TokenArrays
from longhand.errors import UserError
from longhand.text.formats import Format
from longhand.text.vocabulary import Vocabulary

MAX_DRAWS = 2**22  # without a find before a rule counts as impossible
PROBES = 1024  # draws by which a cell of operand lengths shows that it holds training problems


class SampledSource:
    """The training part of a domain of any size; nothing is stored, every step draws anew.

    Each rule is exactly uniform over what it covers, because candidates are uniform and the rest is refused.
    """

    def __init__(
        self, domain: Domain, split: SplitConfig, config: DataConfig, format: Format, vocabulary: Vocabulary
    ) -> None:
        self._domain, self._split, self._mixture = domain, split, config.mixture
        self._format, self._vocabulary = format, vocabulary
        if config.mixture.get("short", 0) > 0 and "/" in domain.operators and domain.division == "exact":
            raise UserError(
                "data.mixture.short cannot draw exact divisions from a domain this large; "
                "leave it out or lower max_operand"
            )
        if config.mixture.get("long_division", 0) > 0:
            raise UserError(
                "data.mixture.long_division cannot draw from a domain this large; leave it out or lower max_operand"
            )
        self._cells = _Cells.of(domain, self._is_train) if config.mixture.get("short", 0) > 0 else None
        if config.mixture.get("cascade", 0) > 0:
            self._draw_until("cascade", keyed_generator(split.seed, "probe"), 1)  # raises if there are none

    @property
    def longest(self) -> int:
        """Tokens of the longest row that can occur, end mark included."""
        return longest_row(self._domain, self._format, self._vocabulary)

    def rows(self, step: int, batch_size: int, seed: int) -> TokenArrays:
        """Draw the rows of one step."""
        rng = keyed_generator(seed, "train", step)
        counts = share_rows(self._mixture, batch_size, rng)
        drawn = concatenate([self._draw_until(rule, rng, n) for rule, n in counts.items() if n])
        return encode_arrays(drawn.take(rng.permutation(batch_size)), self._format, self._vocabulary)

    def held_out(self, split: HeldOutSplit, n: int | None) -> HeldOut:
        """Draw rows of a held-out split; in a domain this large a repeated row is possible and harmless."""
        if n is None:
            raise UserError("this domain is too large to hold out every problem of it; say how many rows to draw")
        rng = keyed_generator(self._split.seed, split)
        train, val = self._split.thresholds
        if train == val if split == "val" else val == 2**64:
            n = 0  # nothing is held out here
        arrays = _collect(lambda m: sample_arrays(self._domain, rng, m), lambda a: self._in_split(a, split), n, split)
        return HeldOut(encode_arrays(arrays, self._format, self._vocabulary), arrays.problems())

    def describe(self) -> dict[str, Any]:
        """What is trained on; counts of the parts are expectations and therefore left out."""
        total = count_problems(self._domain) if domain_can_be_enumerated(self._domain) else None
        counts: dict[str, int | None] = {"domain": total, "train": None, "val": None, "test": None}
        return describe_domain_source(self._domain, self._split, self._mixture, counts)

    def _draw_until(self, rule: Modifier, rng: np.random.Generator, n: int) -> ProblemArrays:
        if rule == "short":
            assert self._cells is not None
            return self._cells.draw(rng, n, self._is_train)

        def wanted(arrays: ProblemArrays) -> NDArray[np.bool_]:
            train = self._is_train(arrays)
            return train & carry_travels(arrays) if rule == "cascade" else train

        return _collect(lambda m: sample_arrays(self._domain, rng, m), wanted, n, f"data.mixture.{rule}")

    def _is_train(self, arrays: ProblemArrays) -> NDArray[np.bool_]:
        return below(split_hashes(arrays, self._split), self._split.thresholds[0])

    def _in_split(self, arrays: ProblemArrays, split: HeldOutSplit) -> NDArray[np.bool_]:
        hashes = split_hashes(arrays, self._split)
        train, val = self._split.thresholds
        return below(hashes, val) & ~below(hashes, train) if split == "val" else ~below(hashes, val)


def _collect(
    draw: Callable[[int], ProblemArrays],
    wanted: Callable[[ProblemArrays], NDArray[np.bool_]],
    n: int,
    name: str,
) -> ProblemArrays:
    """Draw candidates until `n` wanted ones are found, more at a time the rarer they are."""
    found: list[ProblemArrays] = []
    have = tried = 0
    while tried < MAX_DRAWS * (have + 1):
        share = max(have, 1) / max(tried, 4)
        draws = min(int((n - have) / share * 1.1) + 64, 2**18)
        candidates = draw(draws)
        found.append(candidates.take(wanted(candidates)))
        have, tried = have + len(found[-1]), tried + draws
        if have >= n:
            return concatenate(found).take(slice(n))
    raise UserError(f"{name}: {tried:,} draws found {have} of {n} rows; raise the fraction or leave it out")


@dataclass(frozen=True, slots=True)
class _Cells:
    """The choices of operators and operand lengths that hold training problems."""

    domain: Domain
    operators: Codes  # [cells, k - 1]
    lengths: Ints  # [cells, k]

    @classmethod
    def of(cls, domain: Domain, is_train: Callable[[ProblemArrays], NDArray[np.bool_]]) -> _Cells:
        longest = max(len(str(abs(domain.min_operand))), len(str(abs(domain.max_operand))))
        sizes = [length for length in range(1, longest + 1) if _numbers_of_length(domain, length)]
        codes = [SYMBOLS.index(operator) for operator in domain.operators]
        operators, lengths = [], []
        for chain in product(codes, repeat=domain.n_operands - 1):
            for choice in product(sizes, repeat=domain.n_operands):
                operators.append(chain)
                lengths.append(choice)
        every = cls(domain, np.array(operators, dtype=np.uint8), np.array(lengths, dtype=np.int64))
        keep = np.zeros(len(operators), dtype=np.bool_)
        for cell in range(len(keep)):
            rng = keyed_generator("cell", cell)
            candidates, member = every.candidates(rng, np.full(PROBES, cell))
            keep[cell] = member.any() and is_train(candidates).any()
        if not keep.any():
            raise UserError("data.mixture.short finds no training problems; raise data.train_fraction")
        return cls(domain, every.operators[keep], every.lengths[keep])

    def draw(
        self, rng: np.random.Generator, n: int, is_train: Callable[[ProblemArrays], NDArray[np.bool_]]
    ) -> ProblemArrays:
        """Choose a cell for each row, then draw in that cell until a training problem comes up."""
        cells = rng.integers(len(self.operators), size=n)
        found: list[ProblemArrays] = []
        for _ in range(MAX_DRAWS // 8):
            tries = np.repeat(cells, 8)
            candidates, member = self.candidates(rng, tries)
            good = member.copy()
            good[member] = is_train(candidates)
            first = np.argmax(good.reshape(-1, 8), axis=1)
            hit = good.reshape(-1, 8)[np.arange(len(cells)), first]
            places = np.cumsum(member) - 1
            found.append(candidates.take(places[(np.arange(len(cells)) * 8 + first)[hit]]))
            cells = cells[~hit]
            if not len(cells):
                return concatenate(found)
        raise UserError(f"data.mixture.short: {len(cells)} rows found no training problem; leave it out")

    def candidates(self, rng: np.random.Generator, cells: Ints) -> tuple[ProblemArrays, NDArray[np.bool_]]:
        """One random choice of operands per entry: those that are problems, and which of the entries they are."""
        bounds = np.array(
            [_bounds(self.domain, length) for length in range(int(self.lengths.max()) + 1)], dtype=np.int64
        )
        low, n_negative, first, total = np.moveaxis(bounds[self.lengths[cells]], -1, 0)  # each [n, k]
        place = rng.integers(total)
        operands = np.where(place < n_negative, low + place, first + place - n_negative)
        operators = self.operators[cells]
        member = belongs(self.domain, operands, operators)
        solved = solve_arrays(
            operands[member],
            operators[member],
            semantics=self.domain.semantics,
            division=self.domain.division,
        )
        return solved, member


def _numbers_of_length(domain: Domain, length: int) -> int:
    return _bounds(domain, length)[3]


def _bounds(domain: Domain, length: int) -> tuple[int, int, int, int]:
    """Operands with so many digits: the lowest negative one, how many are, the first other one, how many in all."""
    if length == 0:
        return 0, 0, 0, 0
    smallest, largest = 10 ** (length - 1), 10**length - 1
    low, high = max(domain.min_operand, -largest), min(domain.max_operand, -smallest)
    n_negative = max(high - low + 1, 0)
    first = max(domain.min_operand, smallest if length > 1 else 0)
    n_other = max(min(domain.max_operand, largest) - first + 1, 0)
    return low, n_negative, first, n_negative + n_other
