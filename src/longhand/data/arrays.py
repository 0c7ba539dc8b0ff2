"""A domain as arrays: every problem by its place, and samples of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import product
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import SYMBOLS
from longhand.data.keys import keys_hash
from longhand.data.problems import OVER, VERSUS, Ints, ProblemArrays, evaluate, from_problems, solve_arrays
from longhand.errors import UserError

__all__ = [
    "ProblemArrays",
    "count_problems",
    "domain_arrays",
    "from_problems",
    "keys_hash",
    "problems_at",
    "sample_arrays",
    "solve_arrays",
]

LISTED_LIMIT = 2**26  # candidates tried one by one to list a block that has no closed form
CHUNK = 2**18


@dataclass(frozen=True, slots=True)
class Block:
    """The problems of a domain with the same operators, in order.

    A `full` block holds every choice of operands, `falling` the pairs with a >= b, and `listed` the places
    (within the full block) of those that belong.
    """

    operators: NDArray[np.uint8]  # [k - 1]
    size: int
    shape: Literal["full", "falling", "listed"]
    places: Ints | None = None

    def operands(self, indices: Ints, low: int, n: int, k: int) -> Ints:
        """Operands `[len(indices), k]` of the problems at these places of the block."""
        if self.shape == "falling":
            a = np.sqrt(2.0 * indices).astype(np.int64)  # a(a+1)/2 <= index < (a+1)(a+2)/2, to rounding
            a -= a * (a + 1) // 2 > indices
            a += (a + 1) * (a + 2) // 2 <= indices
            return np.stack([a, indices - a * (a + 1) // 2], axis=1) + low
        if self.places is not None:
            indices = self.places[indices]
        columns = []
        for _ in range(k - 1):
            indices, digit = np.divmod(indices, n)
            columns.append(digit)
        return np.stack([indices, *reversed(columns)], axis=1) + low


def domain_arrays(domain: Domain, start: int = 0, stop: int | None = None) -> ProblemArrays:
    """Problems `start` to `stop` of a domain, in the order of `iter(domain)`.

    Raises `UserError` for a domain too large to be enumerated.
    """
    size = count_problems(domain)
    stop = size if stop is None else min(stop, size)
    return problems_at(domain, np.arange(start, max(start, stop), dtype=np.int64))


def count_problems(domain: Domain) -> int:
    """The number of problems in a domain, equal to `domain.size` and fast for any number of operands.

    Raises `UserError` for a domain too large to be enumerated.
    """
    size = sum(block.size for block in _blocks(domain))
    if size >= 2**62:
        raise UserError("the domain has more than 2**62 problems and cannot be enumerated; lower max_operand")
    return size


def problems_at(domain: Domain, indices: Ints) -> ProblemArrays:
    """The problems at these places in the order of `iter(domain)`."""
    blocks = _blocks(domain)
    bounds = np.cumsum([0, *(block.size for block in blocks)])
    low, k = domain.min_operand, domain.n_operands
    n = domain.max_operand - low + 1
    owner = np.searchsorted(bounds, indices, side="right") - 1
    operands = np.empty((len(indices), k), dtype=np.int64)
    operators = np.empty((len(indices), k - 1), dtype=np.uint8)
    for number in np.unique(owner):
        rows = owner == number
        operands[rows] = blocks[number].operands(indices[rows] - bounds[number], low, n, k)
        operators[rows] = blocks[number].operators
    return solve_arrays(operands, operators, semantics=domain.semantics, division=domain.division)


def sample_arrays(domain: Domain, rng: np.random.Generator, n: int) -> ProblemArrays:
    """Draw `n` problems of a domain, each equally likely, with replacement.

    Raises `UserError` for a domain without problems, or one so sparse that drawing at random finds none.
    """
    if domain_can_be_enumerated(domain):
        size = count_problems(domain)
        if size == 0:
            raise UserError(f"no problem lies in the domain {domain}; widen its operands or operators")
        return problems_at(domain, rng.integers(size, size=n))
    return _sample_by_rejection(domain, rng, n)


def belongs(domain: Domain, operands: Ints, operators: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Which choices of operands within the domain's bounds are problems of it, `[n]`."""
    numerators, denominators, _ = evaluate(operands, operators, domain.semantics, domain.division)
    member: NDArray[np.bool_] = denominators == 1
    if domain.negatives != "allow":
        member &= (numerators >= 0) | (operators[:, 0] == VERSUS)
    return member


