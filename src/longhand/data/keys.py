"""The split hash of many problems at once: `split_hash(canonical_key(problem), seed)`, row by row."""

from __future__ import annotations

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.canonical import LITERAL, ORDER_FACT, PRODUCT_FACT, SUM_FACT, TERMS, canonical_key
from longhand.arithmetic.problem import SYMBOLS
from longhand.arithmetic.splits import GAMMA, MASK64, MULTIPLIER_1, MULTIPLIER_2, SplitConfig, mix64, split_hash
from longhand.data.problems import MINUS, OVER, PLUS, TIMES, VERSUS, Ints, ProblemArrays

Hashes = NDArray[np.uint64]
Word = int | Ints  # one word of a key: the same in every row, or one number per row
Term = tuple[int, list[Ints], list[Ints]]  # sign, sorted factors above and below the fraction bar


def keys_hash(arrays: ProblemArrays, seed: int, inverse: bool = False) -> Hashes:
    """Return `[n]` uint64 equal to `split_hash(canonical_key(p, inverse=inverse), seed)` for every row `p`.

    The key must be spelled alike here and in `canonical`; a test compares the two over all kinds of problem.
    """
    hashes = np.empty(len(arrays), dtype=np.uint64)
    places = len(SYMBOLS) ** np.arange(arrays.operators.shape[1])
    chains = arrays.operators @ places
    for chain in np.unique(chains):
        rows = np.flatnonzero(chains == chain)
        hashes[rows] = _hash_chain(arrays.take(rows), seed, inverse)
    return hashes


def split_hashes(arrays: ProblemArrays, split: SplitConfig) -> Hashes:
    """Return `[n]` uint64 that `split.thresholds` divide as `split.split_of` divides the problems."""
    hashes = keys_hash(arrays, split.seed, split.inverse)
    if split.train_basic_facts:
        hashes[_basic_facts(arrays, split.inverse)] = 0
    return hashes


def _basic_facts(arrays: ProblemArrays, inverse: bool) -> NDArray[np.bool_]:
    """Which rows are basic facts, `[n]`; see `canonical.is_basic_fact`."""
    if arrays.operands.shape[1] != 2:
        return np.zeros(len(arrays), dtype=np.bool_)
    basic: NDArray[np.bool_] = abs(arrays.operands).max(axis=1, initial=0) <= 9
    if not inverse:
        return basic
    for operator in np.unique(arrays.operators):
        rows = np.flatnonzero(arrays.operators[:, 0] == operator)
        family, _, small, large = _family(int(operator), *arrays.operands[rows].T)
        basic[rows] = np.where(family, np.maximum(small, large) <= 9, basic[rows])
    return basic


def _hash_chain(arrays: ProblemArrays, seed: int, inverse: bool) -> Hashes:
    """Hash problems that share their operators."""
    operators: tuple[int, ...] = tuple(arrays.operators[0].tolist())
    columns = list(np.ascontiguousarray(arrays.operands.T))
    if inverse and len(operators) == 1:
        family, code, small, large = _family(operators[0], *columns)
        hashed = _fold([code, small, large], seed)
        if family.all():
            return hashed
        words = _terms_key(operators, columns, arrays.division == "remainder")
        assert words is not None
        return np.where(family, hashed, _fold(words, seed))
    if operators == (VERSUS,):
        return _fold([ORDER_FACT, np.minimum(*columns), np.maximum(*columns)], seed)
    chain = max(operators) <= MINUS or min(operators) >= TIMES
    if arrays.semantics == "left_to_right" and not chain:
        flat = [word for pair in zip(operators, columns[1:], strict=True) for word in pair]
        return _fold([LITERAL, columns[0], *flat], seed)
    words = _terms_key(operators, columns, arrays.division == "remainder")
    if words is None:
        keys = [canonical_key(problem, inverse=inverse) for problem in arrays.problems()]
        return np.array([split_hash(key, seed) for key in keys], dtype=np.uint64)
    return _fold(words, seed)


