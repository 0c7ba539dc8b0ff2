"""Drawing problems by a sampling rule: uniformly, those in which a carry travels, or every length equally often."""

from __future__ import annotations

import numpy as np

from longhand.data.config import Modifier
from longhand.data.hard_cases import carry_travels, length_cells
from longhand.data.problems import Ints, ProblemArrays


class RuleIndex:
    """Places of problems by sampling rule, so that drawing one is looking one up."""

    def __init__(self, arrays: ProblemArrays) -> None:
        self._n = len(arrays)
        self._hard = np.flatnonzero(carry_travels(arrays))
        cells = length_cells(arrays)
        self._by_cell = np.argsort(cells, kind="stable")
        _, self._cell_starts, self._cell_sizes = np.unique(cells[self._by_cell], return_index=True, return_counts=True)

    def draw(self, rule: Modifier, rng: np.random.Generator, n: int) -> Ints:
        """Places [n] of problems drawn by a rule, with replacement."""
        if rule == "uniform":
            return rng.integers(self._n, size=n)
        if rule == "cascade":
            return self._hard[rng.integers(len(self._hard), size=n)]
        cells = rng.integers(len(self._cell_sizes), size=n)
        places = self._cell_starts[cells] + rng.integers(self._cell_sizes[cells])
        return np.asarray(self._by_cell[places], dtype=np.int64)

    def pools(self) -> dict[Modifier, int]:
        """How many problems each rule draws from."""
        return {"uniform": self._n, "cascade": len(self._hard), "short": self._n}