@lru_cache(maxsize=8)
def domain_can_be_enumerated(domain: Domain) -> bool:
    """Whether every problem has a place: closed forms for the common cases, a list for small ones."""
    try:
        count_problems(domain)
    except UserError:
        return False
    return True


@lru_cache(maxsize=8)
def _blocks(domain: Domain) -> tuple[Block, ...]:
    n = domain.max_operand - domain.min_operand + 1
    codes = [SYMBOLS.index(operator) for operator in domain.operators]
    return tuple(
        _block(domain, np.array(operators, dtype=np.uint8), n)
        for operators in product(codes, repeat=domain.n_operands - 1)
    )


def _block(domain: Domain, operators: NDArray[np.uint8], n: int) -> Block:
    symbols = "".join(SYMBOLS[code] for code in operators)
    signed = domain.negatives == "allow"
    if domain.compares or ("/" not in symbols and (signed or ("-" not in symbols and domain.min_operand >= 0))):
        return Block(operators, n**domain.n_operands, "full")
    if symbols == "-":
        return Block(operators, n * (n + 1) // 2, "falling")
    if symbols == "/" and domain.division == "exact":
        places = _divisible_pairs(domain, n)
    else:
        places = _listed(domain, operators, n)
    return Block(operators, len(places), "listed", places)


def _listed(domain: Domain, operators: NDArray[np.uint8], n: int) -> Ints:
    total = n**domain.n_operands
    if total > LISTED_LIMIT:
        raise UserError(
            f"the {total:,} candidates a{'b'.join(SYMBOLS[code] for code in operators)}c are too many to list; "
            "lower max_operand or n_operands"
        )
    full = Block(operators, total, "full")
    found = []
    for start in range(0, total, CHUNK):
        places = np.arange(start, min(start + CHUNK, total), dtype=np.int64)
        operands = full.operands(places, domain.min_operand, n, domain.n_operands)
        found.append(places[belongs(domain, operands, np.tile(operators, (len(places), 1)))])
    return np.concatenate(found)


def _divisible_pairs(domain: Domain, n: int) -> Ints:
    """Places of the pairs (a, b) with b a divisor of a, by walking the multiples of each b."""
    low, high = domain.min_operand, domain.max_operand
    if n > LISTED_LIMIT // 32:
        raise UserError(f"operands up to {high} have too many exact divisions to list; lower max_operand")
    found = []
    for b in range(low, high + 1):
        if b != 0:
            step = abs(b)
            a = np.arange(-(-low // step) * step, high + 1, step, dtype=np.int64)
            found.append((a - low) * n + (b - low))
    places = np.sort(np.concatenate(found)) if found else np.empty(0, dtype=np.int64)
    operands = Block(np.array([OVER], dtype=np.uint8), n * n, "full").operands(places, low, n, 2)
    return places[belongs(domain, operands, np.full((len(places), 1), OVER, dtype=np.uint8))]


def _sample_by_rejection(domain: Domain, rng: np.random.Generator, n: int) -> ProblemArrays:
    codes = np.array([SYMBOLS.index(operator) for operator in domain.operators], dtype=np.uint8)
    found: list[ProblemArrays] = []
    have = tried = 0
    while have < n:
        draws = max(2 * (n - have), 1024)
        operands = rng.integers(domain.min_operand, domain.max_operand, (draws, domain.n_operands), endpoint=True)
        operators = codes[rng.integers(len(codes), size=(draws, domain.n_operands - 1))]
        member = belongs(domain, operands, operators)
        tried += draws
        have += int(member.sum())
        if tried > 1000 * (have + 1000):
            raise UserError(f"fewer than 1 in 1000 draws lies in the domain {domain}; lower max_operand")
        found.append(
            solve_arrays(operands[member], operators[member], semantics=domain.semantics, division=domain.division)
        )
    return concatenate(found).take(slice(n))


def concatenate(parts: list[ProblemArrays]) -> ProblemArrays:
    """Join arrays of problems with the same number of operands and rules."""
    first = parts[0]
    remainders = [
        np.full(len(part), -1, dtype=np.int64) if part.remainders is None else part.remainders for part in parts
    ]
    return ProblemArrays(
        np.concatenate([part.operands for part in parts]),
        np.concatenate([part.operators for part in parts]),
        np.concatenate([part.answers for part in parts]),
        None if all(part.remainders is None for part in parts) else np.concatenate(remainders),
        first.semantics,
        first.division,
    )
