"""Where in a domain of two operands a solver is right: shares by blocks of operands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import OPERATORS
from longhand.arithmetic.verdict import Verdict
from longhand.data.arrays import count_problems, domain_arrays
from longhand.errors import UserError
from longhand.evaluation.metrics import CODE_OF, Codes

_CHUNK = 2**18


@dataclass(frozen=True, slots=True)
class OperandMap:
    """Exact match (0..1) of one operator by blocks of operands; NaN where the domain has no problem.

    `share[i, j]` is that of first operands from `low + i * block` and second operands from `low + j * block` on.
    """

    operator: str
    share: NDArray[np.float64]
    low: int
    high: int
    block: int


def operand_maps(domain: Domain, codes: Codes, *, max_blocks: int = 100) -> list[OperandMap]:
    """Return a map per operator from the verdicts of an exhaustive suite (`Report.codes`).

    Blocks are as wide as needed for at most `max_blocks` of them. Raises `UserError` for a domain of more operands,
    or verdicts that are not one per problem of the domain.
    """
    if domain.n_operands != 2:
        raise UserError(f"a map has two axes, and these problems {domain.n_operands} operands")
    if len(codes) != count_problems(domain):
        raise UserError(f"{len(codes)} verdicts do not belong to a domain of {count_problems(domain)} problems")
    low, high = domain.min_operand, domain.max_operand
    block = -(-(high - low + 1) // max_blocks)
    n = -(-(high - low + 1) // block)
    right, asked = (np.zeros(len(OPERATORS) * n * n) for _ in range(2))
    for start in range(0, len(codes), _CHUNK):
        arrays = domain_arrays(domain, start, start + _CHUNK)
        rows, columns = ((arrays.operands - low) // block).T
        cells = (arrays.operators[:, 0] * n + rows) * n + columns
        correct = codes[start : start + _CHUNK] == CODE_OF[Verdict.CORRECT]
        right += np.bincount(cells, correct, minlength=len(right))
        asked += np.bincount(cells, minlength=len(asked))
    share = np.divide(right, asked, out=np.full(len(asked), np.nan), where=asked > 0).reshape(-1, n, n)
    return [OperandMap(operator, share[OPERATORS.index(operator)], low, high, block) for operator in domain.operators]
