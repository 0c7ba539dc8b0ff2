"""Where in a domain of two operands a solver is right: counts by blocks of operands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from longhand.arithmetic.domain import Domain
from longhand.arithmetic.problem import SYMBOLS
from longhand.data.problems import ProblemArrays
from longhand.errors import UserError


@dataclass(frozen=True, slots=True)
class OperandMap:
    """How often one operator was asked and answered right, by blocks of operands.

    `right[i, j]` and `asked[i, j]` are about first operands from `low + i * block` and second ones from
    `low + j * block` on, `block` of each at most.
    """

    operator: str
    right: NDArray[np.int64]
    asked: NDArray[np.int64]
    low: int
    high: int
    block: int

    @property
    def share(self) -> NDArray[np.float64]:
        """Exact match (0..1) of each block; NaN where nothing was asked."""
        share = np.full(self.asked.shape, np.nan)
        np.divide(self.right, self.asked, out=share, where=self.asked > 0)
        return share


def operand_maps(
    domain: Domain, problems: ProblemArrays, right: NDArray[np.bool_], *, block: int | None = None
) -> list[OperandMap]:
    """Return a map per operator of the domain from `problems` of it, `right` [n] where they were answered correctly.

    Without a `block`, blocks are as wide as needed for at most 100 of them. Raises `UserError` for problems of more
    operands than two.
    """
    if domain.n_operands != 2:
        raise UserError(f"a map has two axes, and these problems {domain.n_operands} operands")
    low, high = domain.min_operand, domain.max_operand
    block = block or -(-(high - low + 1) // 100)
    n = -(-(high - low + 1) // block)
    rows, columns = ((problems.operands - low) // block).T
    cells = (problems.operators[:, 0] * n + rows) * n + columns
    shape = (len(SYMBOLS), n, n)
    n_right, n_asked = (np.bincount(c, minlength=np.prod(shape)).reshape(shape) for c in (cells[right], cells))
    places = {operator: SYMBOLS.index(operator) for operator in domain.operators}
    return [OperandMap(operator, n_right[i], n_asked[i], low, high, block) for operator, i in places.items()]