def _family(operator: int, a: Ints, b: Ints) -> tuple[NDArray[np.bool_], int, Ints, Ints]:
    """Which rows are facts of a family, the code of the family, and its two smaller numbers."""
    x, y = abs(a), abs(b)
    family = np.ones(len(a), dtype=np.bool_)
    if operator <= MINUS:
        z = abs(a + b if operator == PLUS else a - b)
        small, largest = np.minimum(np.minimum(x, y), z), np.maximum(np.maximum(x, y), z)
        return family, SUM_FACT, small, largest - small  # the largest is the sum of the others
    if operator == OVER:
        x, remainders = np.divmod(x, np.maximum(y, 1))
        family = remainders == 0
    code = ORDER_FACT if operator == VERSUS else PRODUCT_FACT
    return family, code, np.minimum(x, y), np.maximum(x, y)


def _terms_key(operators: tuple[int, ...], columns: list[Ints], remainder: bool) -> list[Word] | None:
    """The words of a key of sorted terms, or None where the order of its words differs from row to row."""
    words: list[Word] = [TERMS, int(remainder and OVER in operators)]
    terms = sorted(_terms(operators, columns), key=_shape)
    for (sign, n_above), alike in groupby(terms, key=_shape):
        group = list(alike)
        if len({len(below) for _, _, below in group}) > 1:
            return None
        for numbers in _sort_rows([above + below for _, above, below in group]):
            words += [len(numbers) + 2, sign, n_above, *numbers]
    return words


def _terms(operators: tuple[int, ...], columns: list[Ints]) -> list[Term]:
    terms: list[Term] = []
    sign, above, below = 1, [columns[0]], list[Ints]()
    for operator, column in zip(operators, columns[1:], strict=True):
        if operator == TIMES:
            above.append(column)
        elif operator == OVER:
            below.append(column)
        else:
            terms.append((sign, _sort_columns(above), _sort_columns(below)))
            sign, above, below = (1 if operator == PLUS else -1), [column], []
    return [*terms, (sign, _sort_columns(above), _sort_columns(below))]


def _shape(term: Term) -> tuple[int, int]:
    return term[0], len(term[1])


def _sort_columns(columns: list[Ints]) -> list[Ints]:
    return list(np.sort(np.stack(columns), axis=0)) if len(columns) > 1 else columns


def _sort_rows(vectors: list[list[Ints]]) -> list[list[Ints]]:
    """Sort vectors lexicographically in each row by exchanging neighbours (there are few of them)."""
    vectors = list(vectors)
    for unsorted in range(len(vectors) - 1, 0, -1):
        for i in range(unsorted):
            left, right = vectors[i], vectors[i + 1]
            exchange = np.zeros(len(left[0]), dtype=np.bool_)
            for x, y in zip(reversed(left), reversed(right), strict=True):
                exchange = (x > y) | ((x == y) & exchange)
            pairs = list(zip(left, right, strict=True))
            vectors[i] = [np.where(exchange, y, x) for x, y in pairs]
            vectors[i + 1] = [np.where(exchange, x, y) for x, y in pairs]
    return vectors


def _fold(words: list[Word], seed: int) -> Hashes:
    """`split_hash` over columns; leading words that every row shares are folded once."""
    start = mix64((seed + GAMMA) & MASK64)
    state: Hashes | None = None
    for word in words:
        if isinstance(word, int) and state is None:
            start = mix64(((start ^ (word & MASK64)) + GAMMA) & MASK64)
            continue
        bits = np.uint64(word & MASK64) if isinstance(word, int) else word.view(np.uint64)
        before = np.uint64(start) if state is None else state
        state = _mix(np.asarray((before ^ bits) + np.uint64(GAMMA), dtype=np.uint64))
    assert state is not None
    return state


def _mix(word: Hashes) -> Hashes:
    """`splits.mix64` on arrays, where uint64 wraps by itself."""
    word = (word ^ (word >> np.uint64(30))) * np.uint64(MULTIPLIER_1)
    word = (word ^ (word >> np.uint64(27))) * np.uint64(MULTIPLIER_2)
    return word ^ (word >> np.uint64(31))


def below(hashes: Hashes, threshold: int) -> NDArray[np.bool_]:
    """`hash < threshold` for a threshold that may be 2**64, which uint64 cannot hold."""
    if threshold > MASK64:
        return np.ones(len(hashes), dtype=np.bool_)
    return hashes < np.uint64(threshold)
